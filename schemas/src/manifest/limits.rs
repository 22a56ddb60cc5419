//! `[limits]`: what a run may use of the machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done when the system does not give a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unreadable {
    /// The run ends; the same command goes on.
    #[default]
    Stop,
    /// The file is listed and left out.
    Exclude,
}

/// `[limits]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    /// Worker threads; 0 means one for each processor. Default: 0.
    pub threads: u32,
    /// Largest decoded size of one volume, in MiB; a larger one is excluded. Default: 4096.
    pub decompressed_mib: u32,
    /// Decoded size of a NIfTI volume, in MiB, above which it is read slab by slab, twice, and never
    /// held whole. Default: 2048.
    pub slab_above_mib: u32,
    /// What is done when the system does not give a file (permission, a missing file, too many open files, input or
    /// output): `stop` ends the run, which goes on where it was; `exclude` lists the file as `unreadable`, and the next
    /// run tries it again. Default: `stop`.
    pub unreadable: Unreadable,
    /// Memory of the loader's ring of batches, in MiB. Default: 512.
    pub loader_mib: u32,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            threads: 0,
            decompressed_mib: 4096,
            slab_above_mib: 2048,
            unreadable: Unreadable::default(),
            loader_mib: 512,
        }
    }
}
