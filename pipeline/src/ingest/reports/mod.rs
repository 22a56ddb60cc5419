//! Reports out of files: plain text, csv, tsv, JSONL and Parquet, one after the other.
//!
//! A [`ReportDocument`] is what a source gives and the report room parses. [`is_placeholder`] says what is not a report.

mod columns;
mod document;
mod encoding;
mod labels;
mod placeholder;
mod reader;
mod report;
mod section_kind;

pub(crate) use document::offset;
pub use document::{GivenSection, ReportDocument};
pub use labels::LabelTable;
pub(crate) use placeholder::given;
pub use placeholder::is_placeholder;
pub use reader::{RejectedRow, ReportReader};
pub use report::{SourceError, SourceReport};
pub use section_kind::SectionKind;
