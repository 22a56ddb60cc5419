//! `[release]`: the release and its card.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[release]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReleaseSection {
    /// The output folder, relative to the manifest. Default: `out`.
    pub out: PathBuf,
    /// Semantic version of the data. Default: `1.0.0`.
    pub version: String,
    /// Title on the card; the manifest's name where empty.
    pub title: String,
    /// What the release is for, on the card.
    pub description: String,
    /// SPDX expression or sentence; the corpus's licence where empty.
    pub licence: String,
}

impl Default for ReleaseSection {
    fn default() -> Self {
        Self {
            out: PathBuf::from("out"),
            version: "1.0.0".into(),
            title: String::new(),
            description: String::new(),
            licence: String::new(),
        }
    }
}
