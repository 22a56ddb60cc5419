use std::io::Write;

use super::*;

fn read(name: &str, content: &[u8], column: &str) -> Result<Vec<SourceReport>, SourceError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    File::create(&path).and_then(|mut file| file.write_all(content)).expect("writes");
    ReportReader::open(&path, column)?.collect()
}

#[test]
fn the_same_report_from_every_kind_of_file() {
    let text = "No effusion, \"clear\".";
    let csv = read("r.csv", b"id,PatientID,text\na,77,\"No effusion, \"\"clear\"\".\"\n", "text");
    let json = serde_json::json!({"id": "a", "PatientID": 77, "text": text}).to_string();
    let jsonl = read("r.jsonl", json.as_bytes(), "text").expect("reads");
    let csv = csv.expect("reads");
    assert_eq!(csv, jsonl);
    assert_eq!(csv[0].document, ReportDocument::from_text("a", text));
    assert_eq!(csv[0].identifiers, ["a", "77"]);
    assert_eq!(csv[0].patient.as_deref(), Some("77"));
    let plain = read("a.txt", text.as_bytes(), "text").expect("reads");
    assert_eq!(plain[0].document, csv[0].document);
}

#[test]
fn a_placeholder_is_an_empty_report_from_every_kind_of_file() {
    use schemas::tables::SplitRow;
    let folder = tempfile::tempdir().expect("a folder");
    for text in ["nan", "NaN", "None", "N/A", "null", " ", "Not given."] {
        let empty = |id: &str| ReportDocument::from_text(id, "");
        let files = [
            ("r.csv", format!("id,text\na,{text}\nb,Clear.\n")),
            ("r.tsv", format!("id\ttext\na\t{text}\nb\tClear.\n")),
            (
                "r.jsonl",
                format!(
                    "{{\"id\":\"a\",\"text\":\"{text}\"}}\n{{\"id\":\"b\",\"text\":\"Clear.\"}}"
                ),
            ),
            (
                "ct-rate.csv",
                format!(
                    "VolumeName,Findings_EN,Impressions_EN\na,{text},{text}\nb,Clear.,{text}\n"
                ),
            ),
        ];
        for (name, content) in files {
            let reports = read(name, content.as_bytes(), "text").expect("reads");
            assert_eq!(reports[0].document, empty("a"), "{name}: {text:?}");
            assert_eq!(reports[1].document.text, "Clear.", "{name}: {text:?}");
        }
        let plain = read("a.txt", format!("{text}\n").as_bytes(), "text").expect("reads");
        assert_eq!(plain[0].document, empty("a"), "{text:?}");
        let row = |key: &str, split: &str| SplitRow {
            patient_key: key.into(),
            split: split.into(),
            rule: String::new(),
        };
        crate::shard::write_table(folder.path(), vec![row("a", text), row("b", "Clear.")])
            .expect("writes");
        let table = ReportReader::open(&folder.path().join("splits.parquet"), "split");
        let table: Vec<SourceReport> = table.and_then(Iterator::collect).expect("reads");
        assert_eq!(table[0].document, empty("0"), "{text:?}");
        assert_eq!(table[1].document.text, "Clear.");
    }
    let missing = read("r.jsonl", b"{\"id\":\"a\",\"text\":null}", "text").expect("reads");
    assert_eq!(missing[0].document, ReportDocument::from_text("a", ""));
    let error = read("r.jsonl", b"{\"id\":\"a\"}", "text").expect_err("has no text");
    assert!(error.to_string().contains("`text`"), "{error}");
}

#[test]
fn parquet_tables_are_read_by_column() {
    use schemas::tables::SplitRow;
    let folder = tempfile::tempdir().expect("a folder");
    let rows = (0..600).map(|row| SplitRow {
        patient_key: format!("p{row}"),
        split: format!("No mass {row}."),
        rule: "r".into(),
    });
    crate::shard::write_table(folder.path(), rows.collect()).expect("writes");
    let path = folder.path().join("splits.parquet");
    let reports: Vec<SourceReport> =
        ReportReader::open(&path, "split").and_then(Iterator::collect).expect("reads");
    assert_eq!(reports.len(), 600);
    assert_eq!(reports[599].document, ReportDocument::from_text("599", "No mass 599."));
    assert_eq!(reports[599].identifiers, ["p599"]);
    let missing = ReportReader::open(&path, "text").expect_err("no such column");
    assert!(missing.to_string().contains("split, rule"), "{missing}");
}

#[test]
fn problems_name_the_line_or_the_column() {
    let error = read("r.jsonl", b"{\"text\": \"a\"}\n{\"text\": 3}\n", "text");
    assert!(error.expect_err("a number").to_string().contains("line 2"));
    let error = read("r.csv", b"a,b\n1,2\n", "text").expect_err("no column");
    assert!(error.to_string().contains("no column `text`"), "{error}");
}

#[test]
fn windows_are_bounded_and_a_bad_row_is_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("r.jsonl");
    let mut content: String =
        (0..600).map(|row| format!("{{\"id\": {row}, \"text\": \"Clear.\"}}\n\n")).collect();
    content += "{\"text\":\n";
    File::create(&path).and_then(|mut f| f.write_all(content.as_bytes())).expect("writes");
    let mut reader = ReportReader::open(&path, "text").expect("opens");
    assert_eq!(reader.next_window().expect("reads").len(), WINDOW_REPORTS);
    let rest = reader.next_window().expect("what stands before the error");
    assert_eq!(rest.len(), 600 - WINDOW_REPORTS);
    assert_eq!(rest[87].document.id, "599");
    let rejected = reader.take_rejected();
    assert_eq!(rejected.iter().map(|row| row.line).collect::<Vec<_>>(), [1201]);
    assert!(reader.next_window().expect("the end").is_empty());
}

#[test]
fn a_bad_row_is_left_out_with_a_reason_and_the_rest_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content, kept, lines) in [
        ("a.csv", b"id,text\na,Clear.\nb,too,many\nc,No mass.\n".as_slice(), &["a", "c"][..], &[3][..]),
        ("b.csv", b"id,text\na,Clear.\nb,5 \xd7 3 mm\n", &["a", "b"], &[]),
        ("c.jsonl", b"{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\n{\"id\":\"c\",\"text\":17}\n{\"id\":\"d\",\"text\":\"y\"}\n", &["a", "d"], &[2, 3]),
    ] {
        let path = folder.path().join(name);
        File::create(&path).and_then(|mut file| file.write_all(content)).expect("writes");
        let mut reader = ReportReader::open(&path, "text").expect("opens");
        let reports = reader.next_window().expect("reads");
        assert_eq!(reports.iter().map(|r| r.document.id.as_str()).collect::<Vec<_>>(), kept, "{name}");
        assert_eq!(reader.take_rejected().iter().map(|row| row.line).collect::<Vec<_>>(), lines);
        if name == "b.csv" {
            assert_eq!(reports[1].document.text, "5 \u{d7} 3 mm");
            assert_eq!(reports[1].document.encoding, Some("windows-1252"));
        }
    }
}

#[test]
fn a_window_of_long_reports_holds_few() {
    let long = "x".repeat(WINDOW_BYTES / 3);
    let rows: String = (0..8).map(|row| format!("{row},{long}\n")).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("r.csv");
    let content = format!("id,text\n{rows}");
    File::create(&path).and_then(|mut f| f.write_all(content.as_bytes())).expect("writes");
    let mut reader = ReportReader::open(&path, "text").expect("opens");
    assert_eq!(reader.next_window().expect("reads").len(), 4);
    assert_eq!(reader.next_window().expect("reads").len(), 4);
}

#[test]
fn the_column_of_the_ids_may_be_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let ids = |name: &str, content: &str, id: Option<&str>| -> Result<Vec<String>, SourceError> {
        let path = folder.path().join(name);
        File::create(&path)
            .and_then(|mut file| file.write_all(content.as_bytes()))
            .expect("writes");
        let reader = ReportReader::open_with_id(&path, "text", id)?;
        reader.map(|report| Ok(report?.document.id)).collect()
    };
    let csv = "AccessionNo,text\nx7,No mass.\n";
    assert_eq!(ids("r.csv", csv, None).expect("reads"), ["0"]);
    assert_eq!(ids("r.csv", csv, Some("AccessionNo")).expect("reads"), ["x7"]);
    let error = ids("r.csv", csv, Some("study")).expect_err("no such column").to_string();
    assert!(error.contains("`study`") && error.contains("`AccessionNo`"), "{error}");
    let lines = "{\"study_id\": 5, \"n\": \"x8\", \"text\": \"No mass.\"}\n";
    assert_eq!(ids("r.jsonl", lines, None).expect("reads"), ["5"]);
    assert_eq!(ids("r.jsonl", lines, Some("n")).expect("reads"), ["x8"]);
}
