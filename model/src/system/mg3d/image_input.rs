//! The image half of a step's input: volumes and which blocks of them are hidden.

use burn::tensor::{DType, Tensor, TensorData, backend::Backend};

use schemas::study::BatchStudy;

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
}

/// What of the volumes of a batch is hidden.
#[derive(Debug)]
pub(super) struct HostImage {
    count: usize,
    blocks: Vec<f32>,
    hidden: Vec<usize>,
    block_count: usize,
}

impl HostImage {
    /// The tensors of the step whose volumes these are.
    pub(super) fn upload<B: Backend>(self, volume: Tensor<B, 5>) -> ImageInput<B> {
        let device = volume.device();
        let mask = TensorData::new(self.blocks, [self.count, self.block_count]);
        ImageInput {
            block_mask: Tensor::from_data(mask, (&device, DType::F32)),
            hidden_blocks: self.hidden,
            volume,
        }
    }
}

impl InputConfig {
    /// Draws the hidden blocks of every sample, by its study and epoch.
    pub(super) fn host_image(&self, studies: &[BatchStudy]) -> HostImage {
        let count = studies.len();
        let edges = [self.volume[1], self.volume[2], self.volume[3]];
        let blocks: [usize; 3] = std::array::from_fn(|axis| edges[axis] / self.block[axis]);
        let block_count: usize = blocks.iter().product();
        let hidden = (block_count as f64 * self.image_mask_ratio).round() as usize;
        let mut mask = HostImage {
            count,
            blocks: vec![0.0; count * block_count],
            hidden: Vec::with_capacity(count * hidden),
            block_count,
        };
        for (sample, study) in studies.iter().enumerate() {
            let purpose = format!("image-mask {}", study.record.study_id);
            let mut stream = Stream::new(self.seed, &purpose, study.epoch);
            for block in stream.choose(block_count, hidden) {
                mask.blocks[sample * block_count + block] = 1.0;
                mask.hidden.push(sample * block_count + block);
            }
        }
        mask
    }
}
