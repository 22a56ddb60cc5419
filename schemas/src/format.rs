//! Versions of the files that are written: one check for all of them.
//!
//! Every file carries `version`, raised when an older program would misread it, and `revision`, raised when
//! something is added that an older program may pass over. Readers allow fields they do not know, and refuse a
//! newer version in plain words.

use std::collections::HashMap;

use serde::Deserialize;
use thiserror::Error;

/// Version of tables and shards: raised when an old reader would misread a new file.
pub const VERSION: u32 = 1;
/// Revision of tables and shards: raised when columns are added.
pub const REVISION: u32 = 3;

/// `version` and `revision` of a table or shard, as Arrow schema metadata. `kind` names what the file is.
pub fn format_metadata(kind: &str) -> HashMap<String, String> {
    HashMap::from([
        ("radloom.kind".to_owned(), kind.to_owned()),
        ("radloom.version".to_owned(), VERSION.to_string()),
        ("radloom.revision".to_owned(), REVISION.to_string()),
    ])
}

/// A file of a newer format than this program reads.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the {kind} has format version {found}, and this radloom reads versions up to {known}; update radloom"
)]
pub struct NewerVersion {
    /// What kind of file it is, as in a sentence: `release lock`, `checkpoint`.
    pub kind: &'static str,
    /// The version of the file.
    pub found: u64,
    /// The newest version that is read.
    pub known: u32,
}

/// The two fields that every file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct FormatHeader {
    /// Raised when an older program would misread the file.
    pub version: u64,
    /// Raised when something is added.
    #[serde(default)]
    pub revision: u64,
}

/// Refuses a file of a newer version than `known`.
///
/// Call it before anything else of the file is judged, so that what the newer version changed does not hide
/// the reason.
///
/// # Errors
///
/// [`NewerVersion`].
pub fn check_version(kind: &'static str, found: u64, known: u32) -> Result<(), NewerVersion> {
    if found > u64::from(known) {
        return Err(NewerVersion { kind, found, known });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_version_is_refused_and_an_older_one_is_not() {
        assert_eq!(check_version("release lock", 1, 2), Ok(()));
        assert_eq!(check_version("release lock", 2, 2), Ok(()));
        let error = check_version("release lock", 3, 2).expect_err("newer").to_string();
        assert!(error.contains("release lock") && error.contains("version 3"), "{error}");
        assert!(error.contains("up to 2") && error.contains("update radloom"), "{error}");
    }

    #[test]
    fn a_header_is_read_whatever_stands_beside_it() {
        let header: FormatHeader =
            serde_json::from_str(r#"{"version": 7, "other": []}"#).expect("a header");
        assert_eq!(header, FormatHeader { version: 7, revision: 0 });
    }
}
