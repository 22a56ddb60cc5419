//! `release.lock`: everything a release was made from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of the lock's format.
pub const VERSION: u32 = 1;
/// Revision of the lock's format.
pub const REVISION: u32 = 1;

/// The record from which a release can be rebuilt and by which it is identified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseLock {
    /// Raised when an old reader would misread a new lock.
    pub version: u32,
    /// Raised when fields are added.
    pub revision: u32,
    /// Version of radloom.
    pub tool: String,
    /// Name of the manifest.
    pub name: String,
    /// Version of the data, from the manifest.
    pub data_version: String,
    /// SHA-256 of the resolved manifest's curation part.
    pub manifest_sha256: String,
    /// SHA-256 of each stage's parameters.
    pub stages: BTreeMap<String, String>,
    /// SHA-256 of each lexicon and policy file.
    pub lexicons: BTreeMap<String, String>,
    /// SHA-256 of each file of the sentence encoder; left out without one. Since revision 1.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub encoder: BTreeMap<String, String>,
    /// Seeds in force.
    pub seeds: BTreeMap<String, u64>,
    /// Every source object, by its path relative to the corpus.
    pub sources: BTreeMap<String, SourceObject>,
}

/// One file of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceObject {
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A lock that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The text is not a lock.
    #[error("failed to read `release.lock`: {0}")]
    Syntax(#[from] serde_json::Error),
    /// A newer radloom wrote it.
    #[error(
        "`release.lock` has format version {found}, but this radloom reads {VERSION}: update radloom"
    )]
    Newer {
        /// Version in the file.
        found: u32,
    },
}

impl ReleaseLock {
    /// The lock as written to disk: JSON, keys in the order of the fields, maps sorted.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a lock is plain data");
        text.push('\n');
        text
    }

    /// Reads a lock.
    ///
    /// # Errors
    ///
    /// [`LockError::Newer`] before anything else is judged, so that the message is plain.
    pub fn from_text(text: &str) -> Result<Self, LockError> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        if let Some(found) = value.get("version").and_then(serde_json::Value::as_u64)
            && found > u64::from(VERSION)
        {
            return Err(LockError::Newer { found: found as u32 });
        }
        Ok(serde_json::from_value(value)?)
    }
}
