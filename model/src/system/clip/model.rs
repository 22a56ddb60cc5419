//! The model of `clip`: two encoders, two heads, one learned temperature.

use burn::module::{Initializer, Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Tensor, backend::Backend};

use super::input::{ClipInput, ClipText};
use super::section::{ClipKeys, ClipKeysError};
use crate::encoder::{EncodesImages, ImageEncoder, TextEncoder, TextEncoderConfig};
use crate::objective::contrast_scaled;

/// Largest factor of the cosines, as in CLIP: the temperature stays at 0.01 at least.
const MAX_SCALE: f64 = 100.0;

/// Configuration of a [`ClipModel`].
#[derive(Debug, Clone)]
pub struct ClipConfig {
    /// Block as `[channels, depth, height, width]`.
    pub block: [usize; 4],
    /// Blocks of each study.
    pub blocks: usize,
    /// Numbers of the model.
    pub keys: ClipKeys,
    /// Text encoder; its vocabulary is the tokenizer's.
    pub text: TextEncoderConfig,
}

/// Image and text encoder with heads into one space.
#[derive(Module, Debug)]
pub struct ClipModel<B: Backend> {
    /// Image encoder.
    pub vision_encoder: ImageEncoder<B>,
    /// Text encoder.
    pub language_encoder: TextEncoder<B>,
    /// Norm of the pooled image.
    pub image_norm: LayerNorm<B>,
    /// Pooled image to the shared space.
    pub image_head: Linear<B>,
    /// Norm of the pooled report.
    pub report_norm: LayerNorm<B>,
    /// Pooled report to the shared space.
    pub report_head: Linear<B>,
    /// Logarithm of the factor of the cosines, `[1]`.
    pub logit_scale: Param<Tensor<B, 1>>,
    blocks: usize,
    frozen_text: bool,
}

/// Vectors of images.
#[derive(Debug, Clone)]
pub struct ClipVectors<B: Backend> {
    /// The encoder's vector of the volume, `[B, F]`: what a probe gets.
    pub pooled: Tensor<B, 2>,
    /// Vector in the space shared with reports, `[B, P]`, not normalised.
    pub embedding: Tensor<B, 2>,
}

impl ClipConfig {
    /// Checks that the numbers fit together.
    ///
    /// # Errors
    /// One [`ClipKeysError`] for the first that does not.
    pub fn validate(&self) -> Result<(), ClipKeysError> {
        self.keys.check(self.block, &self.text)
    }

    /// Makes the model with unspecified weights; [`initialise`](crate::weights::initialise) draws them, and
    /// [`ClipModel::with_temperature`] sets the temperature of a new run.
    pub fn init<B: Backend>(&self, device: &B::Device) -> ClipModel<B> {
        let (keys, dim) = (&self.keys, self.keys.projection_dim);
        let features = keys.image.pooled_width(keys.encoder);
        let hidden = self.text.hidden_size;
        let norm = |width| LayerNormConfig::new(width).init(device);
        let linear = |from| LinearConfig::new(from, dim).init(device);
        ClipModel {
            vision_encoder: keys.image.init(keys.encoder, self.block, device),
            language_encoder: self.text.init(device),
            image_norm: norm(features),
            image_head: linear(features),
            report_norm: norm(hidden),
            report_head: linear(hidden),
            logit_scale: Initializer::Zeros.init([1], device),
            blocks: self.blocks,
            frozen_text: keys.text.frozen,
        }
    }
}

impl<B: Backend> ClipModel<B> {
    /// Sets the temperature that a new run starts from.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        let scale = Tensor::full_like(&self.logit_scale.val(), -temperature.ln());
        self.logit_scale = Param::initialized(self.logit_scale.id, scale.require_grad());
        self
    }

    /// Vectors of volumes, the blocks of a study merged.
    ///
    /// # Shapes
    /// - volume: `[B * K, C, D, H, W]`, the K blocks of a study together
    pub fn encode_images(&self, volume: Tensor<B, 5>) -> ClipVectors<B> {
        // [B * K, F] -> [B, K, F]
        let boxes = self.vision_encoder.encode(volume).pooled;
        let [count, width] = boxes.dims();
        let boxes = boxes.reshape([count / self.blocks, self.blocks, width]);
        let pooled: Tensor<B, 2> = boxes.mean_dim(1).squeeze_dim(1);
        let embedding = self.image_head.forward(self.image_norm.forward(pooled.clone()));
        ClipVectors { pooled, embedding }
    }

    /// Vectors of reports in the space shared with images, `[B, P]`, not normalised.
    pub fn encode_reports(&self, text: &ClipText<B>) -> Tensor<B, 2> {
        let tokens = self.language_encoder.forward(text.ids.clone(), &text.pad);
        let tokens = if self.frozen_text { tokens.detach() } else { tokens };
        // Every report has its first and its last token, so no row is all padding.
        let present: Tensor<B, 3> = text.pad.clone().bool_not().float().unsqueeze_dim(2);
        let sum: Tensor<B, 2> = (tokens * present.clone()).sum_dim(1).squeeze_dim(1);
        let count: Tensor<B, 2> = present.sum_dim(1).squeeze_dim(1);
        self.report_head.forward(self.report_norm.forward(sum / count))
    }

    /// Contrast of images with reports, `[1]`; none when fewer than two studies of the batch have text.
    pub fn loss(&self, input: &ClipInput<B>) -> Option<Tensor<B, 1>> {
        let rows = input.text_rows.as_ref()?;
        let images = self.encode_images(input.volume.clone()).embedding;
        let reports = self.encode_reports(&input.text);
        let pick = |vectors: Tensor<B, 2>| vectors.select(0, rows.clone());
        let scale = self.logit_scale.val().clamp_max(MAX_SCALE.ln()).exp();
        Some(contrast_scaled(pick(images), pick(reports), input.not_negative.clone(), scale))
    }
}

#[cfg(test)]
mod tests {
    use super::super::input::InputConfig;
    use super::super::section::ClipObjectives;
    use super::*;
    use crate::batch::StudyBatch;
    use crate::encoder::ImageEncoderKind;
    use crate::testing::{VOLUME, batch_of, synthetic_batch, tokenizer};
    use crate::text::TokenCache;
    use crate::trainer::Optimizer;
    use crate::weights::{initialise, load_weights, save_weights};
    use burn::backend::flex::FlexDevice;
    use burn::backend::{Autodiff, Flex};
    use burn::optim::GradientsParams;
    use burn::tensor::TensorData;
    use schemas::manifest::train::OptimizerSection;

    fn config(encoder: &str, block: [usize; 4], blocks: usize) -> ClipConfig {
        let keys: ClipKeys = serde_json::from_value(serde_json::json!({
            "encoder": encoder,
            "image": {
                "swin3d": {"patch": [4, 4, 4], "embed_dim": 12, "depths": [1, 1], "window": [2, 2, 2]},
                "vit3d": {"patch": [4, 4, 4], "width": 24, "depth": 1},
            },
            "projection_dim": 16,
            "text": {"max_tokens": 48},
        }))
        .expect("keys");
        let text = TextEncoderConfig::new(tokenizer().vocabulary_size(), 16, 1, 2, 32, 48);
        let config = ClipConfig { block, blocks, keys, text };
        config.validate().expect("fits");
        config
    }

    fn model<B: Backend>(config: &ClipConfig, device: &B::Device) -> ClipModel<B> {
        let temperature = ClipObjectives::default().temperature;
        initialise(config.init(device), 4).with_temperature(temperature)
    }

    fn input<B: Backend>(batch: &StudyBatch, device: &B::Device) -> ClipInput<B> {
        let tokenizer = tokenizer();
        let tokens = TokenCache::new(&tokenizer, 48);
        let prepare = InputConfig { block: VOLUME, blocks: 1, max_tokens: 48 };
        prepare.host(batch, &tokens).expect("tokens").upload(batch, device).expect("tensors")
    }

    fn volumes(shape: [usize; 5]) -> Tensor<Flex, 5> {
        let values: Vec<f32> = (0..shape.iter().product::<usize>())
            .map(|index| ((index * 37) % 211) as f32 / 211.0)
            .collect();
        Tensor::from_data(TensorData::new(values, shape), &FlexDevice)
    }

    fn floats<const D: usize>(tensor: Tensor<Flex, D>) -> Vec<f32> {
        tensor.into_data().to_vec().expect("floats")
    }

    #[test]
    fn the_loss_falls_with_every_image_encoder_and_the_temperature_is_learned() {
        type B = Autodiff<Flex>;
        for encoder in ["swin3d", "vit3d"] {
            let mut model = model::<B>(&config(encoder, VOLUME, 1), &FlexDevice);
            let scale = |model: &ClipModel<B>| model.logit_scale.val().into_scalar();
            let start = scale(&model);
            assert!((f64::from(start) + 0.07f64.ln()).abs() < 1e-6);
            let mut optimizer = Optimizer::new(&OptimizerSection::default());
            let mut losses = Vec::new();
            for step in 0..60 {
                let input = input::<B>(&synthetic_batch(step, 4), &FlexDevice);
                let loss = model.loss(&input).expect("four with text");
                losses.push(loss.clone().into_scalar());
                let gradients = GradientsParams::from_grads(loss.backward(), &model);
                model = optimizer.step(model, gradients, 3e-3).0;
            }
            let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
            let (before, after) = (mean(&losses[..10]), mean(&losses[50..]));
            assert!(after < 0.7 * before, "{encoder}: {before} -> {after}");
            assert!((scale(&model) - start).abs() > 1e-3, "{encoder}");
        }
    }

    #[test]
    fn blocks_of_a_study_are_merged_in_any_order_and_channels_all_count() {
        for &kind in ImageEncoderKind::ALL {
            let name = serde_json::to_value(kind).expect("a name");
            let config = config(name.as_str().expect("text"), [2, 16, 16, 16], 3);
            let model = model::<Flex>(&config, &FlexDevice);
            let volume = volumes([6, 2, 16, 16, 16]);
            let vectors = model.encode_images(volume.clone());
            assert_eq!(vectors.embedding.dims(), [2, 16]);
            let turned = Tensor::cat(
                [2, 0, 1, 3, 4, 5].map(|at| volume.clone().narrow(0, at, 1)).to_vec(),
                0,
            );
            let same = floats(model.encode_images(turned).pooled);
            for (a, b) in floats(vectors.pooled.clone()).iter().zip(&same) {
                assert!((a - b).abs() < 1e-5, "{kind:?}: {a} {b}");
            }
            // Without its second channel an image is another one.
            let first = volume.clone().narrow(1, 0, 1);
            let halved = Tensor::cat(vec![first.clone(), first.zeros_like()], 1);
            let other = floats(model.encode_images(halved).pooled);
            let moved =
                floats(vectors.pooled).iter().zip(&other).any(|(a, b)| (a - b).abs() > 1e-3);
            assert!(moved, "{kind:?}");
        }
    }

    #[test]
    fn a_report_does_not_depend_on_the_length_of_others() {
        let model = model::<Flex>(&config("vit3d", VOLUME, 1), &FlexDevice);
        let of = |batch: &StudyBatch| {
            floats(model.encode_reports(&input::<Flex>(batch, &FlexDevice).text))
        };
        let mut batch = batch_of(0, &[2, 5]);
        let alone = of(&batch_of(0, &[2]));
        let long = std::sync::Arc::make_mut(&mut batch.studies[1].record);
        long.study_id = schemas::ids::StudyId("long".into());
        long.sentences = [long.sentences.clone(), long.sentences.clone()].concat();
        for (a, b) in of(&batch).iter().zip(&alone) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn studies_without_text_have_no_loss() {
        let model = model::<Flex>(&config("swin3d", VOLUME, 1), &FlexDevice);
        let mut batch = batch_of(0, &[1, 2]);
        std::sync::Arc::make_mut(&mut batch.studies[0].record).sentences.clear();
        assert!(model.loss(&input(&batch, &FlexDevice)).is_none());
    }

    #[test]
    fn weights_are_saved_and_loaded_under_the_names_of_the_encoder_in_use() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("model.safetensors");
        for encoder in ["swin3d", "vit3d"] {
            let config = config(encoder, VOLUME, 1);
            let saved = model::<Flex>(&config, &FlexDevice);
            save_weights(&saved, &path).expect("saves");
            let mut loaded = initialise(config.init::<Flex>(&FlexDevice), 9);
            load_weights(&mut loaded, &path).expect("loads");
            let batch = batch_of(0, &[1, 2, 4]);
            let loss = |model: &ClipModel<Flex>| {
                floats(model.loss(&input(&batch, &FlexDevice)).expect("a loss"))
            };
            assert_eq!(loss(&saved), loss(&loaded), "{encoder}");
        }
        let mut other = model::<Flex>(&config("swin3d", VOLUME, 1), &FlexDevice);
        load_weights(&mut other, &path).expect_err("the file holds another encoder");
    }
}
