//! Why a batch cannot be used.

use thiserror::Error;

/// Why a batch cannot be used.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum BatchError {
    /// The bytes do not hold the blocks.
    #[error("failed to use batch: its voxels have {found} bytes, and its blocks need {expected}")]
    VoxelBytes {
        /// Bytes of the voxels.
        found: usize,
        /// Bytes that the blocks need.
        expected: usize,
    },
    /// A study has another number of blocks than the model takes.
    #[error("failed to use batch: `{study}` has {found} blocks, and the model takes {expected}")]
    Blocks {
        /// The study.
        study: String,
        /// Its blocks.
        found: usize,
        /// Blocks that the model takes of each study.
        expected: usize,
    },
    /// Voxels have another shape than the model.
    #[error(
        "failed to use batch: a volume has the shape {found:?} (channel, depth, height, width), the model needs {expected:?}"
    )]
    VolumeShape {
        /// Shape of the voxels.
        found: [usize; 4],
        /// Shape the model was built for.
        expected: [usize; 4],
    },
    /// Blocks that were to form one tensor differ.
    #[error(
        "failed to use batch: its blocks differ in shape or voxel type, so that they do not form one tensor"
    )]
    Ragged,
}
