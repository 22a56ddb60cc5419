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
    /// A pattern of `[corpus] ignore` is none.
    #[error("`[corpus] ignore`: `{pattern}` is no pattern: {problem}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong about it.
        problem: String,
    },
    /// The system does not give a file of the corpus.
    #[error(
        "failed to read `{path}` of the corpus: {detail}; mend that and run the same command again, or set `[limits] \
         unreadable = \"exclude\"` to go on without it"
    )]
    Unreadable {
        /// The file, relative to the corpus.
        path: PathBuf,
        /// What the system said.
        detail: String,
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
