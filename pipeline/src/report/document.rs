//! What the parser reads: a document of the ingest room, with offsets of 32 bits.

pub(crate) use crate::ingest::offset;
pub use crate::ingest::{GivenSection, ReportDocument};
