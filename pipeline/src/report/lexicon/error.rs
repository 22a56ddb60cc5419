//! What can be wrong with a lexicon or a label policy.

/// Why a lexicon or label policy could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LexiconError {
    /// A row has too few columns.
    #[error(
        "failed to load the lexicon: `{file}` line {line} has {found} columns, expected {expected}"
    )]
    Columns {
        /// File name.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Columns found.
        found: usize,
        /// Columns expected.
        expected: usize,
    },
    /// A column holds a word that is not allowed there.
    #[error("failed to load the lexicon: `{file}` line {line} has the unknown {column} `{value}`")]
    Value {
        /// File name.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column name.
        column: &'static str,
        /// What stood there.
        value: String,
    },
    /// A concept's parent or organ is not a concept.
    #[error(
        "failed to load the lexicon: concept `{concept}` names `{missing}`, which no row defines"
    )]
    UnknownParent {
        /// The concept.
        concept: String,
        /// The parent or organ.
        missing: String,
    },
    /// Parents run in a circle.
    #[error("failed to load the lexicon: the parents of concept `{concept}` run in a circle")]
    ParentCycle {
        /// A concept of the circle.
        concept: String,
    },
    /// A policy file is not valid.
    #[error("failed to load label policy: {0}")]
    Policy(String),
    /// A policy names a concept that the lexicon lacks.
    #[error(
        "failed to load label policy `{policy}`: label `{label}` names the unknown concept `{concept}`"
    )]
    UnknownConcept {
        /// Name of the policy.
        policy: String,
        /// Name of the label.
        label: String,
        /// The concept.
        concept: String,
    },
}
