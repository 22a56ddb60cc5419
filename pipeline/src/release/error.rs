//! What can be wrong with a release.

use std::path::PathBuf;

use schemas::lock::LockError;
use schemas::tables::MissingColumn;

use crate::shard::TableError;
use crate::store::StoreError;

/// A release that cannot be sealed, read or trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The system refused.
    #[error("failed to access `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An object store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A table cannot be used.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The lock cannot be used.
    #[error("{path}: {source}")]
    Lock {
        /// The lock.
        path: PathBuf,
        /// What is wrong with it.
        source: LockError,
    },
    /// The folder is not a release.
    #[error("`{path}` is not a release: it has no `{missing}`")]
    NotARelease {
        /// The folder.
        path: PathBuf,
        /// The file that is not there.
        missing: &'static str,
    },
    /// A table lacks a column or has it in another type.
    #[error("table `{table}` has no column `{column}` of the expected type")]
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A file does not hold what was sealed.
    #[error("`{file}` {what}")]
    Damaged {
        /// The file, relative to the release.
        file: String,
        /// What is wrong with it.
        what: String,
    },
}

impl From<MissingColumn> for ReleaseError {
    fn from(missing: MissingColumn) -> Self {
        Self::Column { table: missing.table.into(), column: missing.column.into() }
    }
}
