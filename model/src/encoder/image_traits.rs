//! What an image encoder is.

use burn::tensor::{Tensor, backend::Backend};
use thiserror::Error;

use super::swin3d::SwinConfigError;

/// A module that turns volumes into tokens.
pub trait EncodesImages<B: Backend> {
    /// Encodes volumes, each by itself.
    ///
    /// # Shapes
    /// - volume: `[N, C, D, H, W]`
    /// - output: `[N, M, F]`, F as [`ImageEncoderKeys::width`] says
    fn tokens(&self, volume: Tensor<B, 5>) -> Tensor<B, 3>;
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
