//! What a unit leaves behind.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use schemas::lock::SourceObject;
use schemas::tables::{ExcludedRow, IndexRow, VolumeRow};
use serde::{Deserialize, Serialize};

use crate::files::write_atomically;

/// A finished shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardFile {
    /// File, relative to the release.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: String,
}

/// The committed result of one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitOutcome {
    /// Fingerprint of the unit's work; another one means that the work changed.
    pub fingerprint: String,
    /// Shards written.
    pub shards: Vec<ShardFile>,
    /// Series in them.
    pub volumes: Vec<VolumeRow>,
    /// Where each sample lies.
    pub index: Vec<IndexRow>,
    /// Inputs left out.
    pub excluded: Vec<ExcludedRow>,
    /// Files read.
    pub sources: BTreeMap<String, SourceObject>,
}

impl UnitOutcome {
    /// Reads the outcome at `path` if it is of this fingerprint and its shards are in `release` with
    /// their sizes.
    pub fn load(path: &Path, fingerprint: &str, release: &Path) -> Option<Self> {
        let outcome: Self = rmp_serde::from_slice(&fs::read(path).ok()?).ok()?;
        let complete = outcome.fingerprint == fingerprint
            && outcome.shards.iter().all(|shard| {
                fs::metadata(release.join(&shard.path))
                    .is_ok_and(|metadata| metadata.len() == shard.bytes)
            });
        complete.then_some(outcome)
    }

    /// Commits the outcome. Called last: what it names is on disk by then.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn commit(&self, path: &Path) -> io::Result<()> {
        // MessagePack and not JSON: numbers must come back bit for bit, or a resumed release would
        // differ from an undisturbed one in the last digit of an affine.
        let bytes = rmp_serde::to_vec_named(self).map_err(io::Error::other)?;
        write_atomically(path, &bytes)
    }
}
