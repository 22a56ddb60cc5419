//! csv files of a corpus.
//!
//! - [`KeyedCsv`] is a file held whole and looked up by key: metadata and labels.
//! - [`CsvRecords`] reads row after row in memory that does not grow with the file: reports.

mod error;
mod keyed;
mod records;

pub use error::{CsvError, column};
pub use keyed::KeyedCsv;
pub use records::{CsvRecords, quoted, read_record};
