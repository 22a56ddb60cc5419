//! What a run is asked to do.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use schemas::manifest::train::TrainSection;

use super::checkpoint::Checkpoint;

/// What to train.
#[derive(Debug, Clone)]
pub struct TrainJob<'a> {
    /// Section of the manifest.
    pub section: &'a TrainSection,
    /// Folder of `checkpoints/` and `train.jsonl`.
    pub out: &'a Path,
    /// Release that the batches come from.
    pub release_id: &'a str,
    /// Volume of the view as `[channels, depth, height, width]`.
    pub volume: [usize; 4],
    /// Where the tokenizer of a new run comes from.
    pub vocabulary: Vocabulary<'a>,
    /// Checkpoint to go on from. The source must stand at its `loader_token`.
    pub resume: Option<&'a Checkpoint>,
    /// Checked before every step; when set, the run writes a checkpoint and ends.
    pub cancel: Arc<AtomicBool>,
}

/// Where a new run's tokenizer comes from. A pretrained text encoder brings its own.
#[derive(Debug, Clone, Copy)]
pub enum Vocabulary<'a> {
    /// Built from these texts.
    Texts(&'a [String]),
    /// This `tokenizer.json`.
    Definition(&'a str),
}
