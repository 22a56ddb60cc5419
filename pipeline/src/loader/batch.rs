//! What the loaders of a release hand out.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use schemas::study::BatchStudy;

use super::dataset::Dataset;
use super::ring::Slot;
use crate::shard::VoxelReaderError;

/// One rank's part of one global batch.
#[derive(Debug)]
pub struct Batch {
    /// Number of the batch, from the first position on.
    pub number: u64,
    /// Its studies in order.
    pub studies: Vec<BatchStudy>,
    /// Their voxels.
    pub slot: Slot,
    /// How long the consumer waited for it.
    pub waited: Duration,
}

/// What it took to fill one slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FillCost {
    /// Bytes of the shards that were read.
    pub(super) read: u64,
    /// Time for reading and hashing: pages of a mapped shard are read when they are hashed.
    pub(super) hashing: Duration,
    /// Time for the copy into the slot.
    pub(super) copying: Duration,
    /// Shards that the samples lie in.
    pub(super) shards: usize,
}

/// Copies the voxels of the series at `places` (study, series) into `slot`, one after another, and returns what
/// they are of and what it took. The one copy that a voxel goes through on its way from the shard to the device.
pub(super) fn fill(
    dataset: &Dataset,
    places: &[(usize, usize)],
    slot: &mut Slot,
) -> Result<(Vec<BatchStudy>, FillCost), VoxelReaderError> {
    let stored = |&(study, series): &(usize, usize)| &dataset.studies[study].series[series];
    let total = places.iter().map(|place| stored(place).length as usize).sum();
    let mut rest = slot.prepare(total);
    let mut studies = Vec::with_capacity(places.len());
    let mut offset = 0;
    let mut cost = FillCost::default();
    let mut shards = BTreeSet::new();
    for place in places {
        let series = stored(place);
        let (target, after) = rest.split_at_mut(series.length as usize);
        let start = Instant::now();
        let voxels = dataset.voxels(series)?;
        let read = Instant::now();
        target.copy_from_slice(voxels);
        cost.read += voxels.len() as u64;
        cost.hashing += read - start;
        cost.copying += read.elapsed();
        shards.insert(series.shard);
        rest = after;
        studies.push(dataset.entry(place.0, place.1, offset));
        offset += series.length as usize;
    }
    cost.shards = shards.len();
    Ok((studies, cost))
}
