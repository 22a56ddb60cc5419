//! Outcomes of units on disk: read where they still hold, committed last.

use std::fs;
use std::io;
use std::path::Path;

use schemas::format::{NewerVersion, check_version};
use schemas::outcome::{UnitOutcome, VERSION};
use schemas::reason::Reason;
use serde::Deserialize;

use crate::files::write_atomically;
use crate::plan::Unit;

/// An outcome that is there and cannot be used, so that its unit is made again.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutcomeError {
    #[error(transparent)]
    Newer(#[from] NewerVersion),
    #[error("it was written by an earlier radloom, whose outcomes had no version")]
    Unversioned,
    #[error("failed to read it: {0}")]
    Io(#[from] io::Error),
    #[error("failed to read it: {0}")]
    Syntax(#[from] rmp_serde::decode::Error),
}

/// The field that decides whether the others can be judged.
#[derive(Deserialize)]
struct Header {
    version: Option<u64>,
}

/// Reads the outcome at `path`; none where there is no such file.
///
/// # Errors
///
/// [`OutcomeError`] where it is of another version or damaged.
pub(super) fn read(path: &Path) -> Result<Option<UnitOutcome>, OutcomeError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let header: Header = rmp_serde::from_slice(&bytes)?;
    let version = header.version.ok_or(OutcomeError::Unversioned)?;
    check_version("outcome", version, VERSION)?;
    Ok(Some(rmp_serde::from_slice(&bytes)?))
}

/// Whether `outcome` is what running `unit` would give, and its shards are below `release` with their sizes.
pub(super) fn holds(
    outcome: &UnitOutcome,
    unit: &Unit,
    slab_above_mib: u32,
    release: &Path,
) -> bool {
    let too_large = Reason::TooLarge.code();
    // A volume may be too large only because it could not be held whole.
    let same_limit = outcome.slab_above_mib == slab_above_mib
        || outcome.excluded.iter().all(|row| row.reason != too_large);
    // What the system did not give is tried again.
    let complete = outcome.excluded.iter().all(|row| row.reason != Reason::Unreadable.code());
    complete
        && outcome.fingerprint == unit.fingerprint
        && outcome.stamp == unit.stamp
        && same_limit
        && outcome.shards.iter().all(|shard| {
            fs::metadata(release.join(&shard.path))
                .is_ok_and(|metadata| metadata.len() == shard.bytes)
        })
}

/// Commits `outcome`. Called last: what it names is on disk by then.
///
/// # Errors
///
/// The I/O error of the system.
pub(super) fn commit(outcome: &UnitOutcome, path: &Path) -> io::Result<()> {
    // MessagePack and not JSON: numbers must come back bit for bit, or a resumed release would
    // differ from an undisturbed one in the last digit of an affine.
    let bytes = rmp_serde::to_vec_named(outcome).map_err(io::Error::other)?;
    write_atomically(path, &bytes)
}

#[cfg(test)]
mod tests {
    use schemas::split::Split;
    use schemas::tables::ExcludedRow;
    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    struct Later {
        version: u32,
        revision: u32,
        fingerprint: &'static str,
        stamp: &'static str,
        slab_above_mib: u32,
        shards: [u8; 0],
        volumes: [u8; 0],
        index: [u8; 0],
        excluded: [u8; 0],
        sources: std::collections::BTreeMap<u8, u8>,
        unheard_of: [u8; 3],
    }

    fn later(version: u32) -> Later {
        Later {
            version,
            revision: 9,
            fingerprint: "f",
            stamp: "s",
            slab_above_mib: 1,
            shards: [],
            volumes: [],
            index: [],
            excluded: [],
            sources: std::collections::BTreeMap::new(),
            unheard_of: [1, 2, 3],
        }
    }

    #[test]
    fn a_field_of_a_later_revision_is_passed_over_and_another_version_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("unit.msgpack");
        assert!(read(&path).expect("nothing is there").is_none());
        let write = |content: &Later| {
            let bytes = rmp_serde::to_vec_named(content).expect("plain data");
            write_atomically(&path, &bytes).expect("writes");
        };
        write(&later(VERSION));
        let outcome = read(&path).expect("reads").expect("is there");
        assert_eq!((outcome.fingerprint.as_str(), outcome.revision), ("f", 9));
        write(&later(VERSION + 1));
        let words = read(&path).expect_err("newer").to_string();
        assert!(words.contains("format version 2"), "{words}");
        let before = rmp_serde::to_vec_named(&std::collections::BTreeMap::from([("shards", 1)]));
        write_atomically(&path, &before.expect("plain data")).expect("writes");
        let words = read(&path).expect_err("without a version").to_string();
        assert!(words.contains("earlier radloom"), "{words}");
        write_atomically(&path, b"\xc1").expect("writes");
        assert!(read(&path).is_err());
    }

    #[test]
    fn a_volume_that_was_too_large_is_tried_again_under_another_limit() {
        let unit = Unit {
            id: "train-00000".into(),
            split: Split::Train,
            studies: Vec::new(),
            fingerprint: "f".into(),
            stamp: "s".into(),
        };
        let mut outcome = UnitOutcome::new("f", "s", 64);
        let holds =
            |outcome: &UnitOutcome, limit| super::holds(outcome, &unit, limit, Path::new("."));
        assert!(holds(&outcome, 64) && holds(&outcome, 128));
        outcome.excluded.push(ExcludedRow::new(Reason::TooLarge, "a"));
        assert!(holds(&outcome, 64) && !holds(&outcome, 128));
        outcome.stamp = "t".into();
        assert!(!holds(&outcome, 64));
    }
}
