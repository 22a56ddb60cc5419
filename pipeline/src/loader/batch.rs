//! What the loaders of a release hand out.

use std::time::Duration;

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

/// Copies the voxels of the series at `places` (study, series) into `slot`, one after another, and returns what
/// they are of. The one copy that a voxel goes through on its way from the shard to the device.
pub(super) fn fill(
    dataset: &Dataset,
    places: &[(usize, usize)],
    slot: &mut Slot,
) -> Result<Vec<BatchStudy>, VoxelReaderError> {
    let stored = |&(study, series): &(usize, usize)| &dataset.studies[study].series[series];
    let total = places.iter().map(|place| stored(place).length as usize).sum();
    let mut rest = slot.prepare(total);
    let mut studies = Vec::with_capacity(places.len());
    let mut offset = 0;
    for place in places {
        let series = stored(place);
        let (target, after) = rest.split_at_mut(series.length as usize);
        target.copy_from_slice(dataset.voxels(series)?);
        rest = after;
        studies.push(dataset.entry(place.0, place.1, offset));
        offset += series.length as usize;
    }
    Ok(studies)
}
