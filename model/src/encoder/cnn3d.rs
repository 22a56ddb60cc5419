//! Small convolutional network: volumes `[B, C, D, H, W]` to tokens, and pooled features of every stage.
//!
//! Stages of two 3 x 3 x 3 convolutions with batch norm (Ioffe and Szegedy, arXiv 1502.03167), the first of which
//! halves the grid and the second of which is residual (He et al., arXiv 1512.03385). The pooled features are mean and
//! maximum of each stage, so that what a few voxels show is not averaged away, and batch norm gives them one
//! scale: a finding moves few of them, by little beside what anatomy moves.

use burn::module::{Module, RunningState};
use burn::nn::conv::{Conv3d, Conv3dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig3d};
use burn::tensor::{Tensor, backend::Backend};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::image_traits::{EncodesImages, ImageCode, ImageEncoderError, ImageEncoderKeys};
use crate::kernel::{channel_norm, conv_norm_relu, keep, mean_and_max};

/// Numbers of a [`Cnn3d`], as a table of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cnn3dKeys {
    /// Channels of each stage, which halves the grid. Default: [8, 16, 32].
    pub channels: Vec<usize>,
}

impl Default for Cnn3dKeys {
    fn default() -> Self {
        Self { channels: vec![8, 16, 32] }
    }
}

/// Image encoder.
#[derive(Module, Debug)]
pub struct Cnn3d<B: Backend> {
    /// Norm of the voxels of each channel, which gives windows of different spread one scale.
    pub input_norm: InputNorm<B>,
    /// Stages in order.
    pub stages: Vec<CnnStage<B>>,
    /// Norm of the pooled features.
    pub pooled_norm: BatchNorm<B>,
}

/// One halving of the grid.
#[derive(Module, Debug)]
pub struct CnnStage<B: Backend> {
    /// 3 x 3 x 3 with stride 2.
    pub conv1: Conv3d<B>,
    /// Norm after it.
    pub norm1: BatchNorm<B>,
    /// 3 x 3 x 3.
    pub conv2: Conv3d<B>,
    /// Norm after it.
    pub norm2: BatchNorm<B>,
}

impl<B: Backend> CnnStage<B> {
    fn new(from: usize, to: usize, device: &B::Device) -> Self {
        let conv = |from, stride: usize| {
            Conv3dConfig::new([from, to], [3; 3])
                .with_stride([stride; 3])
                .with_padding(PaddingConfig3d::Explicit(1, 1, 1))
                // The norm that follows takes any constant away.
                .with_bias(false)
                .init(device)
        };
        let norm = || BatchNormConfig::new(to).init(device);
        Self { conv1: conv(from, 2), norm1: norm(), conv2: conv(to, 1), norm2: norm() }
    }

    /// Cells `[B, D, H, W, C]` to half of them along each axis.
    fn forward(&self, cells: Tensor<B, 5>) -> Tensor<B, 5> {
        let halved = conv_norm_relu(cells, &self.conv1, &self.norm1, false);
        conv_norm_relu(halved, &self.conv2, &self.norm2, true)
    }
}

/// Batch norm of voxels without a learned scale, which the convolution that follows has.
#[derive(Module, Debug)]
pub struct InputNorm<B: Backend> {
    /// Mean of each channel.
    pub running_mean: RunningState<Tensor<B, 1>>,
    /// Variance of each channel.
    pub running_var: RunningState<Tensor<B, 1>>,
}

impl<B: Backend> InputNorm<B> {
    /// Share by which a batch moves what is kept, and what is added to the variance, as batch norm has them.
    const MOMENTUM: f64 = 0.1;
    const EPSILON: f64 = 1e-5;

    fn new(channels: usize, device: &B::Device) -> Self {
        Self {
            running_mean: RunningState::new(Tensor::zeros([channels], device)),
            running_var: RunningState::new(Tensor::ones([channels], device)),
        }
    }

    /// Volumes `[B, C, D, H, W]` to cells `[B, D, H, W, C]`.
    fn forward(&self, volume: Tensor<B, 5>) -> Tensor<B, 5> {
        let kept = [&self.running_mean, &self.running_var];
        if B::ad_enabled(&volume.device()) {
            let (cells, seen) = channel_norm(volume, None, Self::EPSILON);
            keep(kept, seen, Self::MOMENTUM);
            return cells;
        }
        channel_norm(volume, Some(kept.map(RunningState::value_sync)), Self::EPSILON).0
    }
}

impl ImageEncoderKeys for Cnn3dKeys {
    type Encoder<B: Backend> = Cnn3d<B>;

    fn check(&self, volume: [usize; 4]) -> Result<(), ImageEncoderError> {
        if self.channels.is_empty() || self.channels.contains(&0) {
            return Err(ImageEncoderError::Empty);
        }
        let [_, edges @ ..] = volume;
        let stages = u32::try_from(self.channels.len()).unwrap_or(u32::MAX);
        match 2_usize.checked_pow(stages) {
            Some(stride) if edges.iter().all(|edge| edge.is_multiple_of(stride)) => Ok(()),
            stride => {
                let patch = [stride.unwrap_or(usize::MAX); 3];
                Err(ImageEncoderError::Patch { patch, volume: edges })
            }
        }
    }

    fn width(&self) -> usize {
        self.channels.last().copied().unwrap_or_default()
    }

    fn pooled_width(&self) -> usize {
        2 * self.channels.iter().sum::<usize>()
    }

    fn grid(&self, volume: [usize; 4]) -> [usize; 3] {
        std::array::from_fn(|axis| volume[axis + 1] >> self.channels.len())
    }

    fn init<B: Backend>(&self, volume: [usize; 4], device: &B::Device) -> Cnn3d<B> {
        let from = std::iter::once(&volume[0]).chain(&self.channels);
        let stages =
            from.zip(&self.channels).map(|(&from, &to)| CnnStage::new(from, to, device)).collect();
        Cnn3d {
            input_norm: InputNorm::new(volume[0], device),
            stages,
            pooled_norm: BatchNormConfig::new(self.pooled_width()).init(device),
        }
    }
}

impl<B: Backend> EncodesImages<B> for Cnn3d<B> {
    fn encode(&self, volume: Tensor<B, 5>) -> ImageCode<B> {
        let mut cells = self.input_norm.forward(volume);
        let mut pooled = Vec::with_capacity(self.stages.len());
        for stage in &self.stages {
            cells = stage.forward(cells);
            pooled.push(mean_and_max(cells.clone()));
        }
        let [batch, d, h, w, channels] = cells.dims();
        let tokens = cells.reshape([batch, d * h * w, channels]);
        ImageCode { tokens, pooled: self.pooled_norm.forward(Tensor::cat(pooled, 1)) }
    }
}
