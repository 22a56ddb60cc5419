//! What an image encoder is.

use burn::tensor::{Tensor, backend::Backend};
use thiserror::Error;

use super::swin3d::SwinConfigError;

/// What an encoder makes of volumes.
#[derive(Debug, Clone)]
pub struct ImageCode<B: Backend> {
    /// One vector for each place of a grid, first axis slowest, `[N, M, F]`; F as [`ImageEncoderKeys::width`] says.
    pub tokens: Tensor<B, 3>,
    /// One vector for each volume, `[N, P]`; P as [`ImageEncoderKeys::pooled_width`] says.
    pub pooled: Tensor<B, 2>,
}

impl<B: Backend> ImageCode<B> {
    /// Tokens, with their mean as the vector of the volume.
    pub fn of_tokens(tokens: Tensor<B, 3>) -> Self {
        Self { pooled: tokens.clone().mean_dim(1).squeeze_dim(1), tokens }
    }
}

/// A module that turns volumes into tokens and one vector.
pub trait EncodesImages<B: Backend> {
    /// Encodes volumes `[N, C, D, H, W]`, each by itself (but for batch norm while it is trained).
    fn encode(&self, volume: Tensor<B, 5>) -> ImageCode<B>;
}

/// The numbers of an image encoder, as a table of the manifest.
pub trait ImageEncoderKeys {
    /// The encoder of these numbers.
    type Encoder<B: Backend>: EncodesImages<B>;

    /// Checks that the numbers fit together and the volume, `[channels, depth, height, width]`.
    ///
    /// # Errors
    /// The first [`ImageEncoderError`].
    fn check(&self, volume: [usize; 4]) -> Result<(), ImageEncoderError>;

    /// Channels of a token.
    fn width(&self) -> usize;

    /// Channels of the vector of a volume.
    fn pooled_width(&self) -> usize {
        self.width()
    }

    /// Tokens along D, H, W, first axis slowest; they tile the volume. Call [`Self::check`] first.
    fn grid(&self, volume: [usize; 4]) -> [usize; 3];

    /// Makes the encoder with unspecified weights. Call [`Self::check`] first.
    fn init<B: Backend>(&self, volume: [usize; 4], device: &B::Device) -> Self::Encoder<B>;
}

/// Why an image encoder cannot be built.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageEncoderError {
    /// The numbers of a Swin transformer do not fit.
    #[error(transparent)]
    Swin(#[from] SwinConfigError),
    /// Patches do not tile the volume.
    #[error(
        "failed to build image encoder: patch {patch:?} does not divide the volume {volume:?} (depth, height, width)"
    )]
    Patch {
        /// Patch edges.
        patch: [usize; 3],
        /// Volume edges.
        volume: [usize; 3],
    },
    /// Heads do not divide channels.
    #[error("failed to build image encoder: {heads} heads do not divide the width {width}")]
    Heads {
        /// Channels of a token.
        width: usize,
        /// Attention heads.
        heads: usize,
    },
    /// There is nothing to build.
    #[error("failed to build image encoder: `depth` and `mlp_ratio` must be at least 1")]
    Empty,
}
