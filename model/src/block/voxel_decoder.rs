//! Heads that turn image tokens back into voxels.

use burn::module::Module;
use burn::nn::conv::{Conv3d, Conv3dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig3d};
use burn::tensor::activation::leaky_relu;
use burn::tensor::{Tensor, backend::Backend};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::encoder::{project, unpatchify};

/// Head that turns tokens back into voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decoder {
    /// One linear layer from a token to its block of voxels, as in `SimMIM` (arXiv 2111.09886).
    Linear,
    /// Convolution, instance norm, leaky `ReLU` and trilinear doubling until full size, as in MG-3D.
    Conv,
}

/// Decoder of one of two kinds; exactly one is present.
#[derive(Module, Debug)]
pub struct VoxelDecoder<B: Backend> {
    /// One layer from a token to its block of voxels.
    pub linear: Option<Linear<B>>,
    /// Convolutions with doubling.
    pub conv: Option<ConvDecoder<B>>,
    grid: [usize; 3],
    stride: [usize; 3],
}

/// Stages of convolution, instance norm, leaky `ReLU` and trilinear doubling, then a 1 x 1 x 1 convolution, as
/// in MG-3D.
#[derive(Module, Debug)]
pub struct ConvDecoder<B: Backend> {
    /// One doubling each.
    pub stages: Vec<ConvStage<B>>,
    /// To image channels.
    pub output: Conv3d<B>,
}

/// One doubling.
#[derive(Module, Debug)]
pub struct ConvStage<B: Backend> {
    /// 3 x 3 x 3, halves the channels.
    pub conv: Conv3d<B>,
}

impl<B: Backend> VoxelDecoder<B> {
    /// Makes a decoder from tokens of `dim` channels on `grid` to `channels` image channels at `stride` voxels a
    /// token. The convolution decoder needs one power of two as stride along all axes.
    pub fn new(
        kind: Decoder,
        dim: usize,
        channels: usize,
        grid: [usize; 3],
        stride: [usize; 3],
        device: &B::Device,
    ) -> Self {
        let (linear, conv) = match kind {
            Decoder::Linear => {
                let values = channels * stride.iter().product::<usize>();
                (Some(LinearConfig::new(dim, values).init(device)), None)
            }
            Decoder::Conv => (None, Some(ConvDecoder::new(dim, channels, stride[0], device))),
        };
        Self { linear, conv, grid, stride }
    }

    /// `[B, N, P]` to `[B, C, D, H, W]`.
    pub fn forward(&self, tokens: Tensor<B, 3>) -> Tensor<B, 5> {
        if let Some(conv) = &self.conv {
            let [batch, _, dim] = tokens.dims();
            let [d, h, w] = self.grid;
            return conv.forward(tokens.swap_dims(1, 2).reshape([batch, dim, d, h, w]));
        }
        unpatchify(self.blocks(tokens), self.grid, self.stride)
    }

    /// The linear decoder's blocks `[B, N, C * s0 * s1 * s2]`, in the layout of
    /// [`patchify`](crate::encoder::patchify). Any subset of tokens may be given.
    ///
    /// # Panics
    /// With a convolution decoder; [`Self::is_linear`] says which it is.
    pub fn blocks(&self, tokens: Tensor<B, 3>) -> Tensor<B, 3> {
        let linear =
            self.linear.as_ref().expect("a decoder without convolutions has its linear layer");
        project(linear, tokens)
    }

    /// Whether this is the linear decoder.
    pub fn is_linear(&self) -> bool {
        self.linear.is_some()
    }

    /// Voxels a token stands for, along D, H, W.
    pub fn stride(&self) -> [usize; 3] {
        self.stride
    }
}

impl<B: Backend> ConvDecoder<B> {
    /// Makes `log2(stride)` stages; channels halve down to 16 at least.
    pub fn new(dim: usize, channels: usize, stride: usize, device: &B::Device) -> Self {
        let mut from = dim;
        let stages = (0..stride.trailing_zeros())
            .map(|_| {
                let to = (from / 2).max(16);
                let conv = Conv3dConfig::new([from, to], [3, 3, 3])
                    .with_padding(PaddingConfig3d::Explicit(1, 1, 1))
                    .init(device);
                from = to;
                ConvStage { conv }
            })
            .collect();
        Self { stages, output: Conv3dConfig::new([from, channels], [1, 1, 1]).init(device) }
    }

    /// `[B, P, d, h, w]` to `[B, C, D, H, W]`.
    pub fn forward(&self, map: Tensor<B, 5>) -> Tensor<B, 5> {
        let mut map = map;
        for stage in &self.stages {
            map = upsample_double(leaky_relu(instance_norm(stage.conv.forward(map)), 0.01));
        }
        self.output.forward(map)
    }
}

/// Normalises every channel of every volume to mean 0 and variance 1, without weights. `[B, C, D, H, W]`.
pub fn instance_norm<B: Backend>(map: Tensor<B, 5>) -> Tensor<B, 5> {
    let shape = map.dims();
    let rows: Tensor<B, 2> = map.reshape([shape[0] * shape[1], shape[2] * shape[3] * shape[4]]);
    let centred = rows.clone() - rows.mean_dim(1);
    let variance = (centred.clone() * centred.clone()).mean_dim(1);
    (centred / variance.add_scalar(1e-5).sqrt()).reshape(shape)
}

/// Doubles the last three axes by trilinear interpolation with half-voxel centres (`align_corners` false).
pub fn upsample_double<B: Backend>(map: Tensor<B, 5>) -> Tensor<B, 5> {
    (2..5).fold(map, |map, axis| {
        let mut shape = map.dims();
        let size = shape[axis];
        let part = |start: usize, length: usize| map.clone().narrow(axis, start, length);
        // Neighbours at the border repeat the border.
        let before = Tensor::cat(vec![part(0, 1), part(0, size - 1)], axis);
        let after = Tensor::cat(vec![part(1, size - 1), part(size - 1, 1)], axis);
        let even: Tensor<B, 6> = (before * 0.25 + map.clone() * 0.75).unsqueeze_dim(axis + 1);
        let odd: Tensor<B, 6> = (after * 0.25 + map.clone() * 0.75).unsqueeze_dim(axis + 1);
        shape[axis] = 2 * size;
        Tensor::cat(vec![even, odd], axis + 1).reshape(shape)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::patchify;
    use crate::weights::initialise;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;
    use burn::tensor::TensorData;

    fn tokens() -> Tensor<Flex, 3> {
        let values: Vec<f32> =
            (0..2 * 12 * 8).map(|index| ((index * 29) % 83) as f32 / 83.0).collect();
        Tensor::from_data(TensorData::new(values, [2, 12, 8]), &FlexDevice)
    }

    #[test]
    fn both_decoders_restore_the_full_size() {
        for kind in [Decoder::Linear, Decoder::Conv] {
            let decoder = initialise(
                VoxelDecoder::<Flex>::new(kind, 8, 2, [2, 3, 2], [4, 4, 4], &FlexDevice),
                1,
            );
            assert_eq!(decoder.forward(tokens()).dims(), [2, 2, 8, 12, 8]);
        }
    }

    #[test]
    fn linear_blocks_are_the_patches_of_the_volume() {
        let decoder = initialise(
            VoxelDecoder::<Flex>::new(Decoder::Linear, 8, 2, [2, 3, 2], [4, 2, 4], &FlexDevice),
            1,
        );
        let blocks = decoder.blocks(tokens());
        let volume = decoder.forward(tokens());
        patchify(volume, [4, 2, 4]).into_data().assert_eq(&blocks.into_data(), true);
    }
}
