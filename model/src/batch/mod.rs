//! What the loader hands to training: batches of studies with their voxels, and where they come from.

mod claims;
mod error;
mod list;
mod negative;
mod prefetch;
mod source;
mod study;
mod voxels;

pub(crate) use claims::ClaimPairs;
pub use error::BatchError;
pub use list::{ListSource, single_blocks};
pub(crate) use negative::not_negative;
pub use prefetch::{Prefetched, prefetched};
pub use source::{BatchSource, SourceError};
pub use study::StudyBatch;
pub use voxels::Voxels;
