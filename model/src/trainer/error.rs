//! Why training fails.

use std::io;

use thiserror::Error;

use super::checkpoint::CheckpointError;
use crate::batch::{BatchError, SourceError};
use crate::device::DeviceError;
use crate::system::Mg3dConfigError;
use crate::system::Mg3dInputError;
use crate::text::TokenizeError;
use crate::weights::PretrainedError;

/// Why training failed.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The device is not available.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The model cannot be built.
    #[error(transparent)]
    Config(#[from] Mg3dConfigError),
    /// The pretrained text encoder cannot be used.
    #[error(transparent)]
    Pretrained(#[from] PretrainedError),
    /// A report cannot be tokenised.
    #[error(transparent)]
    Tokenize(#[from] TokenizeError),
    /// A batch cannot become an input of the system.
    #[error(transparent)]
    Input(#[from] Mg3dInputError),
    /// A batch is not usable.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A batch could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log could not be written.
    #[error("write training log `{path}`: {source}")]
    Log {
        /// File.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The checkpoint belongs to another run.
    #[error(
        "resume training: `{field}` differs from the checkpoint's; start in another folder or restore it"
    )]
    Mismatch {
        /// Field that differs.
        field: &'static str,
    },
    /// The source does not stand where the run does.
    #[error("train: the loader gave the batch of step {found}, step {expected} was due")]
    Order {
        /// Step of the batch.
        found: u64,
        /// Step of the run.
        expected: u64,
    },
    /// Numbers overflowed.
    #[error(
        "train: step {step} gave a {what} that is not a finite number; lower the learning rate or check the images"
    )]
    NotFinite {
        /// Steps done, this one included.
        step: u64,
        /// Loss or gradient.
        what: &'static str,
    },
    /// There is nothing to learn from.
    #[error("train: every objective has weight 0 or nothing to compare in step {step}")]
    NoLoss {
        /// Steps done, this one included.
        step: u64,
    },
}
