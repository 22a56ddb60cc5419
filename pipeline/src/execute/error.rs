//! Why a run did not end in a release.

use std::io;
use std::path::PathBuf;

use super::report_tables::ReportTablesError;
use super::run_error::RunError;
use crate::graph::EncodeError;
use crate::plan::PlanError;
use crate::release::ReleaseError;
use crate::report::LexiconError;
use crate::shard::TableError;

/// A run that did not end in a release.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CurateError {
    /// The corpus cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The lexicon cannot be used.
    #[error(transparent)]
    Lexicon(#[from] LexiconError),
    /// The manifest names a label policy that does not exist.
    #[error(
        "`report.policies` names `{name}`, which is not a label policy: see `pipeline/lexicon/policies`"
    )]
    Policy {
        /// The name.
        name: String,
    },
    /// A table cannot be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The sentence encoder failed.
    #[error(transparent)]
    Encode(EncodeError),
    /// The release cannot be sealed or does not verify.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// A file of the output cannot be written.
    #[error("failed to write below `{path}`: {source}")]
    Io {
        /// The output folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system does not give a source.
    #[error(
        "{0}; what is done is kept: mend that and run the same command again, or set `[limits] unreadable = \"exclude\"` \
         to go on without it"
    )]
    Source(RunError),
    /// Another process works on the same output.
    #[error("`{path}` is in use by another radloom: wait for it or choose another `--out`")]
    Busy {
        /// The output folder.
        path: PathBuf,
    },
    /// The output folder holds a release of something else.
    #[error(
        "`{path}` holds a release of `{found}`, and the manifest is named `{name}`: choose another `--out` or move \
         the release away"
    )]
    Occupied {
        /// The release.
        path: PathBuf,
        /// The name of the manifest that it was made from.
        found: String,
        /// The name of the manifest.
        name: String,
    },
    /// Every series was refused.
    #[error("no series of the corpus could be used: {detail}")]
    NothingLeft {
        /// Reasons with counts.
        detail: String,
    },
    /// The run was asked to stop; what is done is kept.
    #[error("interrupted; run the same command again to go on")]
    Interrupted,
}

impl From<ReportTablesError> for CurateError {
    fn from(error: ReportTablesError) -> Self {
        match error {
            ReportTablesError::Table(error) => Self::Table(error),
            ReportTablesError::Encode(EncodeError::Interrupted) => Self::Interrupted,
            ReportTablesError::Encode(error) => Self::Encode(error),
        }
    }
}
