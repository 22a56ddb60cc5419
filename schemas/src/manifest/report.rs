//! `[report]`: how reports are read.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[report]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReportSection {
    /// Label policies to apply, by name. Default: `["ct_rate_18"]`.
    pub policies: Vec<String>,
    /// A lexicon of the user's own that layers over the built-in one, relative to the manifest: rows of any table of
    /// `pipeline/lexicon`, each table under its header; rows before any header are concepts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lexicon: Option<PathBuf>,
    /// Whether a study without a report is kept. Default: false, it is excluded with a reason.
    pub keep_without_report: bool,
    /// Whether what could give a patient away is replaced by typed placeholders (`[NAME]`) before anything else reads the
    /// text; the table of identifiers says what stood where. Default: false.
    pub redact: bool,
}

impl Default for ReportSection {
    fn default() -> Self {
        Self {
            policies: vec!["ct_rate_18".into()],
            lexicon: None,
            keep_without_report: false,
            redact: false,
        }
    }
}
