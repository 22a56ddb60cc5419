//! Why a corpus cannot be planned.

use std::path::PathBuf;

use schemas::manifest::ManifestError;

use crate::ingest::csv::CsvError;

/// A corpus that cannot be planned: the user has to mend it or the manifest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The manifest asks for what there is not.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A csv file cannot be used.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// A folder cannot be listed or a skip list cannot be read.
    #[error("failed to read `{path}`: {source}")]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No study is left.
    #[error("the corpus `{root}` has no study to work on: {hint}")]
    Empty {
        /// The corpus.
        root: PathBuf,
        /// What was found instead.
        hint: String,
    },
}
