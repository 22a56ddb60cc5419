//! The lock of a release.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::format::{FormatHeader, NewerVersion, check_version};

/// Version of the lock's format.
pub const VERSION: u32 = 1;
/// Revision of the lock's format.
pub const REVISION: u32 = 3;

/// The record from which a release can be rebuilt and by which it is identified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Revision of each stage's code: with equal parameters and inputs, releases of equal revisions hold equal
    /// bytes. Since revision 2.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub revisions: BTreeMap<String, u32>,
    /// Fingerprint of each unit's work, by the unit's name: shards of units of equal fingerprints hold equal
    /// bytes where their sources do. Since revision 2.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub units: BTreeMap<String, String>,
    /// SHA-256 of each lexicon and policy file.
    pub lexicons: BTreeMap<String, String>,
    /// SHA-256 of each file of the sentence encoder; left out without one. Since revision 1.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub encoder: BTreeMap<String, String>,
    /// Seeds in force.
    pub seeds: BTreeMap<String, u64>,
    /// Every source object, by its path relative to the corpus.
    pub sources: BTreeMap<String, SourceObject>,
    /// The files of the corpus. Since revision 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<FileCounts>,
}

/// How many files a corpus has, and where they went: those found are those used (the sum of `source_files` in the table of
/// volumes), those excluded (the sum of `files` in the table of excluded inputs) and those ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCounts {
    /// Files below the folders of volumes, those inside an archive counted one by one.
    pub found: u64,
    /// Files that are neither used nor listed, by the pattern or the kind that leaves them out.
    pub ignored: BTreeMap<String, u64>,
}

/// One file of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceObject {
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A lock that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// The text is not a lock.
    #[error("failed to read the release lock: {0}")]
    Syntax(#[from] serde_json::Error),
    /// A newer radloom wrote it.
    #[error(transparent)]
    Newer(#[from] NewerVersion),
}

impl ReleaseLock {
    /// The lock as written to disk: JSON, keys in the order of the fields, maps sorted.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a lock is plain data");
        text.push('\n');
        text
    }

    /// Reads a lock. Fields that are not known are passed over: a later revision may have added them.
    ///
    /// # Errors
    ///
    /// [`LockError::Newer`] before anything else is judged, so that the message is plain.
    pub fn from_text(text: &str) -> Result<Self, LockError> {
        let header: FormatHeader = serde_json::from_str(text)?;
        check_version("release lock", header.version, VERSION)?;
        Ok(serde_json::from_str(text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> ReleaseLock {
        let text = |value: &str| value.to_owned();
        ReleaseLock {
            version: VERSION,
            revision: REVISION,
            tool: text("radloom 0.1.0"),
            name: text("demo"),
            data_version: text("1.0.0"),
            manifest_sha256: text("00"),
            stages: BTreeMap::from([(text("ingest"), text("01"))]),
            revisions: BTreeMap::from([(text("ingest"), 1)]),
            units: BTreeMap::from([(text("train-00000"), text("02"))]),
            lexicons: BTreeMap::new(),
            encoder: BTreeMap::new(),
            seeds: BTreeMap::from([(text("split"), 7)]),
            sources: BTreeMap::from([(
                text("a.nii.gz"),
                SourceObject { bytes: 3, sha256: text("03") },
            )]),
            files: Some(FileCounts { found: 2, ignored: BTreeMap::from([(text("*.txt"), 1)]) }),
        }
    }

    #[test]
    fn a_field_of_a_later_revision_is_passed_over() {
        let newer = lock()
            .to_text()
            .replacen("\"revision\": 3", "\"revision\": 4, \"unheard_of\": {\"a\": [1]}", 1)
            .replace("\"bytes\": 3", "\"bytes\": 3, \"etag\": \"x\"");
        let read = ReleaseLock::from_text(&newer).expect("the same version is read");
        assert_eq!(read, ReleaseLock { revision: 4, ..lock() });
    }

    #[test]
    fn a_lock_of_revision_1_is_read() {
        let mut old = lock();
        old.revision = 1;
        old.revisions.clear();
        old.units.clear();
        old.files = None;
        let text = old.to_text();
        assert!(!text.contains("units"), "{text}");
        assert_eq!(ReleaseLock::from_text(&text).expect("is read"), old);
    }

    #[test]
    fn a_newer_version_is_refused_in_plain_words_whatever_else_it_holds() {
        let error = ReleaseLock::from_text("{\"version\": 2, \"stages\": 5}").expect_err("refused");
        let words = error.to_string();
        assert!(words.contains("release lock has format version 2"), "{words}");
        assert!(words.contains("update radloom"), "{words}");
    }
}
