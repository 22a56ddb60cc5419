//! Reads reports from files: plain text, csv, tsv, JSONL and Parquet, one after the other.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use super::columns::{IDS, ReportColumns};
use super::document::ReportDocument;
use super::encoding::{SINGLE_BYTES, decode_single_bytes};
use super::placeholder::given;
use super::report::{SourceError, SourceReport};
use crate::ingest::csv::{CsvError, CsvRecords};
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
    /// Rows that were no reports, not yet asked for.
    rejected: Vec<RejectedRow>,
}

/// A row that is no report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its line in the file, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub message: String,
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
        text: String,
        id: Option<String>,
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
        Self::open_with_id(path, column, None)
    }

    /// The same with the column that holds the ids; where it is left out, the first of those that tables of reports use for
    /// it.
    ///
    /// # Errors
    /// [`SourceError`], naming file and column.
    pub fn open_with_id(path: &Path, column: &str, id: Option<&str>) -> Result<Self, SourceError> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let io = |source| SourceError::Io { path: path.to_owned(), source };
        let format = |message: String| SourceError::Format { path: path.to_owned(), message };
        let kind = match extension.as_str() {
            "csv" | "tsv" => {
                let records = CsvRecords::open(path).map_err(|error| format(error.to_string()))?;
                let records = records.recoding(decode_single_bytes);
                let columns = ReportColumns::find(path, records.columns(), column, id)?;
                Kind::Csv { records: Box::new(records), columns, row: 0 }
            }
            "parquet" => {
                let uses = |name: &str| id == Some(name) || ReportColumns::uses(name, column);
                let stream = TableStream::open(path, PARQUET_ROWS, uses);
                let batches = stream.map_err(|error| format(error.to_string()))?;
                // Of the columns of a batch only those in use are there, in the order of the file.
                let used: Vec<String> =
                    batches.columns().iter().filter(|name| uses(name)).cloned().collect();
                let columns = ReportColumns::find(path, &used, column, id)
                    .map_err(|error| error.with_columns(batches.columns()))?;
                Kind::Parquet { batches, columns, row: 0, ready: VecDeque::new() }
            }
            "jsonl" | "ndjson" => Kind::Lines {
                lines: BufReader::new(File::open(path).map_err(io)?),
                text: column.to_owned(),
                id: id.map(str::to_owned),
                row: 0,
            },
            _ => {
                let bytes = std::fs::read(path).map_err(io)?;
                Kind::Text(Some(SourceReport::from_bytes(path, &bytes)?))
            }
        };
        Ok(Self { path: path.to_owned(), kind, failed: None, rejected: Vec::new() })
    }

    /// The rows that were no reports since this was asked last, in the order of the file.
    pub fn take_rejected(&mut self) -> Vec<RejectedRow> {
        std::mem::take(&mut self.rejected)
    }

    /// The next reports, at most 512 of them or about 4 MiB of text; none at the end. A row that is no report is left
    /// out and kept for [`ReportReader::take_rejected`]; another error is told after the reports that stand before it.
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
                Some(Err(SourceError::Row { line, message, .. })) => {
                    self.rejected.push(RejectedRow { line, message });
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
                let cells = records.next()?;
                let index = *row;
                *row += 1;
                Some(match cells {
                    Ok(cells) => {
                        let mut report = columns.report(index, &cells);
                        report.document.encoding = records.was_recoded().then_some(SINGLE_BYTES);
                        Ok(report)
                    }
                    Err(CsvError::Row { path, line, message }) => {
                        Err(SourceError::Row { path, line, message })
                    }
                    Err(error) => Err(format(error.to_string())),
                })
            }
            Kind::Lines { lines, text, id, row } => loop {
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
                let report = json_line(&line, text, id.as_deref(), index);
                return Some(report.map_err(|message| SourceError::Row {
                    path: self.path.clone(),
                    line: index as u64 + 1,
                    message,
                }));
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

fn json_line(
    line: &[u8],
    field: &str,
    id: Option<&str>,
    index: usize,
) -> Result<SourceReport, String> {
    // A mark of the byte order stands before the first line of some files.
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let recoded = std::str::from_utf8(line).is_err();
    let decoded = if recoded { decode_single_bytes(line) } else { String::new() };
    let line = if recoded { decoded.as_bytes() } else { line };
    let value: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let text = match value.get(field) {
        // A missing value is written so.
        Some(Value::Null) => Some(""),
        found => found.and_then(Value::as_str),
    };
    let text = text.ok_or_else(|| match value.get(field) {
        Some(other) => format!("the field `{field}` holds {other} and no text"),
        None => format!("has no text field `{field}`; name yours with `--column`"),
    })?;
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let id = match id {
        Some(id) => {
            value.get(id).ok_or_else(|| format!("has no field `{id}` with its id")).map(Some)?
        }
        None => IDS.iter().find_map(|name| value.get(*name)),
    };
    let id = id.map_or_else(|| index.to_string(), plain);
    let fields = || value.as_object().into_iter().flatten();
    let patient = fields().find(|(name, _)| ReportColumns::names_patient(name));
    let mut document = ReportDocument::from_text(id, given(text));
    document.encoding = recoded.then_some(SINGLE_BYTES);
    Ok(SourceReport {
        document,
        patient: patient.map(|(_, value)| plain(value)),
        identifiers: fields()
            .filter(|(name, _)| ReportColumns::identifies(name))
            .map(|(_, value)| plain(value))
            .collect(),
    })
}

#[cfg(test)]
mod tests;
