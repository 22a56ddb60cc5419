//! What a run is asked to do.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use schemas::manifest::ManifestOrigin;
use schemas::manifest::train::TrainSection;

use super::checkpoint::Checkpoint;
use crate::system::{InputShape, Vocabulary};

/// What to train.
#[derive(Debug, Clone)]
pub struct TrainJob<'a> {
    /// Section of the manifest.
    pub section: &'a TrainSection,
    /// The manifest's file, for paths and errors.
    pub origin: &'a ManifestOrigin,
    /// Folder of `checkpoints/` and `train.jsonl`.
    pub out: &'a Path,
    /// Release that the batches come from.
    pub release_id: &'a str,
    /// The blocks that the view gives of each series.
    pub input: InputShape,
    /// Where the tokenizer of a new run comes from.
    pub vocabulary: Vocabulary<'a>,
    /// Checkpoint to go on from. The source must stand at its `loader_token`.
    pub resume: Option<&'a Checkpoint>,
    /// Checked before every step; when set, the run writes a checkpoint and ends.
    pub cancel: Arc<AtomicBool>,
}
