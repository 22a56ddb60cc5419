//! The keys of `[train.model]` and `[train.objectives]` of MG-3D. Defaults stand here and nowhere else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text_rows::TextContext;
use crate::block::Decoder;
use crate::encoder::{ImageEncoderKind, ImageEncoderTables, Swin3dKeys};
use crate::system::language::{TextArchitecture, TextModel};
use crate::text::TextMaskPolicy;

/// Architecture of MG-3D: a preset, and what differs from it. Unset fields take the preset's value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mg3dModel {
    /// Preset. Default: `tiny`.
    pub preset: Preset,
    /// Reading of the method. Default: `described`.
    pub mode: Mode,
    /// Image encoder; `radloom list encoders` names them. Default: `swin3d`, that of the paper, whose keys are those
    /// from `patch` to `mlp_ratio`.
    pub encoder: Option<ImageEncoderKind>,
    /// Keys of another image encoder, each kind in a table of its name.
    pub image: ImageEncoderTables,
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
    /// What a token of a report may attend to. Default: `report`.
    pub text_context: TextContext,
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
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// What the paper describes; the defects of the released code are not copied.
    #[default]
    Described,
}

/// A complete architecture: preset and overrides resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mg3dArchitecture {
    /// Image encoder.
    pub encoder: ImageEncoderKind,
    /// Numbers of the image encoders; those of the one in use count.
    pub image: ImageEncoderTables,
    /// Head that turns tokens back into voxels.
    pub decoder: Decoder,
    /// Text encoder.
    pub text: TextArchitecture,
    /// What a token of a report may attend to.
    #[serde(default)]
    pub text_context: TextContext,
    /// Channels of the space where image and text meet.
    pub projection_dim: usize,
    /// Attention heads of fusion and aggregation.
    pub fusion_heads: usize,
    /// Cross-attention layers of each fusion stack.
    pub fusion_layers: usize,
}

impl Mg3dModel {
    /// Fills every unset field from the preset.
    pub fn resolve(&self) -> Mg3dArchitecture {
        let base = match self.preset {
            Preset::Tiny => Mg3dArchitecture {
                encoder: ImageEncoderKind::Swin3d,
                image: ImageEncoderTables::default(),
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
                text_context: TextContext::Report,
                projection_dim: 64,
                fusion_heads: 4,
                fusion_layers: 1,
            },
            Preset::SwinB => Mg3dArchitecture {
                encoder: ImageEncoderKind::Swin3d,
                image: ImageEncoderTables {
                    swin3d: Swin3dKeys {
                        patch: [2, 2, 2],
                        embed_dim: 48,
                        depths: vec![2, 2, 2, 2],
                        heads: vec![3, 6, 12, 24],
                        window: [8, 6, 8],
                        merge_last: true,
                        mlp_ratio: 4,
                    },
                    ..ImageEncoderTables::default()
                },
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
                text_context: TextContext::Report,
                projection_dim: 768,
                fusion_heads: 8,
                fusion_layers: 2,
            },
        };
        let swin = base.image.swin3d;
        let swin3d = Swin3dKeys {
            patch: self.patch.unwrap_or(swin.patch),
            embed_dim: self.embed_dim.unwrap_or(swin.embed_dim),
            depths: self.depths.clone().unwrap_or(swin.depths),
            heads: self.heads.clone().unwrap_or(swin.heads),
            window: self.window.unwrap_or(swin.window),
            merge_last: self.merge_last.unwrap_or(swin.merge_last),
            mlp_ratio: self.mlp_ratio.unwrap_or(swin.mlp_ratio),
        };
        Mg3dArchitecture {
            encoder: self.encoder.unwrap_or(base.encoder),
            image: ImageEncoderTables { swin3d, ..self.image.clone() },
            decoder: self.decoder.unwrap_or(base.decoder),
            text: self.text.resolve(&base.text),
            text_context: self.text_context,
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
    /// Largest share of a report's sentences that its vector lacks in the alignment with the image; how many and which is
    /// drawn for each study and epoch, so that no report is learned by heart. Default: 0.
    pub sentence_dropout: f64,
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
            sentence_dropout: 0.0,
        }
    }
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
    /// Global alignment of the image with its report. Default: 0.1.
    pub contrast: f64,
    /// Global alignment of the masked image that its report completes with the complete image. Default: 0.1.
    pub multi_modal: f64,
    /// Alignment of the image with its sentence-wise aggregation. Default: 0.1.
    pub disentangled: f64,
    /// Sentence similarity matching across patients. Default: 0.1.
    pub similarity: f64,
    /// Ranking of sentences that a report bears out above those it contradicts; not a part of the paper. Default: 0.
    pub claims: f64,
}

impl Default for ObjectiveWeights {
    fn default() -> Self {
        Self {
            mlm: 1.0,
            sal: 0.1,
            mim: 1.0,
            contrast: 0.1,
            multi_modal: 0.1,
            disentangled: 0.1,
            similarity: 0.1,
            claims: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_changes_its_field_and_nothing_else() {
        let mut expected = Mg3dModel::default().resolve();
        expected.text.hidden = 32;
        expected.image.swin3d.window = [4, 6, 4];
        let parsed: Mg3dModel =
            serde_json::from_str(r#"{"preset":"tiny","window":[4,6,4],"text":{"hidden":32}}"#)
                .expect("valid model section");
        assert_eq!(parsed.resolve(), expected);
        assert_ne!(parsed.resolve(), Mg3dModel::default().resolve());
    }
}
