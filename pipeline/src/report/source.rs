//! Reads reports from files: plain text, csv, JSONL and Parquet.

use std::path::{Path, PathBuf};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use super::document::ReportDocument;
use super::types::SectionKind;
use crate::ingest::csv::read_rows;
use crate::shard::read_table;

/// CT-RATE's report columns, which become sections when a table has them and not the text column.
const COLUMNS: [(&str, SectionKind); 4] = [
    ("ClinicalInformation_EN", SectionKind::ClinicalInformation),
    ("Technique_EN", SectionKind::Technique),
    ("Findings_EN", SectionKind::Findings),
    ("Impressions_EN", SectionKind::Impression),
];
/// Columns that may hold a report's id, the first one there is taken.
const IDS: [&str; 4] = ["id", "VolumeName", "study_id", "report_id"];
/// Columns that identify a patient or study, folded: letters and digits in lower case.
const IDENTIFIERS: [&str; 10] = [
    "id",
    "volumename",
    "studyid",
    "reportid",
    "patientid",
    "patientname",
    "patientkey",
    "accessionnumber",
    "accession",
    "name",
];

/// Why reports could not be read. All of it is the user's to mend, but for the system's errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The system refused.
    #[error("failed to read `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what its name says.
    #[error("failed to read reports from `{path}`: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// There is no column with texts.
    #[error("`{path}` has no column `{column}`: it has {found}; name yours with `--column`")]
    Column {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// The columns there are.
        found: String,
    },
}

/// A report and the identifiers its study is stored under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceReport {
    /// The text.
    pub document: ReportDocument,
    /// Identifiers to look for in the text.
    pub identifiers: Vec<String>,
}

/// The reports of a file, by its extension: `csv`, `jsonl`, `ndjson`, `parquet`, else plain text. In
/// tables, `column` holds the text.
///
/// # Errors
/// [`SourceError`], naming file and line or column.
pub fn read_reports(path: &Path, column: &str) -> Result<Vec<SourceReport>, SourceError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let io = |source| SourceError::Io { path: path.to_owned(), source };
    let format = |message: String| SourceError::Format { path: path.to_owned(), message };
    match extension.as_str() {
        "csv" => {
            let rows = read_rows(path).map_err(|error| format(error.to_string()))?;
            table(path, column, &rows.columns, rows.rows)
        }
        "parquet" => {
            let (columns, rows) = parquet(path).map_err(format)?;
            table(path, column, &columns, rows)
        }
        "jsonl" | "ndjson" => jsonl(path, &std::fs::read_to_string(path).map_err(io)?, column),
        _ => {
            let bytes = std::fs::read(path).map_err(io)?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            // Reports from old systems are not always UTF-8; offsets count bytes of the decoded text.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let identifiers = vec![name.clone()];
            Ok(vec![SourceReport { document: ReportDocument::from_text(name, text), identifiers }])
        }
    }
}

type Cells = Vec<Vec<Option<String>>>;

/// The table's columns and its cells as text.
fn parquet(path: &Path) -> Result<(Vec<String>, Cells), String> {
    let mut columns = Vec::new();
    let mut rows = Vec::new();
    for batch in read_table(path).map_err(|error| error.to_string())? {
        if columns.is_empty() {
            columns = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        }
        let options = FormatOptions::default();
        let cells = batch
            .columns()
            .iter()
            .map(|array| ArrayFormatter::try_new(array.as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.to_string())?;
        for row in 0..batch.num_rows() {
            let values =
                batch.columns().iter().zip(&cells).map(|(array, cell)| {
                    (!array.is_null(row)).then(|| cell.value(row).to_string())
                });
            rows.push(values.collect());
        }
    }
    Ok((columns, rows))
}

fn table(
    path: &Path,
    column: &str,
    columns: &[String],
    rows: Cells,
) -> Result<Vec<SourceReport>, SourceError> {
    let has = |name: &str| columns.iter().position(|found| found == name);
    let id = IDS.iter().find_map(|name| has(name));
    let own: Vec<usize> =
        (0..columns.len()).filter(|&at| columns.get(at).is_some_and(|c| identifies(c))).collect();
    let text = has(column);
    let sections: Vec<(usize, SectionKind)> =
        COLUMNS.iter().filter_map(|&(name, kind)| Some((has(name)?, kind))).collect();
    if text.is_none() && sections.is_empty() {
        return Err(SourceError::Column {
            path: path.to_owned(),
            column: column.to_owned(),
            found: columns.join(", "),
        });
    }
    let reports = rows.into_iter().enumerate().map(|(index, cells)| {
        let cell = |at: usize| cells.get(at).and_then(Option::as_deref);
        let name = id.and_then(cell).map_or_else(|| index.to_string(), str::to_owned);
        let document = if let Some(at) = text {
            ReportDocument::from_text(name, cell(at).unwrap_or_default())
        } else {
            let texts: Vec<(SectionKind, &str)> =
                sections.iter().map(|&(at, kind)| (kind, cell(at).unwrap_or_default())).collect();
            ReportDocument::from_columns(name, &texts)
        };
        let identifiers = own.iter().filter_map(|&at| cell(at)).map(str::to_owned).collect();
        SourceReport { document, identifiers }
    });
    Ok(reports.collect())
}

fn identifies(column: &str) -> bool {
    let folded: String =
        column.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    IDENTIFIERS.contains(&folded.as_str())
}

fn jsonl(path: &Path, content: &str, field: &str) -> Result<Vec<SourceReport>, SourceError> {
    let mut reports = Vec::new();
    for (index, line) in content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let problem = |what: String| SourceError::Format {
            path: path.to_owned(),
            message: format!("line {}: {what}", index + 1),
        };
        let value: Value =
            serde_json::from_str(line).map_err(|error| problem(error.to_string()))?;
        let text = value.get(field).and_then(Value::as_str).ok_or_else(|| {
            problem(format!("has no text field `{field}`; name yours with `--column`"))
        })?;
        let plain = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let id = value.get("id").map_or_else(|| index.to_string(), plain);
        let fields = value.as_object().into_iter().flatten();
        let identifiers =
            fields.filter(|(name, _)| identifies(name)).map(|(_, value)| plain(value)).collect();
        reports.push(SourceReport { document: ReportDocument::from_text(id, text), identifiers });
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(name: &str, content: &[u8], column: &str) -> Result<Vec<SourceReport>, SourceError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::File::create(&path).and_then(|mut f| f.write_all(content)).expect("writes");
        read_reports(&path, column)
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
        let plain = read("a.txt", text.as_bytes(), "text").expect("reads");
        assert_eq!(plain[0].document, csv[0].document);
    }

    #[test]
    fn parquet_tables_are_read_by_column() {
        use schemas::tables::SplitRow;
        let folder = tempfile::tempdir().expect("a folder");
        let row = SplitRow { patient_key: "p1".into(), split: "No mass.".into(), rule: "r".into() };
        crate::shard::write_table(folder.path(), vec![row]).expect("writes");
        let path = folder.path().join("splits.parquet");
        let reports = read_reports(&path, "split").expect("reads");
        assert_eq!(reports[0].document, ReportDocument::from_text("0", "No mass."));
        assert_eq!(reports[0].identifiers, ["p1"]);
        let missing = read_reports(&path, "text").expect_err("no such column");
        assert!(missing.to_string().contains("patient_key"), "{missing}");
    }

    #[test]
    fn problems_name_the_line_or_the_column() {
        let error = read("r.jsonl", b"{\"text\": \"a\"}\n{\"text\": 3}\n", "text");
        assert!(error.expect_err("a number").to_string().contains("line 2"));
        let error = read("r.csv", b"a,b\n1,2\n", "text").expect_err("no column");
        assert!(error.to_string().contains("no column `text`"), "{error}");
    }
}
