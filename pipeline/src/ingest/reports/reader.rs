//! Reads reports from files: plain text, csv, tsv, JSONL and Parquet, one after the other.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use super::columns::ReportColumns;
use super::document::ReportDocument;
use super::placeholder::given;
use super::report::{SourceError, SourceReport};
use crate::ingest::csv::CsvRecords;
use crate::shard::TableStream;

/// Most reports of a window.
const WINDOW_REPORTS: usize = 512;
/// Text of a window in bytes, from which on it takes no further report.
const WINDOW_BYTES: usize = 4 << 20;
/// Rows of a Parquet file decoded at a time.
const PARQUET_ROWS: usize = 256;

/// The reports of a file in its order. What is held at a time is a row, a line or a small batch, so
/// that memory does not grow with the file.
#[derive(Debug)]
pub struct ReportReader {
    path: PathBuf,
    kind: Kind,
    /// What ended the last window too early; it is told when the reports before it are handed out.
    failed: Option<SourceError>,
}

#[derive(Debug)]
enum Kind {
    Text(Option<SourceReport>),
    Csv {
        records: Box<CsvRecords>,
        columns: ReportColumns,
        row: usize,
    },
    Lines {
        lines: BufReader<File>,
        field: String,
        row: usize,
    },
    Parquet {
        batches: TableStream,
        columns: ReportColumns,
        row: usize,
        ready: VecDeque<SourceReport>,
    },
}

impl ReportReader {
    /// Opens a file by its extension: `csv`, `tsv`, `jsonl`, `ndjson`, `parquet`, else plain text. In
    /// tables, `column` holds the text.
    ///
    /// # Errors
    /// [`SourceError`], naming file and column.
    pub fn open(path: &Path, column: &str) -> Result<Self, SourceError> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let io = |source| SourceError::Io { path: path.to_owned(), source };
        let format = |message: String| SourceError::Format { path: path.to_owned(), message };
        let kind = match extension.as_str() {
            "csv" | "tsv" => {
                let records = CsvRecords::open(path).map_err(|error| format(error.to_string()))?;
                let columns = ReportColumns::find(path, records.columns(), column)?;
                Kind::Csv { records: Box::new(records), columns, row: 0 }
            }
            "parquet" => {
                let stream =
                    TableStream::open(path, PARQUET_ROWS, |name| ReportColumns::uses(name, column));
                let batches = stream.map_err(|error| format(error.to_string()))?;
                // Of the columns of a batch only those in use are there, in the order of the file.
                let used: Vec<String> = batches
                    .columns()
                    .iter()
                    .filter(|name| ReportColumns::uses(name, column))
                    .cloned()
                    .collect();
                let columns = ReportColumns::find(path, &used, column)
                    .map_err(|error| error.with_columns(batches.columns()))?;
                Kind::Parquet { batches, columns, row: 0, ready: VecDeque::new() }
            }
            "jsonl" | "ndjson" => Kind::Lines {
                lines: BufReader::new(File::open(path).map_err(io)?),
                field: column.to_owned(),
                row: 0,
            },
            _ => {
                let bytes = std::fs::read(path).map_err(io)?;
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                Kind::Text(Some(SourceReport::from_bytes(&name, &bytes)))
            }
        };
        Ok(Self { path: path.to_owned(), kind, failed: None })
    }

    /// The next reports, at most 512 of them or about 4 MiB of text; none at the end. An error is
    /// told after the reports that stand before it.
    ///
    /// # Errors
    /// [`SourceError`], naming file and line.
    pub fn next_window(&mut self) -> Result<Vec<SourceReport>, SourceError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let (mut window, mut bytes) = (Vec::new(), 0);
        while window.len() < WINDOW_REPORTS && bytes < WINDOW_BYTES {
            match self.next() {
                None => break,
                Some(Ok(report)) => {
                    bytes += report.document.text.len();
                    window.push(report);
                }
                Some(Err(error)) if window.is_empty() => return Err(error),
                Some(Err(error)) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok(window)
    }
}

impl Iterator for ReportReader {
    type Item = Result<SourceReport, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let format = |message: String| SourceError::Format { path: self.path.clone(), message };
        match &mut self.kind {
            Kind::Text(report) => report.take().map(Ok),
            Kind::Csv { records, columns, row } => {
                let report = records.next()?.map(|cells| columns.report(*row, &cells));
                *row += 1;
                Some(report.map_err(|error| format(error.to_string())))
            }
            Kind::Lines { lines, field, row } => loop {
                let mut line = Vec::new();
                match lines.read_until(b'\n', &mut line) {
                    Ok(0) => return None,
                    Ok(_) => {}
                    Err(source) => {
                        return Some(Err(SourceError::Io { path: self.path.clone(), source }));
                    }
                }
                let index = *row;
                *row += 1;
                if line.trim_ascii().is_empty() {
                    continue;
                }
                let report = json_line(&line, field, index);
                return Some(report.map_err(|what| format(format!("line {}: {what}", index + 1))));
            },
            Kind::Parquet { batches, columns, row, ready } => {
                while ready.is_empty() {
                    let filled = batches
                        .next()?
                        .map_err(|error| error.to_string())
                        .and_then(|batch| fill(&batch, columns, row, ready));
                    if let Err(message) = filled {
                        return Some(Err(format(message)));
                    }
                }
                ready.pop_front().map(Ok)
            }
        }
    }
}

/// The rows of a batch as reports, cells as text.
fn fill(
    batch: &RecordBatch,
    columns: &ReportColumns,
    row: &mut usize,
    ready: &mut VecDeque<SourceReport>,
) -> Result<(), String> {
    let options = FormatOptions::default();
    let cells = batch
        .columns()
        .iter()
        .map(|array| ArrayFormatter::try_new(array.as_ref(), &options))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    for index in 0..batch.num_rows() {
        let values: Vec<Option<String>> = batch
            .columns()
            .iter()
            .zip(&cells)
            .map(|(array, cell)| (!array.is_null(index)).then(|| cell.value(index).to_string()))
            .collect();
        ready.push_back(columns.report(*row, &values));
        *row += 1;
    }
    Ok(())
}

fn json_line(line: &[u8], field: &str, index: usize) -> Result<SourceReport, String> {
    let value: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let text = match value.get(field) {
        // A missing value is written so.
        Some(Value::Null) => Some(""),
        found => found.and_then(Value::as_str),
    };
    let text =
        text.ok_or_else(|| format!("has no text field `{field}`; name yours with `--column`"))?;
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let id = value.get("id").map_or_else(|| index.to_string(), plain);
    let fields = || value.as_object().into_iter().flatten();
    let patient = fields().find(|(name, _)| ReportColumns::names_patient(name));
    Ok(SourceReport {
        document: ReportDocument::from_text(id, given(text)),
        patient: patient.map(|(_, value)| plain(value)),
        identifiers: fields()
            .filter(|(name, _)| ReportColumns::identifies(name))
            .map(|(_, value)| plain(value))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
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
        let csv =
            read("r.csv", b"id,PatientID,text\na,77,\"No effusion, \"\"clear\"\".\"\n", "text");
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
    fn windows_are_bounded_and_an_error_comes_after_the_reports_before_it() {
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
        let error = reader.next_window().expect_err("half an object").to_string();
        assert!(error.contains("line 1201"), "{error}");
        assert!(reader.next_window().expect("the end").is_empty());
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
}
