//! Why training fails.

use std::io;

use thiserror::Error;

use super::checkpoint::CheckpointError;
use crate::batch::SourceError;
use crate::device::DeviceError;
use crate::system::{PrepareError, StartError};
use schemas::manifest::ManifestError;

/// Why training failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The device is not available.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The system does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The manifest asks for what there is not.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A batch cannot become an input of the system.
    #[error(transparent)]
    Input(#[from] PrepareError),
    /// A batch could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log could not be written.
    #[error("failed to write the training log `{path}`: {source}")]
    Log {
        /// File.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The checkpoint belongs to another run.
    #[error(
        "failed to resume training: `{field}` differs from the checkpoint's; start in another folder or restore it"
    )]
    Mismatch {
        /// Field that differs.
        field: &'static str,
    },
    /// The checkpoint is of a run of another length, whose rate falls otherwise.
    #[error(
        "failed to resume training: `train.steps` is {ours} and the checkpoint was made for {theirs}, so that the learning \
         rate would take another course; set `train.extend = true` to go on nevertheless, or restore it"
    )]
    Steps {
        /// Steps of the manifest.
        ours: u64,
        /// Steps of the checkpoint's run.
        theirs: u64,
    },
    /// A group of parameters names nothing.
    #[error(
        "failed to train: `train.optimizer.groups` names `{module}`, and the model has no such module; it has `{modules}`"
    )]
    Group {
        /// Name in the manifest.
        module: String,
        /// Modules of the model.
        modules: String,
    },
    /// The source does not stand where the run does.
    #[error("failed to train: the loader gave the batch of step {found}, step {expected} was due")]
    Order {
        /// Step of the batch.
        found: u64,
        /// Step of the run.
        expected: u64,
    },
    /// Numbers overflowed.
    #[error(
        "failed to train: step {step} gave a {what} that is not a finite number; lower the learning rate or check the images"
    )]
    NotFinite {
        /// Steps done, this one included.
        step: u64,
        /// Loss or gradient.
        what: &'static str,
    },
    /// There is nothing to learn from.
    #[error("failed to train: every objective has weight 0 or nothing to compare in step {step}")]
    NoLoss {
        /// Steps done, this one included.
        step: u64,
    },
}
