//! Why a csv file cannot be used.

use std::path::{Path, PathBuf};

/// A csv file that cannot be used. It is the user's to mend, like the manifest that names it.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// The file is unreadable or not csv.
    #[error("failed to read csv `{path}`: {message}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        message: String,
    },
    /// One row cannot be used. The rows after it can be read.
    #[error("failed to read csv `{path}`: line {line}: {message}")]
    Row {
        /// The file.
        path: PathBuf,
        /// The line that it ends in, from 1.
        line: u64,
        /// What is wrong with it.
        message: String,
    },
    /// A needed column is not there.
    #[error(
        "`{path}` has no column `{column}`: it has {found}; name yours under `[corpus.columns]`"
    )]
    Column {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// The columns there are.
        found: String,
    },
}

/// Place of the column `name` among `columns`.
///
/// # Errors
///
/// [`CsvError::Column`] where it is not there.
pub fn column(path: &Path, columns: &[String], name: &str) -> Result<usize, CsvError> {
    columns.iter().position(|column| column == name).ok_or_else(|| CsvError::Column {
        path: path.to_owned(),
        column: name.to_owned(),
        found: format!("`{}`", columns.join("`, `")),
    })
}
