//! A report as a file gives it, and why a file does not give one.

use std::path::PathBuf;

use super::document::ReportDocument;
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
    /// A plain text. Reports from old systems are not always UTF-8; offsets count bytes of the decoded
    /// text.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        Self {
            document: ReportDocument::from_text(name, given(&text)),
            patient: None,
            identifiers: vec![name.to_owned()],
        }
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
