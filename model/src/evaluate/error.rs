//! Why an evaluation fails.

use schemas::manifest::ManifestError;
use thiserror::Error;

use crate::batch::SourceError;
use crate::device::DeviceError;
use crate::system::PrepareError;
use crate::trainer::CheckpointError;

/// Why evaluation failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// The device is not available.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The checkpoint cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A batch could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// This program does not have the checkpoint's system.
    #[error(transparent)]
    System(#[from] ManifestError),
    /// A batch cannot become an input of the system.
    #[error(transparent)]
    Input(#[from] PrepareError),
}
