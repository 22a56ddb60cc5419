//! A report as a file gives it, and why a file does not give one.

use std::path::{Path, PathBuf};

use super::document::ReportDocument;
use super::encoding::{Decoded, decode};
use super::placeholder::given;

/// Why reports could not be read. All of it is the user's to mend, but for the system's errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The system refused.
    #[error("failed to read `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what its name says.
    #[error("failed to read reports from `{path}`: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// One row is no report. The rows after it are read.
    #[error("failed to read line {line} of `{path}`: {message}")]
    Row {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// There is no column with texts.
    #[error("`{path}` has no column `{column}`: it has {found}; name yours with `--column`")]
    Column {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// The columns there are.
        found: String,
    },
}

/// A report and the identifiers its study is stored under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceReport {
    /// The text, empty where the source holds a placeholder instead of a report.
    pub document: ReportDocument,
    /// The patient, where the source has a column for it.
    pub patient: Option<String>,
    /// Identifiers to look for in the text.
    pub identifiers: Vec<String>,
}

impl SourceReport {
    /// A plain text in UTF-8, UTF-16 or Windows-1252; offsets count bytes of the decoded text.
    ///
    /// # Errors
    /// [`SourceError::Format`], when it is no text.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, SourceError> {
        let refused = |message| SourceError::Format { path: path.to_owned(), message };
        let Decoded { text, encoding } = decode(bytes).map_err(refused)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut document = ReportDocument::from_text(name.clone(), given(&text));
        document.encoding = encoding;
        Ok(Self { document, patient: None, identifiers: vec![name] })
    }
}

impl SourceError {
    /// The same with all the columns that the file has.
    pub(super) fn with_columns(self, columns: &[String]) -> Self {
        match self {
            Self::Column { path, column, .. } => {
                Self::Column { path, column, found: columns.join(", ") }
            }
            other => other,
        }
    }
}
