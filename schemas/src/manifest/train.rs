//! The `[train]` and `[evaluate]` sections of a manifest.
//!
//! [`TrainSection`] says what is trained and how; its `model` is a preset plus overrides that
//! [`Mg3dModel::resolve`] turns into one complete [`Mg3dArchitecture`]. Defaults live here and nowhere
//! else, so that a resolved manifest written beside a checkpoint repeats the run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to train, for how long and how often to save.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainSection {
    /// Training system. Default: `mg3d`.
    pub system: System,
    /// Name of the `[[view]]` whose tensor is the image input. Default: `main`.
    pub view: String,
    /// Seed of the initial weights, the sample order and the masks. Default: 0.
    pub seed: u64,
    /// Optimizer steps. Default: 1000.
    pub steps: u64,
    /// Studies a step, over all devices. Default: 4.
    pub batch: usize,
    /// Number format of weights and activations. Default: `f32`.
    pub precision: Precision,
    /// Optimizer.
    pub optimizer: OptimizerSection,
    /// Learning-rate schedule.
    pub schedule: ScheduleSection,
    /// Steps between checkpoints; the last step always writes one. Default: 500.
    pub checkpoint_every: u64,
    /// Newest checkpoints kept on disk. Default: 2.
    pub keep_checkpoints: usize,
    /// Steps between lines of the log. Default: 1.
    pub log_every: u64,
    /// Architecture.
    pub model: Mg3dModel,
    /// Weights and constants of the objectives.
    pub objectives: ObjectiveSection,
}

impl Default for TrainSection {
    fn default() -> Self {
        Self {
            system: System::Mg3d,
            view: "main".to_owned(),
            seed: 0,
            steps: 1000,
            batch: 4,
            precision: Precision::F32,
            optimizer: OptimizerSection::default(),
            schedule: ScheduleSection::default(),
            checkpoint_every: 500,
            keep_checkpoints: 2,
            log_every: 1,
            model: Mg3dModel::default(),
            objectives: ObjectiveSection::default(),
        }
    }
}

/// A training system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// MG-3D, arXiv 2412.05876.
    Mg3d,
}

/// Number format of weights and activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// IEEE 754 single precision.
    F32,
}

/// Optimizer and its constants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerSection {
    /// Update rule. Default: `adamw`.
    pub kind: OptimizerKind,
    /// Peak learning rate. Default: 1e-4.
    pub lr: f64,
    /// Decoupled weight decay of matrices; biases, norms, embeddings and position tables get none.
    /// Default: 0.01.
    pub weight_decay: f64,
    /// Decay rates of the first and second moment. Default: [0.9, 0.999].
    pub betas: [f64; 2],
    /// Added to the root of the second moment. Default: 1e-8.
    pub epsilon: f64,
    /// Largest Euclidean norm of all gradients together; 0 turns clipping off. Default: 1.0.
    pub gradient_clip: f64,
}

impl Default for OptimizerSection {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::Adamw,
            lr: 1e-4,
            weight_decay: 0.01,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            gradient_clip: 1.0,
        }
    }
}

/// Update rule of the optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay, arXiv 1711.05101.
    Adamw,
}

/// Learning rate as a function of the step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleSection {
    /// Steps over which the rate rises linearly from 0 to its peak. Default: 100.
    pub warmup_steps: u64,
    /// Course after the warm-up; a falling one would reach 0 on the step after the last. Default: `cosine`.
    pub kind: ScheduleKind,
}

impl Default for ScheduleSection {
    fn default() -> Self {
        Self { warmup_steps: 100, kind: ScheduleKind::Cosine }
    }
}

/// Course of the learning rate after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// Falls in a straight line.
    Linear,
    /// Falls along half a cosine.
    Cosine,
    /// Stays at the peak.
    Constant,
}

/// Architecture of MG-3D: a preset, and what differs from it. Unset fields take the preset's value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mg3dModel {
    /// Preset. Default: `tiny`.
    pub preset: Preset,
    /// Reading of the method. Default: `described`.
    pub mode: Mode,
    /// Patch edges along the tensor axes D, H, W, in voxels.
    pub patch: Option<[usize; 3]>,
    /// Channels of the first stage; every stage doubles them.
    pub embed_dim: Option<usize>,
    /// Transformer blocks of each stage.
    pub depths: Option<Vec<usize>>,
    /// Attention heads of each stage.
    pub heads: Option<Vec<usize>>,
    /// Attention window along D, H, W, in tokens. A window that divides the token grid costs no padding.
    pub window: Option<[usize; 3]>,
    /// Whether the last stage too ends in a patch merging, as the MG-3D encoder does.
    pub merge_last: Option<bool>,
    /// Channels inside the perceptron of an image block, over the channels of a token.
    pub mlp_ratio: Option<usize>,
    /// Head that turns tokens back into voxels.
    pub decoder: Option<Decoder>,
    /// Text encoder.
    pub text: TextModel,
    /// Channels of the space where image and text meet.
    pub projection_dim: Option<usize>,
    /// Attention heads of fusion and aggregation.
    pub fusion_heads: Option<usize>,
    /// Cross-attention layers of each fusion stack.
    pub fusion_layers: Option<usize>,
}

/// Named architecture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Trains on two CPU cores: patch 8, two stages from 32 channels, linear decoder, text 64 x 2.
    #[default]
    Tiny,
    /// The MG-3D "Swin-B": patch 2, four stages from 48 channels, convolution decoder, text 768 x 12.
    SwinB,
}

/// Reading of the method where paper and released code part ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// What the paper describes; the defects of the released code are not copied.
    #[default]
    Described,
}

/// Head that turns tokens back into voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decoder {
    /// One linear layer from a token to its block of voxels, as in `SimMIM` (arXiv 2111.09886).
    Linear,
    /// Convolution, instance norm, leaky `ReLU` and trilinear doubling until full size, as in MG-3D.
    Conv,
}

/// Text encoder. Unset fields take the preset's value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TextModel {
    /// Channels of a token.
    pub hidden: Option<usize>,
    /// Transformer layers.
    pub layers: Option<usize>,
    /// Attention heads of a layer.
    pub heads: Option<usize>,
    /// Longest token sequence of a report, `[CLS]` and `[SEP]` included.
    pub max_tokens: Option<usize>,
    /// Most words of the vocabulary that is built from the training reports; not used with `pretrained`.
    pub vocabulary: Option<usize>,
    /// Hugging Face folder of a BERT encoder (`config.json`, `tokenizer.json`, `model.safetensors`); it sets
    /// `hidden`, `layers` and `heads`. Default: none, the encoder starts from random weights.
    pub pretrained: Option<String>,
    /// Whether the text encoder stays as loaded. Default: false.
    pub frozen: bool,
}

/// A complete architecture: preset and overrides resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mg3dArchitecture {
    /// Patch edges along D, H, W, in voxels.
    pub patch: [usize; 3],
    /// Channels of the first stage.
    pub embed_dim: usize,
    /// Transformer blocks of each stage.
    pub depths: Vec<usize>,
    /// Attention heads of each stage.
    pub heads: Vec<usize>,
    /// Attention window along D, H, W, in tokens.
    pub window: [usize; 3],
    /// Whether the last stage ends in a patch merging.
    pub merge_last: bool,
    /// Channels inside the perceptron of an image block, over the channels of a token.
    pub mlp_ratio: usize,
    /// Head that turns tokens back into voxels.
    pub decoder: Decoder,
    /// Text encoder.
    pub text: TextArchitecture,
    /// Channels of the space where image and text meet.
    pub projection_dim: usize,
    /// Attention heads of fusion and aggregation.
    pub fusion_heads: usize,
    /// Cross-attention layers of each fusion stack.
    pub fusion_layers: usize,
}

/// A complete text encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextArchitecture {
    /// Channels of a token.
    pub hidden: usize,
    /// Transformer layers.
    pub layers: usize,
    /// Attention heads of a layer.
    pub heads: usize,
    /// Longest token sequence, special tokens included.
    pub max_tokens: usize,
    /// Most words of a vocabulary built from reports.
    pub vocabulary: usize,
    /// Hugging Face folder of the starting weights.
    pub pretrained: Option<String>,
    /// Whether the text encoder stays as loaded.
    pub frozen: bool,
}

impl Mg3dModel {
    /// Fills every unset field from the preset.
    pub fn resolve(&self) -> Mg3dArchitecture {
        let base = match self.preset {
            Preset::Tiny => Mg3dArchitecture {
                patch: [8, 8, 8],
                embed_dim: 32,
                depths: vec![2, 2],
                heads: vec![2, 4],
                window: [4, 3, 4],
                merge_last: false,
                mlp_ratio: 2,
                decoder: Decoder::Linear,
                text: TextArchitecture {
                    hidden: 64,
                    layers: 2,
                    heads: 4,
                    max_tokens: 192,
                    vocabulary: 4096,
                    pretrained: None,
                    frozen: false,
                },
                projection_dim: 64,
                fusion_heads: 4,
                fusion_layers: 1,
            },
            Preset::SwinB => Mg3dArchitecture {
                patch: [2, 2, 2],
                embed_dim: 48,
                depths: vec![2, 2, 2, 2],
                heads: vec![3, 6, 12, 24],
                window: [8, 6, 8],
                merge_last: true,
                mlp_ratio: 4,
                decoder: Decoder::Conv,
                text: TextArchitecture {
                    hidden: 768,
                    layers: 12,
                    heads: 12,
                    max_tokens: 512,
                    vocabulary: 30_000,
                    pretrained: None,
                    frozen: false,
                },
                projection_dim: 768,
                fusion_heads: 8,
                fusion_layers: 2,
            },
        };
        Mg3dArchitecture {
            patch: self.patch.unwrap_or(base.patch),
            embed_dim: self.embed_dim.unwrap_or(base.embed_dim),
            depths: self.depths.clone().unwrap_or(base.depths),
            heads: self.heads.clone().unwrap_or(base.heads),
            window: self.window.unwrap_or(base.window),
            merge_last: self.merge_last.unwrap_or(base.merge_last),
            mlp_ratio: self.mlp_ratio.unwrap_or(base.mlp_ratio),
            decoder: self.decoder.unwrap_or(base.decoder),
            text: TextArchitecture {
                hidden: self.text.hidden.unwrap_or(base.text.hidden),
                layers: self.text.layers.unwrap_or(base.text.layers),
                heads: self.text.heads.unwrap_or(base.text.heads),
                max_tokens: self.text.max_tokens.unwrap_or(base.text.max_tokens),
                vocabulary: self.text.vocabulary.unwrap_or(base.text.vocabulary),
                pretrained: self.text.pretrained.clone(),
                frozen: self.text.frozen,
            },
            projection_dim: self.projection_dim.unwrap_or(base.projection_dim),
            fusion_heads: self.fusion_heads.unwrap_or(base.fusion_heads),
            fusion_layers: self.fusion_layers.unwrap_or(base.fusion_layers),
        }
    }
}

/// Weights and constants of the objectives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectiveSection {
    /// Weight of each loss in the total.
    pub weights: ObjectiveWeights,
    /// Divisor of the cosines in every contrastive loss. Default: 0.1.
    pub temperature: f64,
    /// Share of image blocks that are masked. Default: 0.5.
    pub image_mask_ratio: f64,
    /// Edges of a masked block along D, H, W, in voxels; a multiple of the patch. Default: [16, 16, 16].
    pub image_mask_block: [usize; 3],
    /// Share of words (of tokens, by entity) that are masked. Default: 0.15.
    pub text_mask_ratio: f64,
    /// What is masked as a whole. Default: `word`.
    pub text_mask: TextMaskPolicy,
    /// Share of the masked tokens that whole entity mentions make up, 0..1; only for the policy `entity`.
    /// Default: 0.5.
    pub text_mask_entity_share: f64,
    /// Sentence pairs at or above this similarity pull their image features together. Default: 0.9.
    pub similarity_positive: f64,
    /// Sentence pairs at or below this similarity push their image features to cosine 0. Default: 0.6.
    pub similarity_negative: f64,
}

impl Default for ObjectiveSection {
    fn default() -> Self {
        Self {
            weights: ObjectiveWeights::default(),
            temperature: 0.1,
            image_mask_ratio: 0.5,
            image_mask_block: [16, 16, 16],
            text_mask_ratio: 0.15,
            text_mask: TextMaskPolicy::Word,
            text_mask_entity_share: 0.5,
            similarity_positive: 0.9,
            similarity_negative: 0.6,
        }
    }
}

/// What masked text reconstruction hides as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TextMaskPolicy {
    /// Words, drawn evenly, with all their tokens.
    #[default]
    Word,
    /// Mentions of findings, places, attributes and devices as the report's graph has them, with all
    /// their tokens, until they make up `text_mask_entity_share` of the budget; words outside of
    /// mentions fill the rest.
    Entity,
}

/// Weight of each loss in the total; 0 turns the loss off and saves its computation where it can.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectiveWeights {
    /// Masked text reconstruction guided by the image. Default: 1.0.
    pub mlm: f64,
    /// Sentence alignment of reconstructed with complete text. Default: 0.1.
    pub sal: f64,
    /// Masked image reconstruction guided by sentences. Default: 1.0.
    pub mim: f64,
    /// Global alignment: image with report, and multi-modal with uni-modal. Default: 0.1.
    pub contrast: f64,
    /// Alignment of the image with its sentence-wise aggregation. Default: 0.1.
    pub disentangled: f64,
    /// Sentence similarity matching across patients. Default: 0.1.
    pub similarity: f64,
}

impl Default for ObjectiveWeights {
    fn default() -> Self {
        Self { mlm: 1.0, sal: 0.1, mim: 1.0, contrast: 0.1, disentangled: 0.1, similarity: 0.1 }
    }
}

/// What to measure on a trained model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluateSection {
    /// Split that is measured. Default: `test`.
    pub split: String,
    /// Metrics. Default: all of them.
    pub metrics: Vec<MetricKind>,
    /// Bootstrap resamples of patients for the 95 % intervals. Default: 1000.
    pub bootstrap: usize,
    /// Seed of the bootstrap and of the evaluation masks. Default: 0.
    pub seed: u64,
}

impl Default for EvaluateSection {
    fn default() -> Self {
        Self {
            split: "test".to_owned(),
            metrics: vec![
                MetricKind::Retrieval,
                MetricKind::ZeroShot,
                MetricKind::LinearProbe,
                MetricKind::MaskedImage,
            ],
            bootstrap: 1000,
            seed: 0,
        }
    }
}

/// A family of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// Recall at 1, 5 and 10, text to image and image to text, studies as units.
    Retrieval,
    /// Area under the ROC curve of each label from a pair of prompts.
    ZeroShot,
    /// Area under the ROC curve of each label from a logistic regression on frozen image features.
    LinearProbe,
    /// Mean squared error of masked voxels.
    MaskedImage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_changes_its_field_and_nothing_else() {
        let mut expected = Mg3dModel::default().resolve();
        expected.text.hidden = 32;
        expected.window = [4, 6, 4];
        let parsed: Mg3dModel =
            serde_json::from_str(r#"{"preset":"tiny","window":[4,6,4],"text":{"hidden":32}}"#)
                .expect("valid model section");
        assert_eq!(parsed.resolve(), expected);
        assert_ne!(parsed.resolve(), Mg3dModel::default().resolve());
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let error = serde_json::from_str::<TrainSection>(r#"{"stepps": 3}"#)
            .expect_err("a misspelt field must not be ignored");
        assert!(error.to_string().contains("stepps"), "{error}");
    }

    #[test]
    fn an_empty_section_equals_the_defaults() {
        let parsed: TrainSection = serde_json::from_str("{}").expect("empty section");
        assert_eq!(parsed, TrainSection::default());
        let parsed: EvaluateSection = serde_json::from_str("{}").expect("empty section");
        assert_eq!(parsed, EvaluateSection::default());
    }
}
