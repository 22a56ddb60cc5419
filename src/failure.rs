//! Exit codes, in one place.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | failed |
//! | 2 | wrong usage or manifest: the user's to mend |
//! | 3 | done, but inputs were left out (only with `--strict`) |
//! | 101 | a defect in radloom |
//! | 130 | interrupted; the same command goes on |

use std::path::PathBuf;

use model::evaluate::EvaluateError;
use model::handoff::HandoffError;
use model::system::StartError;
use model::trainer::{CheckpointError, TrainError};
use pipeline::execute::{CurateError, ReportTablesError};
use pipeline::graph::EncodeError;
use pipeline::phantom::PhantomError;
use pipeline::plan::PlanError;
use schemas::manifest::ManifestError;

/// Done.
pub(crate) const DONE: u8 = 0;
/// Failed.
pub(crate) const FAILED: u8 = 1;
/// Wrong usage or manifest.
pub(crate) const USAGE: u8 = 2;
/// Done with exclusions, under `--strict`.
pub(crate) const EXCLUSIONS: u8 = 3;
/// Interrupted.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Curate(#[from] CurateError),
    #[error(transparent)]
    Release(#[from] pipeline::release::ReleaseError),
    #[error(transparent)]
    Dataset(#[from] pipeline::loader::DatasetError),
    #[error(transparent)]
    Loader(#[from] pipeline::loader::LoaderError),
    #[error(transparent)]
    Phantom(#[from] PhantomError),
    #[error(transparent)]
    Lexicon(#[from] pipeline::report::LexiconError),
    #[error(transparent)]
    Table(#[from] pipeline::shard::TableError),
    #[error(transparent)]
    ReportTables(pipeline::execute::ReportTablesError),
    #[error(transparent)]
    Device(#[from] model::device::DeviceError),
    #[error("`{path}`: {source}")]
    Ingest { path: PathBuf, source: pipeline::ingest::IngestError },
    #[error("failed to access `{path}`: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("failed to load batches: {0}")]
    Handoff(#[from] HandoffError),
    #[error("failed to evaluate: there is no checkpoint yet; run `radloom train` first")]
    NoCheckpoint,
    #[error(
        "failed to evaluate: the checkpoint was trained on release {trained}, and this is {found}"
    )]
    OtherRelease { trained: String, found: String },
    #[error("{0}")]
    Usage(String),
    #[error("interrupted; run the same command again to go on")]
    Interrupted,
}

impl Failure {
    /// Exit code of a defect, as Rust's own for a panic.
    pub(crate) const DEFECT: u8 = 101;

    /// The exit code that stands for this failure.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Manifest(_)
            | Self::Usage(_)
            | Self::Device(_)
            | Self::Lexicon(_)
            | Self::Phantom(PhantomError::Option { .. } | PhantomError::Exists { .. })
            | Self::Start(_)
            | Self::Train(TrainError::Start(_) | TrainError::Manifest(_))
            | Self::Curate(CurateError::Lexicon(_) | CurateError::Policy { .. }) => USAGE,
            // What the system refuses is no mistake of the user's, but for a folder that is not there.
            Self::Curate(CurateError::Plan(error)) => match error {
                PlanError::Unreadable { .. } => FAILED,
                PlanError::Io { source, .. } if source.kind() != std::io::ErrorKind::NotFound => {
                    FAILED
                }
                _ => USAGE,
            },
            Self::Interrupted | Self::Curate(CurateError::Interrupted) => INTERRUPTED,
            _ => FAILED,
        }
    }

    /// An error of the system on `path`.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

impl From<ReportTablesError> for Failure {
    fn from(error: ReportTablesError) -> Self {
        match error {
            ReportTablesError::Encode(EncodeError::Interrupted) => Self::Interrupted,
            error => Self::ReportTables(error),
        }
    }
}
