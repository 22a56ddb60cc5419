//! What the loaders of a release hand out.

use std::time::Duration;

use schemas::study::BatchStudy;

use super::ring::Slot;

/// One rank's part of one global batch.
#[derive(Debug)]
pub struct Batch {
    /// Number of the batch, from the first position on.
    pub number: u64,
    /// Its studies in order.
    pub studies: Vec<BatchStudy>,
    /// Their voxels.
    pub slot: Slot,
    /// Series that were left out because they are not what was written.
    pub damaged: usize,
    /// How long the consumer waited for it.
    pub waited: Duration,
}
