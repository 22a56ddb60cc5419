//! What a unit of work leaves behind: the record that is committed when its shards are on disk, and that
//! any executor hands back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lock::SourceObject;
use crate::tables::{ExcludedRow, IndexRow, VolumeRow};

/// Version of the outcome's format: raised when an old reader would misread a new outcome.
pub const VERSION: u32 = 1;
/// Revision of the outcome's format: raised when fields are added.
pub const REVISION: u32 = 0;

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
    /// Raised when an old reader would misread a new outcome.
    pub version: u32,
    /// Raised when fields are added.
    pub revision: u32,
    /// Fingerprint of the unit's work; another one means that the work changed.
    pub fingerprint: String,
    /// Sizes and times of change of the unit's sources, hashed; another one means that they may have changed.
    pub stamp: String,
    /// `[limits] slab_above_mib` in force: it changes no byte, but a volume above it may be left out as too
    /// large for what the views need.
    pub slab_above_mib: u32,
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
    /// An outcome in which nothing stands yet.
    pub fn new(
        fingerprint: impl Into<String>,
        stamp: impl Into<String>,
        slab_above_mib: u32,
    ) -> Self {
        Self {
            version: VERSION,
            revision: REVISION,
            fingerprint: fingerprint.into(),
            stamp: stamp.into(),
            slab_above_mib,
            shards: Vec::new(),
            volumes: Vec::new(),
            index: Vec::new(),
            excluded: Vec::new(),
            sources: BTreeMap::new(),
        }
    }
}
