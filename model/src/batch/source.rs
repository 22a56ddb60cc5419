//! Where batches come from.

use thiserror::Error;

use super::study::StudyBatch;

/// Where batches come from. It is `Send`, so that a thread beside the training can draw from it.
pub trait BatchSource: Send {
    /// Returns the next batch, or `None` when the source is exhausted.
    ///
    /// # Errors
    /// When the data cannot be read or do not match the position.
    fn next_batch(&mut self) -> Result<Option<StudyBatch>, SourceError>;

    /// Position after the last committed batch, from which a later run goes on.
    fn token(&self) -> serde_json::Value;

    /// Moves the position of [`Self::token`] past one more batch.
    fn commit(&mut self);
}

/// Why a source of batches failed.
#[derive(Debug, Error)]
#[error("failed to read batch: {0}")]
pub struct SourceError(#[from] pub Box<dyn std::error::Error + Send + Sync>);
