//! What a loader is asked for, why it fails and what it counts.

use std::time::Duration;

use schemas::manifest::train::InputSection;

use super::order::{OrderPlan, RankShare};
use crate::shard::VoxelReaderError;

/// How long a wait may take before it is an error instead of a hang.
pub(super) const DEADLINE: Duration = Duration::from_mins(5);

/// What to load and with how much of the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct LoaderConfig {
    /// What the order is a function of; its batch is that of all ranks.
    pub plan: OrderPlan,
    /// What a sample is made of.
    pub input: InputSection,
    /// Part of each batch this loader takes.
    pub share: RankShare,
    /// Threads that fetch.
    pub threads: usize,
    /// Memory of the ring in bytes.
    pub ring_bytes: usize,
    /// First position to load.
    pub position: u64,
    /// Batches to load; without a number it goes on for ever.
    pub batches: Option<u64>,
}

impl LoaderConfig {
    /// Samples of each batch that this loader takes.
    pub(super) fn local(&self) -> usize {
        self.plan.batch / self.share.world_size
    }

    /// The positions of batch `number` that this loader takes.
    pub(super) fn positions(&self, number: u64) -> std::ops::Range<u64> {
        let local = self.local() as u64;
        let start =
            self.position + number * self.plan.batch as u64 + self.share.rank as u64 * local;
        start..start + local
    }
}

/// Loading that cannot begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoaderError {
    /// The global batch does not divide among the ranks.
    #[error("a batch of {batch} does not divide among {world_size} ranks")]
    Ranks {
        /// Global batch.
        batch: usize,
        /// Number of ranks.
        world_size: usize,
    },
    /// The data fill no batch.
    #[error(
        "the split fills no batch of {batch}{why}: lower `[train] batch`, or set `[train.order] tail = \"pad\"`"
    )]
    NoBatch {
        /// Global batch.
        batch: usize,
        /// What no two samples of a batch may share, in words; empty where there is nothing.
        why: &'static str,
    },
    /// The rules of the order contradict each other.
    #[error("`[train.order] {field}` {problem}")]
    Rules {
        /// Which key.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// What a sample is to be made of cannot be made.
    #[error("`[train.input] {field}` {problem}")]
    Input {
        /// Which key.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The ring is too small for two batches.
    #[error(
        "two batches of {batch} × {sample} bytes need {needed} bytes, but `[limits] loader_mib` gives {given}: raise it or lower `[train] batch`"
    )]
    Memory {
        /// Samples a rank takes of a batch.
        batch: usize,
        /// Bytes of the largest sample.
        sample: usize,
        /// Bytes needed.
        needed: usize,
        /// Bytes given.
        given: usize,
    },
    /// A tensor cannot be read or is damaged.
    #[error(transparent)]
    Shard(#[from] VoxelReaderError),
    /// A wait took too long.
    #[error(
        "no batch came within {} s: {held} of {slots} slots are held by batches in use, {threads}; drop batches earlier, raise `[limits] loader_mib`, or look at the disk",
        waited.as_secs()
    )]
    Stalled {
        /// How long the wait was.
        waited: Duration,
        /// What each fetching thread does, in words.
        threads: String,
        /// Slots that the consumer or a device holds.
        held: usize,
        /// Slots that exist.
        slots: usize,
    },
    /// The threads are gone.
    #[error("the threads of the loader ended: this is a defect in radloom")]
    Ended,
}

impl Metrics {
    /// Adds the counters of another rank; the hash of the order is that of one rank and stays.
    pub fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.bytes_read += other.bytes_read;
        self.samples += other.samples;
        self.batches += other.batches;
        self.slices += other.slices;
        self.padded_slices += other.padded_slices;
        self.waited += other.waited;
        self.hashing += other.hashing;
        self.copying += other.copying;
        self.shards += other.shards;
        self.damaged += other.damaged;
    }

    /// Percentage of the padded batches that is padding.
    pub fn padding_percent(&self) -> f64 {
        100.0 * (self.padded_slices - self.slices) as f64 / self.padded_slices.max(1) as f64
    }
}

/// Counters of a loader.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Metrics {
    /// Bytes delivered.
    pub bytes: u64,
    /// Bytes of the shards that were read for them.
    pub bytes_read: u64,
    /// Samples delivered.
    pub samples: u64,
    /// Batches delivered.
    pub batches: u64,
    /// Slices delivered.
    pub slices: u64,
    /// Slices of these batches when each place is padded to the longest block of its batch.
    pub padded_slices: u64,
    /// Time the consumer waited.
    pub waited: Duration,
    /// Time that threads spent on hashing, all together.
    pub hashing: Duration,
    /// Time that threads spent on reading, copying and changing voxels, all together.
    pub copying: Duration,
    /// Shards that each batch drew from, summed over batches.
    pub shards: u64,
    /// Series that were left out because they are not what was written.
    pub damaged: u64,
    /// Rolling hash of the delivered sample ids: equal for equal orders.
    pub order_hash: u64,
}
