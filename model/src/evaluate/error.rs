//! Why an evaluation fails.

use thiserror::Error;

use crate::batch::{BatchError, SourceError};
use crate::device::DeviceError;
use crate::system::Mg3dInputError;
use crate::text::TokenizeError;
use crate::trainer::CheckpointError;

/// Why evaluation failed.
#[derive(Debug, Error)]
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
    /// A batch is not usable.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A report cannot be tokenised.
    #[error(transparent)]
    Tokenize(#[from] TokenizeError),
    /// A batch cannot become an input of the system.
    #[error(transparent)]
    Input(#[from] Mg3dInputError),
}
