//! 3D Swin transformer: volumes `[B, C, D, H, W]` to a grid of tokens.
//!
//! Liu et al., "Swin Transformer", arXiv 2103.14030, in three dimensions as in `SwinUNETR` (arXiv 2201.01266);
//! module and parameter names follow MONAI's `SwinTransformer`, with `layers.N` for its `layersN+1.0`. Patch
//! merging reads all eight sub-grids (MONAI's `PatchMergingV2`; the older version read six).

use burn::config::Config;
use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::gelu;
use burn::tensor::{Tensor, backend::Backend};
use thiserror::Error;

use super::attention::{WindowAttention, WindowAttentionConfig};
use super::patch::{PatchEmbed, patchify};
use super::rows::{index, project, take_rows};
use super::window::{WindowPlan, Windows};

/// Configuration of a [`Swin3d`].
#[derive(Config, Debug)]
pub struct Swin3dConfig {
    /// Volume as `[channels, depth, height, width]`.
    pub volume: [usize; 4],
    /// Patch edges in voxels; divisors of the volume's edges.
    pub patch: [usize; 3],
    /// Channels of the first stage, doubled by every merging.
    pub embed_dim: usize,
    /// Blocks of each stage.
    pub depths: Vec<usize>,
    /// Heads of each stage.
    pub heads: Vec<usize>,
    /// Window in tokens.
    pub window: [usize; 3],
    /// Whether the last stage ends in a merging.
    pub merge_last: bool,
    /// Channels inside a block's perceptron over the channels of a token.
    #[config(default = 4)]
    pub mlp_ratio: usize,
}

/// Why an encoder cannot be built.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SwinConfigError {
    /// Patches do not tile the volume.
    #[error("patch {patch:?} does not divide the volume {volume:?} (depth, height, width)")]
    Patch {
        /// Patch edges.
        patch: [usize; 3],
        /// Volume edges.
        volume: [usize; 3],
    },
    /// Depths and heads differ in length or are empty.
    #[error(
        "`depths` has {depths} stages and `heads` {heads}; give both the same number, at least one"
    )]
    Stages {
        /// Stages in `depths`.
        depths: usize,
        /// Stages in `heads`.
        heads: usize,
    },
    /// Channels do not split into heads.
    #[error("stage {stage} has {dim} channels, which {heads} heads do not divide")]
    Heads {
        /// Stage from 0.
        stage: usize,
        /// Channels of the stage.
        dim: usize,
        /// Heads of the stage.
        heads: usize,
    },
    /// A merging meets an odd grid, so the stride is not one number.
    #[error(
        "stage {stage} has the odd token grid {grid:?}, which patch merging cannot halve; change `patch`, `depths` or the view's shape"
    )]
    OddGrid {
        /// Stage from 0.
        stage: usize,
        /// Tokens along D, H, W.
        grid: [usize; 3],
    },
    /// A window edge is 0.
    #[error("`window` {window:?} has a zero edge")]
    Window {
        /// Window in tokens.
        window: [usize; 3],
    },
}

/// Image encoder.
#[derive(Module, Debug)]
pub struct Swin3d<B: Backend> {
    /// Patch embedding.
    pub patch_embed: PatchEmbed<B>,
    /// Stages.
    pub layers: Vec<BasicLayer<B>>,
    /// Norm of the output tokens.
    pub norm: LayerNorm<B>,
    patch: [usize; 3],
    grid: [usize; 3],
}

/// One stage: blocks, then a merging.
#[derive(Module, Debug)]
pub struct BasicLayer<B: Backend> {
    /// Blocks; every second one shifts its windows.
    pub blocks: Vec<SwinTransformerBlock<B>>,
    /// Halves the grid and doubles the channels.
    pub downsample: Option<PatchMerging<B>>,
}

/// Windowed attention and a perceptron, each after a norm and with a residual.
#[derive(Module, Debug)]
pub struct SwinTransformerBlock<B: Backend> {
    /// Norm before attention.
    pub norm1: LayerNorm<B>,
    /// Windowed attention.
    pub attn: WindowAttention<B>,
    /// Norm before the perceptron.
    pub norm2: LayerNorm<B>,
    /// Perceptron.
    pub mlp: Mlp<B>,
    windows: [usize; 3],
    shifted: bool,
}

/// Two linear layers with a GELU between.
#[derive(Module, Debug)]
pub struct Mlp<B: Backend> {
    /// Widens.
    pub linear1: Linear<B>,
    /// Narrows back.
    pub linear2: Linear<B>,
}

/// Joins 2 x 2 x 2 neighbours: norm over their 8 C channels, then a linear layer to 2 C.
#[derive(Module, Debug)]
pub struct PatchMerging<B: Backend> {
    /// `8 C -> 2 C` without bias.
    pub reduction: Linear<B>,
    /// Norm of the joined channels.
    pub norm: LayerNorm<B>,
}

impl Swin3dConfig {
    /// Checks that the numbers fit together.
    ///
    /// # Errors
    /// One [`SwinConfigError`] for the first that does not.
    pub fn validate(&self) -> Result<(), SwinConfigError> {
        let [_, depth, height, width] = self.volume;
        let volume = [depth, height, width];
        if (0..3).any(|axis| self.patch[axis] == 0 || volume[axis] % self.patch[axis] != 0) {
            return Err(SwinConfigError::Patch { patch: self.patch, volume });
        }
        if self.depths.is_empty() || self.depths.len() != self.heads.len() {
            return Err(SwinConfigError::Stages {
                depths: self.depths.len(),
                heads: self.heads.len(),
            });
        }
        if self.window.contains(&0) {
            return Err(SwinConfigError::Window { window: self.window });
        }
        for stage in 0..self.depths.len() {
            let (dim, heads) = (self.stage_dim(stage), self.heads[stage]);
            if heads == 0 || dim % heads != 0 {
                return Err(SwinConfigError::Heads { stage, dim, heads });
            }
            let grid = self.stage_grid(stage);
            if self.merges(stage) && grid.iter().any(|edge| edge % 2 != 0) {
                return Err(SwinConfigError::OddGrid { stage, grid });
            }
        }
        Ok(())
    }

    /// Voxels between output tokens along D, H, W.
    pub fn stride(&self) -> [usize; 3] {
        let mergings = (0..self.depths.len()).filter(|&stage| self.merges(stage)).count();
        self.patch.map(|edge| edge << mergings)
    }

    /// Output tokens along D, H, W.
    pub fn output_grid(&self) -> [usize; 3] {
        let [_, depth, height, width] = self.volume;
        let stride = self.stride();
        [depth / stride[0], height / stride[1], width / stride[2]]
    }

    /// Channels of an output token.
    pub fn output_dim(&self) -> usize {
        let last = self.depths.len() - 1;
        self.stage_dim(last) << usize::from(self.merge_last)
    }

    fn merges(&self, stage: usize) -> bool {
        stage + 1 < self.depths.len() || self.merge_last
    }

    fn stage_dim(&self, stage: usize) -> usize {
        self.embed_dim << stage
    }

    fn stage_grid(&self, stage: usize) -> [usize; 3] {
        let [_, depth, height, width] = self.volume;
        let edges = [depth, height, width];
        std::array::from_fn(|axis| (edges[axis] / self.patch[axis]) >> stage)
    }

    /// Makes the encoder. Call [`Self::validate`] first on numbers from outside.
    pub fn init<B: Backend>(&self, device: &B::Device) -> Swin3d<B> {
        let layers = (0..self.depths.len())
            .map(|stage| {
                let dim = self.stage_dim(stage);
                BasicLayer {
                    blocks: (0..self.depths[stage])
                        .map(|block| SwinTransformerBlock {
                            norm1: LayerNormConfig::new(dim).init(device),
                            attn: WindowAttentionConfig::new(dim, self.heads[stage], self.window)
                                .init(device),
                            norm2: LayerNormConfig::new(dim).init(device),
                            mlp: Mlp {
                                linear1: LinearConfig::new(dim, self.mlp_ratio * dim).init(device),
                                linear2: LinearConfig::new(self.mlp_ratio * dim, dim).init(device),
                            },
                            windows: self.window,
                            shifted: block % 2 == 1,
                        })
                        .collect(),
                    downsample: self.merges(stage).then(|| PatchMerging {
                        reduction: LinearConfig::new(8 * dim, 2 * dim)
                            .with_bias(false)
                            .init(device),
                        norm: LayerNormConfig::new(8 * dim).init(device),
                    }),
                }
            })
            .collect();
        Swin3d {
            patch_embed: PatchEmbed::new(self.volume[0], self.patch, self.embed_dim, device),
            layers,
            norm: LayerNormConfig::new(self.output_dim()).init(device),
            patch: self.patch,
            grid: self.stage_grid(0),
        }
    }
}

impl<B: Backend> Swin3d<B> {
    /// Embeds the patches of volumes and runs the stages on them.
    ///
    /// # Shapes
    /// - volume: `[B, C, D, H, W]`
    /// - output: `[B, M, F]`, M = product of [`Swin3dConfig::output_grid`], F = [`Swin3dConfig::output_dim`]
    pub fn forward(&self, volume: Tensor<B, 5>) -> Tensor<B, 3> {
        let mut tokens = self.patch_embed.forward(patchify(volume, self.patch));
        let mut grid = self.grid;
        for layer in &self.layers {
            tokens = layer.forward(tokens, grid);
            if layer.downsample.is_some() {
                grid = grid.map(|edge| edge / 2);
            }
        }
        self.norm.forward(tokens)
    }
}

impl<B: Backend> BasicLayer<B> {
    /// Tokens `[B, D * H * W, C]` of a `grid` of `[D, H, W]` to `[B, D * H * W / 8, 2 C]`, or to the same shape
    /// without merging.
    pub fn forward(&self, tokens: Tensor<B, 3>, grid: [usize; 3]) -> Tensor<B, 3> {
        let (batch, device) = (tokens.dims()[0], tokens.device());
        // Blocks of a stage share their geometry, so its tensors are made once.
        let mut plans: [Option<WindowPlan<B>>; 2] = [None, None];
        let mut tokens = tokens;
        for block in &self.blocks {
            let plan = plans[usize::from(block.shifted)].get_or_insert_with(|| {
                let windows = Windows::new(grid, block.windows, block.shifted);
                WindowPlan::new(windows, batch, block.attn.heads(), &device)
            });
            tokens = block.forward(tokens, plan);
        }
        match &self.downsample {
            Some(merging) => merging.forward(tokens, grid),
            None => tokens,
        }
    }
}

impl<B: Backend> SwinTransformerBlock<B> {
    /// `[B, N, C]` to the same shape.
    pub fn forward(&self, tokens: Tensor<B, 3>, plan: &WindowPlan<B>) -> Tensor<B, 3> {
        let attended = self.attn.forward(self.norm1.forward(tokens.clone()), plan);
        let tokens = tokens + attended;
        tokens.clone() + self.mlp.forward(self.norm2.forward(tokens))
    }
}

impl<B: Backend> Mlp<B> {
    /// `[..., C]` to `[..., C]`.
    pub fn forward<const D: usize>(&self, tokens: Tensor<B, D>) -> Tensor<B, D> {
        project(&self.linear2, gelu(project(&self.linear1, tokens)))
    }
}

impl<B: Backend> PatchMerging<B> {
    /// Tokens `[B, D * H * W, C]` to `[B, D * H * W / 8, 2 C]`; neighbours in the order (d, h, w), w fastest.
    pub fn forward(&self, tokens: Tensor<B, 3>, grid: [usize; 3]) -> Tensor<B, 3> {
        let [batch, cells, channels] = tokens.dims();
        let [_, height, width] = grid;
        let mut rows = Vec::with_capacity(batch * cells);
        for sample in 0..batch {
            for cell in 0..cells / 8 {
                let (h2, w2) = (height / 2, width / 2);
                let (d, h, w) = (cell / (h2 * w2), cell / w2 % h2, cell % w2);
                for part in 0..8 {
                    let (d, h, w) = (2 * d + part / 4, 2 * h + part / 2 % 2, 2 * w + part % 2);
                    rows.push((sample * cells + (d * height + h) * width + w) as i32);
                }
            }
        }
        let rows = index(rows, &tokens.device());
        let joined = take_rows(tokens.reshape([batch * cells, channels]), &rows).reshape([
            batch,
            cells / 8,
            8 * channels,
        ]);
        project(&self.reduction, self.norm.forward(joined))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::initialise;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;
    use burn::tensor::{TensorData, Tolerance};

    fn config() -> Swin3dConfig {
        Swin3dConfig {
            volume: [1, 16, 8, 16],
            patch: [2, 2, 2],
            embed_dim: 8,
            depths: vec![2, 2],
            heads: vec![2, 4],
            window: [3, 2, 4],
            merge_last: true,
            mlp_ratio: 4,
        }
    }

    fn volume(batch: usize, seed: u64) -> Tensor<Flex, 5> {
        let mut stream = crate::random::Stream::new(seed, "volume", 0);
        let values: Vec<f32> = (0..batch * 2048).map(|_| stream.unit() as f32).collect();
        Tensor::from_data(TensorData::new(values, [batch, 1, 16, 8, 16]), &FlexDevice)
    }

    #[test]
    fn tokens_have_the_announced_stride_and_channels() {
        let config = config();
        config.validate().expect("valid");
        assert_eq!(config.stride(), [8, 8, 8]);
        assert_eq!(config.output_grid(), [2, 1, 2]);
        let swin = config.init::<Flex>(&FlexDevice);
        assert_eq!(swin.forward(volume(2, 0)).dims(), [2, 4, 32]);
    }

    #[test]
    fn a_volume_encodes_the_same_alone_and_in_a_batch() {
        let swin = initialise(config().init::<Flex>(&FlexDevice), 3);
        let (first, second) = (volume(1, 1), volume(1, 2));
        let together = swin.forward(Tensor::cat(vec![first.clone(), second.clone()], 0));
        let apart = Tensor::cat(vec![swin.forward(first), swin.forward(second)], 0);
        together
            .into_data()
            .assert_approx_eq::<f32>(&apart.into_data(), Tolerance::rel_abs(1e-4, 1e-5));
    }

    #[test]
    fn merging_reads_every_voxel() {
        let config = Swin3dConfig { depths: vec![0], heads: vec![1], ..config() };
        let swin = initialise(config.init::<Flex>(&FlexDevice), 3);
        let before = swin.forward(volume(1, 1)).into_data().to_vec::<f32>().expect("floats");
        for index in [0, 1, 16, 17, 128, 129, 144, 145, 2047] {
            let mut data = volume(1, 1).into_data();
            data.as_mut_slice::<f32>().expect("floats")[index] += 0.5;
            let after = swin.forward(Tensor::from_data(data, &FlexDevice));
            let after = after.into_data().to_vec::<f32>().expect("floats");
            assert_ne!(before, after, "voxel {index} is not read");
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused_with_their_names() {
        let error = Swin3dConfig { patch: [3, 2, 2], ..config() }.validate().expect_err("patch");
        assert!(error.to_string().contains("[3, 2, 2]"), "{error}");
        let error = Swin3dConfig { heads: vec![3, 4], ..config() }.validate().expect_err("heads");
        assert_eq!(error, SwinConfigError::Heads { stage: 0, dim: 8, heads: 3 });
        let error = Swin3dConfig { patch: [16, 8, 16], ..config() }.validate().expect_err("odd");
        assert_eq!(error, SwinConfigError::OddGrid { stage: 0, grid: [1, 1, 1] });
    }
}
