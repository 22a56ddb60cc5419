//! `SHA256SUMS`: the sum of every other file of a release.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::error::ReleaseError;
use crate::files::parse_sums;

/// The name of the file.
const FILE: &str = "SHA256SUMS";

/// The sums of the release at `path`, by file.
///
/// # Errors
///
/// [`ReleaseError::NotARelease`] where there are none, [`ReleaseError::Damaged`] where a line cannot be read.
pub(crate) fn read_sums(path: &Path) -> Result<BTreeMap<String, String>, ReleaseError> {
    let text = sums_text(path)?;
    let (sums, unreadable) = parse_sums(&text);
    match unreadable.first() {
        Some(line) => Err(ReleaseError::Damaged {
            file: FILE.into(),
            what: format!("has an unreadable line: `{line}`"),
        }),
        None => Ok(sums.into_iter().map(|(file, sum)| (file.to_owned(), sum.to_owned())).collect()),
    }
}

/// The text of the sums.
pub(super) fn sums_text(path: &Path) -> Result<String, ReleaseError> {
    fs::read_to_string(path.join(FILE))
        .map_err(|_| ReleaseError::NotARelease { path: path.to_owned(), missing: FILE })
}
