//! Reports out of files: plain text, csv, JSONL and Parquet, one after the other.

mod columns;
mod reader;
mod report;

pub use reader::ReportReader;
pub use report::{SourceError, SourceReport};
