//! The model: its modules, how they are made, and the losses of one step.

use burn::module::{Initializer, Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Bool, Int, Tensor, backend::Backend};

use super::config::Mg3dConfig;
use super::image_input::ImageInput;
use super::input::Mg3dInput;
use super::section::ObjectiveSection;
use super::text_input::{EncoderRows, TextInput};
use crate::block::{CrossAttention, FusionLayer, TextHead, VoxelDecoder};
use crate::encoder::{
    EncodesImages, ImageEncoder, TextEncoder, index, patchify, project, take_patches, unpatchify,
};
use crate::objective::{
    claim_ranking, contrast, masked_image, masked_text, sentence_alignment, sentence_similarity,
};
use crate::system::traits::Losses;

/// MG-3D in `described` mode.
#[derive(Module, Debug)]
pub struct Mg3d<B: Backend> {
    /// Image encoder.
    pub vision_encoder: ImageEncoder<B>,
    /// Text encoder.
    pub language_encoder: TextEncoder<B>,
    /// Stands in for the voxels of hidden blocks, `[1, C]`.
    pub mask_token: Param<Tensor<B, 2>>,
    /// Image tokens to the common space.
    pub multi_modal_vision_proj: Linear<B>,
    /// Text tokens to the common space.
    pub multi_modal_language_proj: Linear<B>,
    /// Added to tokens of the common space: row 0 text, row 1 image.
    pub token_type_embeddings: Param<Tensor<B, 2>>,
    /// Text attends to the image.
    pub text_fusion: Vec<FusionLayer<B>>,
    /// The image attends to sentences.
    pub image_fusion: Vec<FusionLayer<B>>,
    /// Words from fused text.
    pub mlm_head: TextHead<B>,
    /// Sentence vectors from fused masked text.
    pub sal_head: Linear<B>,
    /// Voxels from fused image.
    pub decoder: VoxelDecoder<B>,
    /// Norm of the pooled image.
    pub image_norm: LayerNorm<B>,
    /// Pooled image to the shared embedding.
    pub image_head: Linear<B>,
    /// Norm of the pooled report.
    pub report_norm: LayerNorm<B>,
    /// Pooled report to the shared embedding.
    pub report_head: Linear<B>,
    /// Masked image that its report completes to the contrastive space.
    pub multi_head: Linear<B>,
    /// Complete image without its report to the contrastive space.
    pub uni_head: Linear<B>,
    /// A sentence gathers its image feature.
    pub aggregation: CrossAttention<B>,
    /// Mean of the gathered features to the contrastive space.
    pub aggregated_head: Linear<B>,
    /// Multi-modal image to the contrastive space.
    pub disentangled_head: Linear<B>,
    /// Gathered feature of a sentence to the similarity space.
    pub sentence_head: Linear<B>,
    pub(super) block: [usize; 3],
    pub(super) frozen_text: bool,
}

/// Features of an image without any text.
#[derive(Debug, Clone)]
pub struct ImageFeatures<B: Backend> {
    /// The encoder's vector of the volume, `[B, F]`: what a probe sees.
    pub pooled: Tensor<B, 2>,
    /// Vector in the space shared with reports, `[B, P]`, not normalised.
    pub embedding: Tensor<B, 2>,
}

impl Mg3dConfig {
    /// Makes the model with unspecified weights; [`initialise`](crate::weights::initialise) draws them.
    pub fn init<B: Backend>(&self, device: &B::Device) -> Mg3d<B> {
        let image = &self.architecture;
        let width = image.image.width(image.encoder);
        let pooled = image.image.pooled_width(image.encoder);
        let dim = image.projection_dim;
        let linear = |from: usize, to: usize| LinearConfig::new(from, to).init(device);
        let norm = |dim: usize| LayerNormConfig::new(dim).init(device);
        let fusion = || {
            (0..image.fusion_layers)
                .map(|_| FusionLayer::new(dim, image.fusion_heads, device))
                .collect()
        };
        Mg3d {
            vision_encoder: image.image.init(image.encoder, self.volume, device),
            language_encoder: self.text.init(device),
            mask_token: Initializer::Zeros.init([1, self.volume[0]], device),
            multi_modal_vision_proj: linear(width, dim),
            multi_modal_language_proj: linear(self.text.hidden_size, dim),
            token_type_embeddings: Initializer::Zeros.init([2, dim], device),
            text_fusion: fusion(),
            image_fusion: fusion(),
            mlm_head: TextHead::new(dim, self.text.vocab_size, device),
            sal_head: linear(dim, dim),
            decoder: VoxelDecoder::new(
                image.decoder,
                dim,
                self.volume[0],
                self.grid(),
                self.stride(),
                device,
            ),
            image_norm: norm(pooled),
            image_head: linear(pooled, dim),
            report_norm: norm(dim),
            report_head: linear(dim, dim),
            multi_head: linear(dim, dim),
            uni_head: linear(pooled, dim),
            aggregation: CrossAttention::new(dim, image.fusion_heads, device),
            aggregated_head: linear(dim, dim),
            disentangled_head: linear(dim, dim),
            sentence_head: linear(dim, dim),
            block: self.block,
            frozen_text: image.text.frozen,
        }
    }
}

impl<B: Backend> Mg3d<B> {
    /// Losses of one batch.
    pub fn forward(&self, input: &Mg3dInput<B>, objectives: &ObjectiveSection) -> Losses<B> {
        let weights = &objectives.weights;
        let temperature = objectives.temperature;
        let guides_image = weights.mim > 0.0 || weights.multi_modal > 0.0;
        let guides_text = weights.mlm > 0.0 || weights.sal > 0.0;

        // Complete and masked inputs go through the encoders as one batch of 2 B.
        let (image, pooled, masked_image_tokens) = self.encode_images(&input.image, guides_image);
        let (text, masked_text_tokens) = self.encode_texts(&input.text, guides_text);
        let sentences = input.text.sentence_mean.clone().matmul(text);
        let sentence_pad = Some(&input.text.sentence_pad);

        let mut parts = Vec::new();
        if let Some(masked) = masked_text_tokens {
            let fused = fuse(&self.text_fusion, masked, &image, None);
            if let (true, Some((rows, targets))) = (weights.mlm > 0.0, &input.text.hidden_tokens) {
                let [batch, length, dim] = fused.dims();
                let hidden = fused.clone().reshape([batch * length, dim]).select(0, rows.clone());
                let logits = self.mlm_head.forward(hidden);
                parts.push(("mlm", weights.mlm, masked_text(logits, targets.clone())));
            }
            if let (true, Some(rows)) = (weights.sal > 0.0, &input.text.sentence_rows) {
                let reconstructed = input.text.sentence_mean.clone().matmul(fused);
                let reconstructed = self.sal_head.forward(rows_of(reconstructed, rows));
                let target = rows_of(sentences.clone(), rows);
                parts.push(("sal", weights.sal, sentence_alignment(reconstructed, target)));
            }
        }
        let completed = masked_image_tokens
            .map(|masked| fuse(&self.image_fusion, masked, &sentences, sentence_pad));
        if let (true, Some(completed)) = (weights.mim > 0.0, &completed) {
            parts.push(("mim", weights.mim, self.image_loss(completed.clone(), input)));
        }
        if let Some(rows) = &input.text.text_rows {
            let pick = |tensor: Tensor<B, 2>| tensor.select(0, rows.clone());
            let align = |first: Tensor<B, 2>, second: Tensor<B, 2>| {
                contrast(pick(first), pick(second), input.text.not_negative.clone(), temperature)
            };
            if weights.contrast > 0.0 {
                let report = weighted_sum(sentences.clone(), &input.text.drawn_weight);
                let loss = align(self.image_vector(pooled.clone()), self.report_vector(report));
                parts.push(("image_report", weights.contrast, loss));
            }
            if let (true, Some(completed)) = (weights.multi_modal > 0.0, completed) {
                let multi = self.multi_head.forward(mean_tokens(completed));
                let loss = align(multi, self.uni_head.forward(pooled.clone()));
                parts.push(("multi_modal", weights.multi_modal, loss));
            }
            if weights.disentangled > 0.0 || weights.similarity > 0.0 {
                let gathered = self.aggregation.forward(sentences.clone(), image.clone(), None);
                if weights.disentangled > 0.0 {
                    let multi_image = fuse(&self.image_fusion, image, &sentences, sentence_pad);
                    let multi_image = self.disentangled_head.forward(mean_tokens(multi_image));
                    let mean = weighted_sum(gathered.clone(), &input.text.sentence_weight);
                    let loss = align(multi_image, self.aggregated_head.forward(mean));
                    parts.push(("disentangled", weights.disentangled, loss));
                }
                if let (true, Some(rows)) = (weights.similarity > 0.0, &input.text.sentence_rows) {
                    let features = self.sentence_head.forward(rows_of(gathered, rows));
                    if let Some(loss) = sentence_similarity(features, &input.text.similarity) {
                        parts.push(("similarity", weights.similarity, loss));
                    }
                }
            }
        }
        let ranked = input.text.claims.as_ref().zip(input.text.sentence_rows.as_ref());
        if let (true, Some((cells, rows))) = (weights.claims > 0.0, ranked) {
            let texts = self.report_vector(rows_of(sentences, rows));
            let loss = claim_ranking(texts, self.image_vector(pooled), cells, temperature);
            parts.push(("claims", weights.claims, loss));
        }
        let zero = Tensor::zeros([1], &input.image.volume.device());
        let total =
            parts.iter().fold(zero, |total, (_, weight, loss)| total + loss.clone() * *weight);
        Losses { total, parts: parts.into_iter().map(|(name, _, loss)| (name, loss)).collect() }
    }

    /// Features of complete volumes `[B, C, D, H, W]`.
    pub fn image_features(&self, volume: Tensor<B, 5>) -> ImageFeatures<B> {
        let pooled = self.vision_encoder.encode(volume).pooled;
        let embedding = self.image_vector(pooled.clone());
        ImageFeatures { pooled, embedding }
    }

    /// Vectors of complete reports in the space shared with images, `[B, P]`, not normalised.
    pub fn report_embedding(&self, text: &TextInput<B>) -> Tensor<B, 2> {
        let (tokens, _) = self.encode_texts(text, false);
        let sentences = text.sentence_mean.clone().matmul(tokens);
        self.report_vector(weighted_sum(sentences, &text.sentence_weight))
    }

    /// Squared error of the hidden voxels of each study, `[B]`.
    pub fn reconstruction_error(&self, input: &Mg3dInput<B>) -> Tensor<B, 1> {
        let hidden = self.hide(input.image.volume.clone(), &input.image.block_mask);
        let masked = self.project_image(self.vision_encoder.encode(hidden).tokens);
        let (text, _) = self.encode_texts(&input.text, false);
        let sentences = input.text.sentence_mean.clone().matmul(text);
        let fused = fuse(&self.image_fusion, masked, &sentences, Some(&input.text.sentence_pad));
        let reconstruction = patchify(self.decoder.forward(fused), self.block);
        let error = reconstruction - patchify(input.image.volume.clone(), self.block);
        let block: Tensor<B, 2> = (error.clone() * error).mean_dim(2).squeeze_dim(2);
        let hidden = input.image.block_mask.clone();
        let sum: Tensor<B, 2> = (block * hidden.clone()).sum_dim(1);
        (sum / hidden.sum_dim(1).clamp_min(1.0)).squeeze_dim(1)
    }

    /// Complete image tokens in the common space `[B, N, P]`, the vectors of the complete volumes `[B, F]`, and, where
    /// asked for, masked image tokens.
    fn encode_images(
        &self,
        input: &ImageInput<B>,
        masked: bool,
    ) -> (Tensor<B, 3>, Tensor<B, 2>, Option<Tensor<B, 3>>) {
        let complete = input.volume.clone();
        let batch = complete.dims()[0];
        let volume = if masked {
            Tensor::cat(vec![complete.clone(), self.hide(complete, &input.block_mask)], 0)
        } else {
            complete
        };
        let code = self.vision_encoder.encode(volume);
        let (tokens, hidden) = halves(self.project_image(code.tokens), masked);
        (tokens, code.pooled.narrow(0, 0, batch), hidden)
    }

    /// Volumes `[B, C, D, H, W]` with the voxels of hidden blocks replaced.
    fn hide(&self, volume: Tensor<B, 5>, block_mask: &Tensor<B, 2>) -> Tensor<B, 5> {
        let [_, channels, edges @ ..] = volume.dims();
        let blocks = std::array::from_fn(|axis| edges[axis] / self.block[axis]);
        let voxels = self.block.iter().product();
        let mask = block_mask.clone().unsqueeze_dim::<3>(2).repeat_dim(2, voxels);
        let mask = unpatchify(mask, blocks, self.block);
        let token = self.mask_token.val().reshape([1, channels, 1, 1, 1]);
        let visible = mask.clone().neg().add_scalar(1.0);
        volume * visible + token * mask
    }

    /// Complete and, where asked for, masked text tokens in the common space, each `[B, T, P]`.
    fn encode_texts(
        &self,
        input: &TextInput<B>,
        masked: bool,
    ) -> (Tensor<B, 3>, Option<Tensor<B, 3>>) {
        let EncoderRows { ids, pad, cells } = &input.complete;
        let hidden = masked.then_some(&input.masked).filter(|rows| rows.ids.dims()[0] > 0);
        let (ids, pad) = match hidden {
            Some(hidden) => (
                Tensor::cat(vec![ids.clone(), hidden.ids.clone()], 0),
                Tensor::cat(vec![pad.clone(), hidden.pad.clone()], 0),
            ),
            None => (ids.clone(), pad.clone()),
        };
        let tokens = self.language_encoder.forward(ids, &pad);
        let tokens = if self.frozen_text { tokens.detach() } else { tokens };
        let tokens = self.project_text(tokens);
        let Some(cells) = cells else { return halves(tokens, masked) };
        let [rows, length, dim] = tokens.dims();
        let flat: Tensor<B, 2> = tokens.reshape([rows * length, dim]);
        let reports = |cells: &Tensor<B, 1, Int>| {
            let count = cells.dims()[0] / input.length;
            flat.clone().select(0, cells.clone()).reshape([count, input.length, dim])
        };
        let hidden = input.masked.cells.as_ref().filter(|_| masked);
        (reports(cells), hidden.map(reports))
    }

    fn project_image(&self, tokens: Tensor<B, 3>) -> Tensor<B, 3> {
        let kind = self.token_type_embeddings.val().narrow(0, 1, 1);
        project(&self.multi_modal_vision_proj, tokens) + kind.unsqueeze::<3>()
    }

    fn project_text(&self, tokens: Tensor<B, 3>) -> Tensor<B, 3> {
        let kind = self.token_type_embeddings.val().narrow(0, 0, 1);
        project(&self.multi_modal_language_proj, tokens) + kind.unsqueeze::<3>()
    }

    fn image_vector(&self, pooled: Tensor<B, 2>) -> Tensor<B, 2> {
        self.image_head.forward(self.image_norm.forward(pooled))
    }

    fn report_vector(&self, pooled: Tensor<B, 2>) -> Tensor<B, 2> {
        self.report_head.forward(self.report_norm.forward(pooled))
    }

    fn image_loss(&self, fused: Tensor<B, 3>, input: &Mg3dInput<B>) -> Tensor<B, 1> {
        let volume = input.image.volume.clone();
        let tokens_are_blocks = self.decoder.is_linear() && self.decoder.stride() == self.block;
        if !tokens_are_blocks || input.image.hidden_blocks.is_empty() {
            let reconstruction = patchify(self.decoder.forward(fused), self.block);
            return masked_image(
                reconstruction,
                patchify(volume, self.block),
                input.image.block_mask.clone(),
            );
        }
        // A token is a block, so only hidden blocks are decoded; the loss is the same mean.
        let [batch, count, dim] = fused.dims();
        let rows = index(
            input.image.hidden_blocks.iter().map(|&row| row as i32).collect(),
            &volume.device(),
        );
        let hidden: Tensor<B, 2> = fused.reshape([batch * count, dim]).select(0, rows);
        let reconstruction = self.decoder.blocks(hidden.unsqueeze());
        let target = take_patches(volume, self.block, &input.image.hidden_blocks).unsqueeze();
        let mask = Tensor::ones([1, input.image.hidden_blocks.len()], &reconstruction.device());
        masked_image(reconstruction, target, mask)
    }
}

/// The first and, where there are `two`, the second half of a batch.
fn halves<B: Backend>(tokens: Tensor<B, 3>, two: bool) -> (Tensor<B, 3>, Option<Tensor<B, 3>>) {
    if !two {
        return (tokens, None);
    }
    let half = tokens.dims()[0] / 2;
    (tokens.clone().narrow(0, 0, half), Some(tokens.narrow(0, half, half)))
}

/// Runs a stack of fusion layers.
fn fuse<B: Backend>(
    layers: &[FusionLayer<B>],
    tokens: Tensor<B, 3>,
    context: &Tensor<B, 3>,
    pad: Option<&Tensor<B, 2, Bool>>,
) -> Tensor<B, 3> {
    layers.iter().fold(tokens, |tokens, layer| layer.forward(tokens, context.clone(), pad.cloned()))
}

/// Mean over tokens: `[B, N, P]` to `[B, P]`.
fn mean_tokens<B: Backend>(tokens: Tensor<B, 3>) -> Tensor<B, 2> {
    tokens.mean_dim(1).squeeze_dim(1)
}

/// Mean over present sentences: `[B, S, P]` to `[B, P]`.
fn weighted_sum<B: Backend>(sentences: Tensor<B, 3>, weight: &Tensor<B, 3>) -> Tensor<B, 2> {
    (sentences * weight.clone()).sum_dim(1).squeeze_dim(1)
}

/// Rows of `[B, S, P]` taken as `[B * S, P]`.
fn rows_of<B: Backend>(
    sentences: Tensor<B, 3>,
    rows: &Tensor<B, 1, burn::tensor::Int>,
) -> Tensor<B, 2> {
    let [batch, slots, dim] = sentences.dims();
    sentences.reshape([batch * slots, dim]).select(0, rows.clone())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::text::TokenCache;

    use super::super::config::{Mg3dConfig, Mg3dConfigError};
    use super::*;
    use crate::block::Decoder;
    use crate::encoder::TextEncoderConfig;
    use crate::system::language::TextModel;
    use crate::system::mg3d::{Mg3dModel, TextContext};
    use crate::testing::{VOLUME, batch_of, input_config, synthetic_batch, tokenizer};
    use crate::weights::initialise;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;

    fn config(decoder: Decoder) -> Mg3dConfig {
        let model = Mg3dModel {
            patch: Some([4, 4, 4]),
            embed_dim: Some(12),
            depths: Some(vec![1, 1]),
            heads: Some(vec![2, 4]),
            window: Some([2, 2, 2]),
            decoder: Some(decoder),
            projection_dim: Some(24),
            text: TextModel { hidden: Some(16), max_tokens: Some(48), ..TextModel::default() },
            ..Mg3dModel::default()
        };
        Mg3dConfig {
            volume: VOLUME,
            architecture: model.resolve(),
            text: TextEncoderConfig::new(tokenizer().vocabulary_size(), 16, 1, 2, 32, 48),
            block: [8, 8, 8],
        }
    }

    fn losses(
        decoder: Decoder,
        block: [usize; 3],
        batch: &crate::batch::StudyBatch,
    ) -> Vec<(&'static str, f32)> {
        let config = Mg3dConfig { block, ..config(decoder) };
        config.validate().expect("valid");
        let model = initialise(config.init::<Flex>(&FlexDevice), 4);
        let prepare = crate::system::mg3d::InputConfig { block, ..input_config() };
        let tokenizer = tokenizer();
        let tokens = TokenCache::new(&tokenizer, prepare.max_tokens);
        let input = prepare.prepare(batch, &tokens, &FlexDevice).expect("input");
        let mut objectives = ObjectiveSection::default();
        objectives.weights.claims = 1.0;
        let losses = model.forward(&input, &objectives);
        losses.parts.into_iter().map(|(name, loss)| (name, loss.into_scalar())).collect()
    }

    #[test]
    fn every_loss_is_present_and_finite() {
        for decoder in [Decoder::Linear, Decoder::Conv] {
            let losses = losses(decoder, [8, 8, 8], &synthetic_batch(0, 4));
            let names: Vec<&str> = losses.iter().map(|(name, _)| *name).collect();
            assert_eq!(
                names,
                [
                    "mlm",
                    "sal",
                    "mim",
                    "image_report",
                    "multi_modal",
                    "disentangled",
                    "similarity",
                    "claims"
                ]
            );
            assert!(losses.iter().all(|(_, loss)| loss.is_finite() && *loss > 0.0), "{losses:?}");
        }
    }

    #[test]
    fn studies_without_text_leave_only_the_image_loss() {
        let mut batch = synthetic_batch(0, 3);
        for study in &mut batch.studies {
            Arc::make_mut(&mut study.record).sentences.clear();
        }
        let losses = losses(Decoder::Linear, [8, 8, 8], &batch);
        assert_eq!(losses.len(), 1);
        assert_eq!(losses[0].0, "mim");
        assert!(losses[0].1.is_finite());
    }

    /// Decoding only hidden blocks gives the loss of the plain formula over the full volume.
    #[test]
    fn the_fast_image_loss_equals_the_plain_one() {
        let model = initialise(config(Decoder::Linear).init::<Flex>(&FlexDevice), 4);
        let (prepare, tokenizer) = (input_config(), tokenizer());
        let tokens = TokenCache::new(&tokenizer, prepare.max_tokens);
        let input =
            prepare.prepare::<Flex>(&synthetic_batch(1, 3), &tokens, &FlexDevice).expect("input");
        let (_, _, masked) = model.encode_images(&input.image, true);
        let masked = masked.expect("was asked for");
        let fast: f32 = model.image_loss(masked.clone(), &input).into_scalar();
        let full = patchify(model.decoder.forward(masked), [8, 8, 8]);
        let target = patchify(input.image.volume.clone(), [8, 8, 8]);
        let plain: f32 = masked_image(full, target, input.image.block_mask.clone()).into_scalar();
        assert!((fast - plain).abs() <= 1e-6 * plain.abs(), "{fast} {plain}");
        let by_study = model.reconstruction_error(&input).mean().into_scalar();
        assert!(by_study.is_finite());
    }

    #[test]
    fn image_features_do_not_depend_on_the_rest_of_the_batch() {
        let model = initialise(config(Decoder::Linear).init::<Flex>(&FlexDevice), 4);
        let features = |indices: &[u64]| {
            let batch = batch_of(0, indices);
            let volume = batch.voxels.upload::<Flex>(&batch.studies, &FlexDevice).expect("volume");
            model.image_features(volume).embedding.into_data().to_vec::<f32>().expect("floats")
        };
        let (together, alone) = (features(&[3, 5]), features(&[5]));
        for (a, b) in together[24..].iter().zip(&alone) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    /// Sentences that are encoded by themselves mean the same in any order and any batch, and masks leave them alone.
    #[test]
    fn the_context_says_whether_the_order_of_sentences_counts() {
        let model = initialise(config(Decoder::Linear).init::<Flex>(&FlexDevice), 4);
        let tokenizer = tokenizer();
        let reports = |context, reversed: bool, indices: &[u64]| {
            let mut batch = batch_of(0, indices);
            for study in &mut batch.studies {
                let record = Arc::make_mut(&mut study.record);
                if reversed {
                    record.sentences.reverse();
                }
            }
            let prepare =
                crate::system::mg3d::InputConfig { text_context: context, ..input_config() };
            let tokens = TokenCache::new(&tokenizer, prepare.max_tokens);
            let input = prepare.prepare(&batch, &tokens, &FlexDevice).expect("input");
            let (complete, masked) = model.encode_texts(&input.text, true);
            assert_eq!(complete.dims(), masked.expect("was asked for").dims());
            model.report_embedding(&input.text).into_data().to_vec::<f32>().expect("floats")
        };
        let apart = |a: &[f32], b: &[f32]| {
            a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max)
        };
        for (context, counts) in [(TextContext::Report, true), (TextContext::Sentence, false)] {
            let straight = reports(context, false, &[3, 5]);
            let reversed = reports(context, true, &[3, 5]);
            assert_eq!(apart(&straight, &reversed) > 1e-3, counts, "{context:?}");
            let alone = reports(context, false, &[5]);
            assert!(apart(&straight[24..], &alone) < 1e-5, "{context:?}");
        }
    }

    #[test]
    fn blocks_that_do_not_fit_are_refused() {
        let error = Mg3dConfig { block: [6, 8, 8], ..config(Decoder::Linear) }.validate();
        assert!(matches!(error, Err(Mg3dConfigError::Block { .. })), "{error:?}");
    }
}
