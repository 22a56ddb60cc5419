//! Constants of the preparation of a step's input.

use super::config::Mg3dConfig;
use super::section::ObjectiveSection;
use super::text_rows::TextContext;
use crate::text::TextMask;

/// Which pairs of sentences are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimilarityThresholds {
    /// Pairs at or above are positive.
    pub positive: f64,
    /// Pairs at or below are negative.
    pub negative: f64,
}

/// Constants of the preparation.
#[derive(Debug, Clone, PartialEq)]
pub struct InputConfig {
    /// Volume as `[channels, depth, height, width]`.
    pub volume: [usize; 4],
    /// Edges of a masked block in voxels, divisors of the volume.
    pub block: [usize; 3],
    /// Share of blocks that are masked.
    pub image_mask_ratio: f64,
    /// Which tokens are masked.
    pub text_mask: TextMask,
    /// What a token may attend to.
    pub text_context: TextContext,
    /// Largest share of a report's sentences that its vector lacks in the alignment.
    pub sentence_dropout: f64,
    /// Whether pairs of sentences and studies are ranked by their claims.
    pub claims: bool,
    /// Longest token sequence.
    pub max_tokens: usize,
    /// Which sentence pairs are compared; none are looked up where the objective has no weight.
    pub similarity: Option<SimilarityThresholds>,
    /// Seed of the masks.
    pub seed: u64,
}

impl InputConfig {
    /// Preparation as a run with `objectives` and `model` has it; `seed` is that of the masks.
    pub fn new(objectives: &ObjectiveSection, seed: u64, model: &Mg3dConfig) -> Self {
        Self {
            volume: model.volume,
            block: model.block,
            image_mask_ratio: objectives.image_mask_ratio,
            text_mask: TextMask {
                policy: objectives.text_mask,
                ratio: objectives.text_mask_ratio,
                entity_share: objectives.text_mask_entity_share,
            },
            text_context: model.architecture.text_context,
            sentence_dropout: objectives.sentence_dropout,
            claims: objectives.weights.claims > 0.0,
            max_tokens: model.architecture.text.max_tokens,
            similarity: (objectives.weights.similarity > 0.0).then_some(SimilarityThresholds {
                positive: objectives.similarity_positive,
                negative: objectives.similarity_negative,
            }),
            seed,
        }
    }
}
