//! One step's studies: records and texts by reference, voxels in one buffer, and what a system may look up.

use std::sync::Arc;

use schemas::study::{BatchStudy, SideInputs};

use super::error::BatchError;
use super::voxels::Voxels;

/// One step's studies.
///
/// Pixels and texts are two inputs: `voxels` holds the blocks of all studies, and a study's record its report.
/// A study may have no block where only its text is wanted, one, or several of different shapes.
#[derive(Debug, Clone)]
pub struct StudyBatch {
    /// Step the batch belongs to, counted from 0.
    pub step: u64,
    /// Studies in the order of the voxels.
    pub studies: Vec<BatchStudy>,
    /// Voxels of all blocks of all studies.
    pub voxels: Voxels,
    /// What else is known of the studies.
    pub side_inputs: Arc<dyn SideInputs>,
    /// Series that were left out because they are not what was written.
    pub damaged: usize,
    /// Time that training waited for this batch, in seconds.
    pub data_wait_s: f64,
}

impl StudyBatch {
    /// Checks that the voxels hold all blocks.
    ///
    /// # Errors
    /// [`BatchError::VoxelBytes`].
    pub fn validate(&self) -> Result<(), BatchError> {
        let blocks = self.studies.iter().flat_map(BatchStudy::blocks);
        let expected = blocks.map(|(_, range)| range.end).max().unwrap_or(0);
        let found = self.voxels.len();
        if found == expected { Ok(()) } else { Err(BatchError::VoxelBytes { found, expected }) }
    }

    /// Checks that every study has `blocks` blocks of this shape (channel, depth, height, width): the simplest
    /// case, that of a model of one fixed box.
    ///
    /// # Errors
    /// One [`BatchError`] for the first study that differs.
    pub fn validate_fixed(&self, shape: [usize; 4], blocks: usize) -> Result<(), BatchError> {
        self.validate()?;
        for study in &self.studies {
            let found = study.blocks().count();
            if found != blocks {
                let study = study.record.study_id.to_string();
                return Err(BatchError::Blocks { study, found, expected: blocks });
            }
            if let Some((block, _)) = study.blocks().find(|(block, _)| block.shape != shape) {
                return Err(BatchError::VolumeShape { found: block.shape, expected: shape });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{VOLUME, batch_of};

    #[test]
    fn a_short_buffer_another_shape_and_another_number_of_blocks_are_refused() {
        let batch = batch_of(0, &[0, 1]);
        assert_eq!(batch.validate_fixed(VOLUME, 1), Ok(()));
        let [channels, depth, height, width] = VOLUME;
        let taller = [channels, depth, height + 1, width];
        assert_eq!(
            batch.validate_fixed(taller, 1),
            Err(BatchError::VolumeShape { found: VOLUME, expected: taller })
        );
        assert_eq!(
            batch.validate_fixed(VOLUME, 4),
            Err(BatchError::Blocks { study: "s0".into(), found: 1, expected: 4 })
        );
        let expected = 2 * VOLUME.iter().product::<usize>();
        let short = StudyBatch { voxels: Voxels::from(vec![0; 3]), ..batch };
        assert_eq!(short.validate(), Err(BatchError::VoxelBytes { found: 3, expected }));
    }
}
