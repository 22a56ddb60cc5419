//! Why units could not be run.

use std::io;

/// Units that could not be run. What is committed is kept, and the same run goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A shard or an outcome cannot be written.
    #[error(transparent)]
    Write(#[from] io::Error),
    /// The system does not give a source, which says nothing of what it holds.
    #[error("failed to read `{source_name}` of the corpus: {detail}")]
    Read {
        /// The source, relative to the corpus.
        source_name: String,
        /// What the system said.
        detail: String,
    },
}
