//! Why a manifest cannot be used.

use std::path::PathBuf;

/// A manifest that cannot be used. Always the user's to mend; the text says where and how.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("failed to read manifest `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not TOML, a key is unknown, or a value has the wrong type.
    #[error("{path}:{line}:{column}: {message}\n  {line} | {text}")]
    Syntax {
        /// The file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong and what is allowed.
        message: String,
        /// The line itself.
        text: String,
    },
    /// A value is of the right type but cannot be used.
    #[error("{path}:{line}: `{field}` {problem}")]
    Value {
        /// The file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Dotted key.
        field: String,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// An override on the command line cannot be applied.
    #[error("`--set {argument}` {problem}")]
    Override {
        /// The argument as given.
        argument: String,
        /// What is wrong and what is allowed.
        problem: String,
    },
}
