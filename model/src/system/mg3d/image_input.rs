//! The image half of a step's input: volumes and which blocks of them are hidden.

use burn::tensor::{DType, Tensor, TensorData, backend::Backend};

use super::input_config::InputConfig;
use crate::random::Stream;

/// Volumes of B studies.
#[derive(Debug, Clone)]
pub struct ImageInput<B: Backend> {
    /// Voxels `[B, C, D, H, W]` in `0..1`.
    pub volume: Tensor<B, 5>,
    /// 1 where a block is hidden, `[B, blocks]`.
    pub block_mask: Tensor<B, 2>,
    /// Hidden blocks as rows of `[B * blocks]`.
    pub hidden_blocks: Vec<usize>,
    /// 1 where a patch is hidden, `[B, patches, 1]`.
    pub patch_mask: Tensor<B, 3>,
}

/// What of the volumes of a batch is hidden.
#[derive(Debug)]
pub(super) struct HostImage {
    count: usize,
    blocks: Vec<f32>,
    hidden: Vec<usize>,
    patches: Vec<f32>,
    block_count: usize,
    patch_count: usize,
}

impl HostImage {
    /// The tensors of the step whose volumes these are.
    pub(super) fn upload<B: Backend>(self, volume: Tensor<B, 5>) -> ImageInput<B> {
        let device = volume.device();
        let float = |values: Vec<f32>, shape: [usize; 2]| {
            Tensor::<B, 2>::from_data(TensorData::new(values, shape), (&device, DType::F32))
        };
        ImageInput {
            block_mask: float(self.blocks, [self.count, self.block_count]),
            hidden_blocks: self.hidden,
            patch_mask: float(self.patches, [self.count, self.patch_count]).unsqueeze_dim(2),
            volume,
        }
    }
}

impl InputConfig {
    /// Draws the hidden blocks of every sample and spreads them over patches.
    pub(super) fn host_image(&self, count: usize, step: u64) -> HostImage {
        let edges = [self.volume[1], self.volume[2], self.volume[3]];
        let blocks: [usize; 3] = std::array::from_fn(|axis| edges[axis] / self.block[axis]);
        let patches: [usize; 3] = std::array::from_fn(|axis| edges[axis] / self.patch[axis]);
        let ratio: [usize; 3] = std::array::from_fn(|axis| self.block[axis] / self.patch[axis]);
        let block_count: usize = blocks.iter().product();
        let patch_count: usize = patches.iter().product();
        let hidden = (block_count as f64 * self.image_mask_ratio).round() as usize;
        let mut mask = HostImage {
            count,
            blocks: vec![0.0; count * block_count],
            hidden: Vec::with_capacity(count * hidden),
            patches: Vec::with_capacity(count * patch_count),
            block_count,
            patch_count,
        };
        for sample in 0..count {
            let mut stream = Stream::new(self.seed, &format!("image-mask-{sample}"), step);
            for block in stream.choose(block_count, hidden) {
                mask.blocks[sample * block_count + block] = 1.0;
                mask.hidden.push(sample * block_count + block);
            }
            for patch in 0..patch_count {
                let (d, h, w) = (
                    patch / (patches[1] * patches[2]) / ratio[0],
                    patch / patches[2] % patches[1] / ratio[1],
                    patch % patches[2] / ratio[2],
                );
                let block = (d * blocks[1] + h) * blocks[2] + w;
                mask.patches.push(mask.blocks[sample * block_count + block]);
            }
        }
        mask
    }
}
