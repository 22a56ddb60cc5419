//! What the parser reads: a document of the ingest room, with offsets of 32 bits.

pub use crate::ingest::{GivenSection, ReportDocument};

/// A byte offset; texts beyond 4 GiB are cut there by the parser.
pub(crate) fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
