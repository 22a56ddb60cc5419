//! Checks a release against what was sealed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::contents::{Contents, TableReader};
use super::error::ReleaseError;
use super::seal::files;
use super::sums::sums_text;
use crate::files::{parse_sums, sha256_file};
use crate::shard::VoxelReader;
use crate::store::Mirror;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file, relative to the release.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// Everything that is wrong, sorted by file.
    pub errors: Vec<Finding>,
}

/// Checks every file of the release at `path` against `SHA256SUMS`, that there is no other file,
/// every tensor against its own hash, and that no patient is in two splits.
///
/// # Errors
///
/// [`ReleaseError::NotARelease`] where there are no sums to check against. Damage is not an error
/// of this call: it is in the result.
pub fn verify(path: &Path) -> Result<Verification, ReleaseError> {
    let text = sums_text(path)?;
    let (expected, unreadable) = parse_sums(&text);
    let mut errors: Vec<Finding> = unreadable
        .iter()
        .map(|line| finding("SHA256SUMS", format!("has an unreadable line: `{line}`")))
        .collect();
    let mirror = Mirror::of(&path.join("SHA256SUMS"))?.map(|(mirror, _)| mirror);
    let there = match &mirror {
        Some(mirror) => mirror.names()?.unwrap_or_default(),
        None => files(path)?,
    };
    for file in there {
        if file != "SHA256SUMS" && !expected.contains_key(file.as_str()) {
            errors.push(finding(&file, "is not part of the release".into()));
        }
    }
    if !expected.contains_key("release.lock") {
        errors.push(finding("SHA256SUMS", "does not name `release.lock`".into()));
    }
    let sum_of = |file: &str, sum: &str| -> Result<String, String> {
        match &mirror {
            Some(mirror) if Mirror::is_shard(file) => {
                mirror.sha256(file, sum).map_err(|error| error.to_string())
            }
            _ => match sha256_file(&path.join(file)) {
                Ok((sum, _)) => Ok(sum),
                Err(error) => Err(error.to_string()),
            },
        }
    };
    let damaged: Vec<Finding> = expected
        .par_iter()
        .filter_map(|(file, sum)| match sum_of(file, sum) {
            Ok(found) if found == **sum => None,
            Ok(found) => Some(finding(file, format!("has SHA-256 {found}, not {sum}"))),
            Err(error) => Some(finding(file, format!("cannot be read: {error}"))),
        })
        .collect();
    let tables_are_whole = !damaged.iter().any(|finding| finding.file.starts_with("tables/"));
    errors.extend(damaged);
    if tables_are_whole {
        // A shard in an object store was read whole for its sum and holds what was sealed; its tensors are compared
        // with their hashes when they are loaded.
        if mirror.is_none() {
            check_index(path, &mut errors)?;
        }
        check_splits(path, &mut errors)?;
        check_files(path, &mut errors)?;
    }
    errors.sort();
    Ok(Verification { ok: errors.is_empty(), errors })
}

fn finding(file: &str, what: String) -> Finding {
    Finding { file: file.to_owned(), what }
}

fn check_index(path: &Path, errors: &mut Vec<Finding>) -> Result<(), ReleaseError> {
    let index = TableReader::open(path, "index")?;
    let samples = index.texts("sample_id")?;
    let shards = index.texts("shard")?;
    let (offsets, lengths) = (index.u64s("offset")?, index.u64s("length")?);
    let hashes = index.u64s("xxh3")?;
    let names: BTreeSet<&String> = shards.iter().collect();
    for name in names {
        let reader = match VoxelReader::open(&path.join(name)) {
            Ok(reader) => reader,
            Err(error) => {
                errors.push(finding(name, error.to_string()));
                continue;
            }
        };
        let rows: Vec<usize> = (0..shards.len()).filter(|&row| shards[row] == *name).collect();
        let damaged: Vec<usize> = rows
            .into_par_iter()
            .filter(|&row| reader.verified(offsets[row], lengths[row], hashes[row]).is_err())
            .collect();
        errors.extend(damaged.into_iter().map(|row| {
            finding(name, format!("holds a damaged tensor of sample `{}`", samples[row]))
        }));
    }
    Ok(())
}

/// That the files of the corpus are those used, those excluded and those ignored.
fn check_files(path: &Path, errors: &mut Vec<Finding>) -> Result<(), ReleaseError> {
    let contents = Contents::read(path)?;
    let Some(files) = &contents.lock.files else { return Ok(()) };
    let ignored: u64 = files.ignored.values().sum();
    let sum = contents.used_files + contents.excluded_files + ignored;
    if sum != files.found {
        let what = format!(
            "accounts for {sum} files ({} used, {} excluded, {ignored} ignored), and {} were found",
            contents.used_files, contents.excluded_files, files.found
        );
        errors.push(finding("release.lock", what));
    }
    Ok(())
}

fn check_splits(path: &Path, errors: &mut Vec<Finding>) -> Result<(), ReleaseError> {
    let index = TableReader::open(path, "index")?;
    let mut split_of: BTreeMap<String, String> = BTreeMap::new();
    for (patient, split) in index.texts("patient_key")?.into_iter().zip(index.texts("split")?) {
        let known = split_of.entry(patient.clone()).or_insert_with(|| split.clone());
        if *known != split {
            let what = format!("puts patient `{patient}` into both `{known}` and `{split}`");
            errors.push(finding("tables/index.parquet", what));
        }
    }
    Ok(())
}
