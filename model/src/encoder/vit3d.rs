//! Plain vision transformer: volumes `[B, C, D, H, W]` to tokens.
//!
//! Dosovitskiy et al., arXiv 2010.11929, on patches of a volume: a linear embedding, a learned vector per position,
//! and blocks of global attention that normalise before each part. There is no class token; whoever wants one vector
//! takes the mean of the tokens.

use burn::module::{Initializer, Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Tensor, backend::Backend};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::image_traits::{EncodesImages, ImageCode, ImageEncoderError, ImageEncoderKeys};
use super::patch::{PatchEmbed, patchify};
use super::rows::project;
use super::swin3d::Mlp;

/// Numbers of a [`Vit3d`], as a table of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Vit3dKeys {
    /// Patch edges along the tensor axes D, H, W, in voxels. Default: [16, 16, 16].
    pub patch: [usize; 3],
    /// Channels of a token. Default: 64.
    pub width: usize,
    /// Transformer blocks. Default: 2.
    pub depth: usize,
    /// Attention heads of a block. Default: 4.
    pub heads: usize,
    /// Hidden width of the MLP, as a multiple of the token width. Default: 2.
    pub mlp_ratio: usize,
}

impl Default for Vit3dKeys {
    fn default() -> Self {
        Self { patch: [16, 16, 16], width: 64, depth: 2, heads: 4, mlp_ratio: 2 }
    }
}

/// Image encoder.
#[derive(Module, Debug)]
pub struct Vit3d<B: Backend> {
    /// Patch embedding.
    pub patch_embed: PatchEmbed<B>,
    /// One vector per patch, `[N, E]`.
    pub position_embeddings: Param<Tensor<B, 2>>,
    /// Blocks in order.
    pub blocks: Vec<VitBlock<B>>,
    /// Norm of the output tokens.
    pub norm: LayerNorm<B>,
    patch: [usize; 3],
}

/// Attention and an MLP, each after a norm and with a residual.
#[derive(Module, Debug)]
pub struct VitBlock<B: Backend> {
    /// Norm before attention.
    pub norm1: LayerNorm<B>,
    /// Query projection.
    pub query: Linear<B>,
    /// Key projection.
    pub key: Linear<B>,
    /// Value projection.
    pub value: Linear<B>,
    /// Output projection of attention.
    pub proj: Linear<B>,
    /// Norm before the MLP.
    pub norm2: LayerNorm<B>,
    /// MLP.
    pub mlp: Mlp<B>,
    heads: usize,
}

impl ImageEncoderKeys for Vit3dKeys {
    type Encoder<B: Backend> = Vit3d<B>;

    fn check(&self, volume: [usize; 4]) -> Result<(), ImageEncoderError> {
        let [_, depth, height, width] = volume;
        let edges = [depth, height, width];
        if (0..3).any(|axis| self.patch[axis] == 0 || edges[axis] % self.patch[axis] != 0) {
            return Err(ImageEncoderError::Patch { patch: self.patch, volume: edges });
        }
        if self.heads == 0 || self.width == 0 || !self.width.is_multiple_of(self.heads) {
            return Err(ImageEncoderError::Heads { width: self.width, heads: self.heads });
        }
        if self.depth == 0 || self.mlp_ratio == 0 {
            return Err(ImageEncoderError::Empty);
        }
        Ok(())
    }

    fn width(&self) -> usize {
        self.width
    }

    fn grid(&self, volume: [usize; 4]) -> [usize; 3] {
        std::array::from_fn(|axis| volume[axis + 1] / self.patch[axis])
    }

    fn init<B: Backend>(&self, volume: [usize; 4], device: &B::Device) -> Vit3d<B> {
        let width = self.width;
        let [channels, edges @ ..] = volume;
        let tokens: usize =
            edges.iter().zip(self.patch).map(|(edge, patch)| edge / patch).product();
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let norm = || LayerNormConfig::new(width).init(device);
        let block = |_| VitBlock {
            norm1: norm(),
            query: linear(width, width),
            key: linear(width, width),
            value: linear(width, width),
            proj: linear(width, width),
            norm2: norm(),
            mlp: Mlp {
                linear1: linear(width, self.mlp_ratio * width),
                linear2: linear(self.mlp_ratio * width, width),
            },
            heads: self.heads,
        };
        Vit3d {
            patch_embed: PatchEmbed::new(channels, self.patch, width, device),
            position_embeddings: Initializer::Zeros.init([tokens, width], device),
            blocks: (0..self.depth).map(block).collect(),
            norm: norm(),
            patch: self.patch,
        }
    }
}

impl<B: Backend> EncodesImages<B> for Vit3d<B> {
    fn encode(&self, volume: Tensor<B, 5>) -> ImageCode<B> {
        let patches = self.patch_embed.forward(patchify(volume, self.patch));
        let tokens = patches + self.position_embeddings.val().unsqueeze::<3>();
        let tokens = self.blocks.iter().fold(tokens, |tokens, block| block.forward(tokens));
        ImageCode::of_tokens(self.norm.forward(tokens))
    }
}

impl<B: Backend> VitBlock<B> {
    /// `[B, N, E]` to the same shape.
    pub fn forward(&self, tokens: Tensor<B, 3>) -> Tensor<B, 3> {
        let tokens = tokens.clone() + self.attend(&self.norm1.forward(tokens));
        tokens.clone() + self.mlp.forward(self.norm2.forward(tokens))
    }

    fn attend(&self, tokens: &Tensor<B, 3>) -> Tensor<B, 3> {
        let [batch, count, width] = tokens.dims();
        let head_dim = width / self.heads;
        // [B, N, E] -> [B, heads, N, E / heads]
        let split = |linear: &Linear<B>| {
            let rows = project(linear, tokens.clone());
            rows.reshape([batch, count, self.heads, head_dim]).swap_dims(1, 2)
        };
        let query = split(&self.query) * (head_dim as f32).powf(-0.5);
        let scores = query.matmul(split(&self.key).swap_dims(2, 3));
        let mixed = softmax(scores, 3).matmul(split(&self.value));
        project(&self.proj, mixed.swap_dims(1, 2).reshape([batch, count, width]))
    }
}
