//! Why a system does not start, or cannot use a batch.

use schemas::manifest::ManifestError;
use thiserror::Error;

use crate::batch::BatchError;
use crate::text::TokenizeError;
use crate::weights::PretrainedError;

/// Why a system does not start. What the manifest asks for is at fault in all cases but the reading of files.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A key of the manifest is wrong, or values do not fit together.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The pretrained text encoder cannot be used.
    #[error(transparent)]
    Pretrained(#[from] PretrainedError),
    /// The tokenizer cannot be made or read.
    #[error(transparent)]
    Tokenize(#[from] TokenizeError),
}

/// Why a batch cannot become an input.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// A report cannot be tokenised.
    #[error(transparent)]
    Tokenize(#[from] TokenizeError),
    /// The voxels are not those of the model.
    #[error(transparent)]
    Batch(#[from] BatchError),
}
