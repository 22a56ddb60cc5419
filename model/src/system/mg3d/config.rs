//! The numbers of an MG-3D model, and whether they fit together.

use thiserror::Error;

use super::section::Mg3dArchitecture;
use crate::block::Decoder;
use crate::encoder::{ImageEncoderError, TextEncoderConfig};

/// Configuration of an [`Mg3d`](super::model::Mg3d).
#[derive(Debug, Clone)]
pub struct Mg3dConfig {
    /// Volume as `[channels, depth, height, width]`.
    pub volume: [usize; 4],
    /// Architecture with all presets resolved.
    pub architecture: Mg3dArchitecture,
    /// Text encoder; its vocabulary is the tokenizer's.
    pub text: TextEncoderConfig,
    /// Edges of a masked block in voxels.
    pub block: [usize; 3],
}

/// Why a model cannot be built.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Mg3dConfigError {
    /// The image encoder does not fit.
    #[error(transparent)]
    Image(#[from] ImageEncoderError),
    /// Heads do not divide channels.
    #[error("`{field}` {heads} does not divide {dim} channels")]
    Heads {
        /// Field of the manifest.
        field: &'static str,
        /// Heads.
        heads: usize,
        /// Channels.
        dim: usize,
    },
    /// Masked blocks do not fit.
    #[error("`image_mask_block` {block:?} must divide the volume {volume:?}")]
    Block {
        /// Block edges.
        block: [usize; 3],
        /// Volume as channels, depth, height, width.
        volume: [usize; 4],
    },
    /// The convolution decoder cannot reach the stride.
    #[error(
        "decoder `conv` needs one power of two as stride along all axes, found {stride:?}; use `linear` or another patch"
    )]
    Stride {
        /// Voxels a token stands for.
        stride: [usize; 3],
    },
    /// Reports may be longer than the text encoder allows.
    #[error(
        "`max_tokens` {tokens} must be between 8 and the {positions} positions of the text encoder"
    )]
    Tokens {
        /// Longest report.
        tokens: usize,
        /// Positions of the encoder.
        positions: usize,
    },
}

impl Mg3dConfig {
    /// Tokens of the image encoder along D, H, W.
    pub(super) fn grid(&self) -> [usize; 3] {
        let Mg3dArchitecture { encoder, image, .. } = &self.architecture;
        image.grid(*encoder, self.volume)
    }

    /// Voxels along D, H, W that a token stands for.
    pub(super) fn stride(&self) -> [usize; 3] {
        let grid = self.grid();
        std::array::from_fn(|axis| self.volume[axis + 1] / grid[axis])
    }

    /// Checks that the numbers fit together.
    ///
    /// # Errors
    /// One [`Mg3dConfigError`] for the first that does not.
    pub fn validate(&self) -> Result<(), Mg3dConfigError> {
        self.architecture.image.check(self.architecture.encoder, self.volume)?;
        let heads = |field, heads: usize, dim: usize| {
            if heads == 0 || dim == 0 || !dim.is_multiple_of(heads) {
                return Err(Mg3dConfigError::Heads { field, heads, dim });
            }
            Ok(())
        };
        let image = &self.architecture;
        heads("fusion_heads", image.fusion_heads, image.projection_dim)?;
        heads("text.heads", self.text.num_attention_heads, self.text.hidden_size)?;
        let block = self.block;
        if (0..3).any(|axis| block[axis] == 0 || !self.volume[axis + 1].is_multiple_of(block[axis]))
        {
            return Err(Mg3dConfigError::Block { block, volume: self.volume });
        }
        let stride = self.stride();
        if image.decoder == Decoder::Conv
            && (!stride[0].is_power_of_two() || stride.iter().any(|edge| *edge != stride[0]))
        {
            return Err(Mg3dConfigError::Stride { stride });
        }
        let (tokens, positions) = (image.text.max_tokens, self.text.max_position_embeddings);
        if tokens < 8 || tokens > positions {
            return Err(Mg3dConfigError::Tokens { tokens, positions });
        }
        Ok(())
    }
}
