//! `[shard]`: how voxels are stored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[shard]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShardSection {
    /// Size at which a shard is closed, in MiB. A shard is the unit of resuming. Default: 512.
    pub target_mib: u32,
    /// Studies in a shard at most, whatever their size. Default: 256.
    pub max_studies: u32,
}

impl Default for ShardSection {
    fn default() -> Self {
        Self { target_mib: 512, max_studies: 256 }
    }
}
