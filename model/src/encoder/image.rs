//! Image encoders by name, for systems that take any of them.
//!
//! # Add an image encoder
//!
//! 1. Write `encoder/NAME.rs`: a module that [`EncodesImages`], and a table of its numbers that are its
//!    [`ImageEncoderKeys`], with defaults of a small one.
//! 2. Add one line to `image_encoders!` below. Manifests, JSON Schema, checkpoints and the tests of this file know
//!    it then.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cnn3d::{Cnn3d, Cnn3dKeys};
use super::image_traits::{EncodesImages, ImageCode, ImageEncoderError, ImageEncoderKeys};
use super::swin3d::{Swin3d, Swin3dConfig};
use super::vit3d::{Vit3d, Vit3dKeys};

macro_rules! image_encoders {
    ($($(#[doc = $doc:literal])+ $name:ident: $table:ident = $keys:ty),* $(,)?) => {
        /// Name of an image encoder.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum ImageEncoderKind {
            $($(#[doc = $doc])+ $name,)*
        }

        impl ImageEncoderKind {
            /// All encoders.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name in manifests.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($table),)* }
            }

            /// What the encoder is, in one line.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)* }
            }
        }

        /// The table of each image encoder; only that of the encoder in use counts.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct ImageEncoderTables {
            $($(#[doc = $doc])+ pub $table: $keys,)*
        }

        impl ImageEncoderTables {
            /// As [`ImageEncoderKeys::check`], for the encoder `kind`.
            ///
            /// # Errors
            /// The first [`ImageEncoderError`].
            pub fn check(
                &self,
                kind: ImageEncoderKind,
                volume: [usize; 4],
            ) -> Result<(), ImageEncoderError> {
                match kind { $(ImageEncoderKind::$name => self.$table.check(volume),)* }
            }

            /// Channels of a token of the encoder `kind`.
            pub fn width(&self, kind: ImageEncoderKind) -> usize {
                match kind { $(ImageEncoderKind::$name => self.$table.width(),)* }
            }

            /// Channels of the vector of a volume of the encoder `kind`.
            pub fn pooled_width(&self, kind: ImageEncoderKind) -> usize {
                match kind { $(ImageEncoderKind::$name => self.$table.pooled_width(),)* }
            }

            /// Tokens along D, H, W of the encoder `kind`.
            pub fn grid(&self, kind: ImageEncoderKind, volume: [usize; 4]) -> [usize; 3] {
                match kind { $(ImageEncoderKind::$name => self.$table.grid(volume),)* }
            }

            /// Makes the encoder `kind` with unspecified weights.
            pub fn init<B: Backend>(
                &self,
                kind: ImageEncoderKind,
                volume: [usize; 4],
                device: &B::Device,
            ) -> ImageEncoder<B> {
                match kind {
                    $(ImageEncoderKind::$name => {
                        ImageEncoder::$name(ImageEncoderKeys::init(&self.$table, volume, device))
                    })*
                }
            }
        }

        /// An image encoder of any kind. The names of its parameters are those of the kind.
        #[derive(Module, Debug)]
        pub enum ImageEncoder<B: Backend> {
            $($(#[doc = $doc])+ $name($name<B>),)*
        }

        impl<B: Backend> EncodesImages<B> for ImageEncoder<B> {
            fn encode(&self, volume: Tensor<B, 5>) -> ImageCode<B> {
                match self { $(Self::$name(encoder) => encoder.encode(volume),)* }
            }
        }
    };
}

image_encoders! {
    /// Swin transformer in three dimensions.
    Swin3d: swin3d = Swin3dKeys,
    /// Plain vision transformer on patches of the volume.
    Vit3d: vit3d = Vit3dKeys,
    /// Small convolutional network with batch norm, for few studies.
    Cnn3d: cnn3d = Cnn3dKeys,
}

/// Numbers of a [`Swin3d`], as a table of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Swin3dKeys {
    /// Patch edges along the tensor axes D, H, W, in voxels. Default: [8, 8, 8].
    pub patch: [usize; 3],
    /// Channels of the first stage; every stage doubles them. Default: 32.
    pub embed_dim: usize,
    /// Transformer blocks of each stage. Default: [2, 2].
    pub depths: Vec<usize>,
    /// Attention heads of each stage. Default: [2, 4].
    pub heads: Vec<usize>,
    /// Attention window along D, H, W, in tokens. A window that divides the token grid costs no padding.
    /// Default: [4, 3, 4].
    pub window: [usize; 3],
    /// Whether the last stage too ends in a patch merging. Default: false.
    pub merge_last: bool,
    /// Hidden width of the MLP, as a multiple of the token width. Default: 2.
    pub mlp_ratio: usize,
}

impl Default for Swin3dKeys {
    fn default() -> Self {
        Self {
            patch: [8, 8, 8],
            embed_dim: 32,
            depths: vec![2, 2],
            heads: vec![2, 4],
            window: [4, 3, 4],
            merge_last: false,
            mlp_ratio: 2,
        }
    }
}

impl Swin3dKeys {
    fn config(&self, volume: [usize; 4]) -> Swin3dConfig {
        Swin3dConfig {
            volume,
            patch: self.patch,
            embed_dim: self.embed_dim,
            depths: self.depths.clone(),
            heads: self.heads.clone(),
            window: self.window,
            merge_last: self.merge_last,
            mlp_ratio: self.mlp_ratio,
        }
    }
}

impl ImageEncoderKeys for Swin3dKeys {
    type Encoder<B: Backend> = Swin3d<B>;

    fn check(&self, volume: [usize; 4]) -> Result<(), ImageEncoderError> {
        if self.mlp_ratio == 0 || self.embed_dim == 0 {
            return Err(ImageEncoderError::Empty);
        }
        Ok(self.config(volume).validate()?)
    }

    fn width(&self) -> usize {
        // The width does not depend on the volume.
        self.config([0; 4]).output_dim()
    }

    fn grid(&self, volume: [usize; 4]) -> [usize; 3] {
        self.config(volume).output_grid()
    }

    fn init<B: Backend>(&self, volume: [usize; 4], device: &B::Device) -> Swin3d<B> {
        self.config(volume).init(device)
    }
}

impl<B: Backend> EncodesImages<B> for Swin3d<B> {
    fn encode(&self, volume: Tensor<B, 5>) -> ImageCode<B> {
        ImageCode::of_tokens(self.forward(volume))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::initialise;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;
    use burn::tensor::{TensorData, Tolerance};

    const VOLUME: [usize; 4] = [2, 32, 32, 48];

    fn volumes(count: usize) -> Tensor<Flex, 5> {
        let [channels, depth, height, width] = VOLUME;
        let values: Vec<f32> = (0..count * VOLUME.iter().product::<usize>())
            .map(|index| ((index * 37) % 211) as f32 / 211.0)
            .collect();
        let shape = [count, channels, depth, height, width];
        Tensor::from_data(TensorData::new(values, shape), &FlexDevice)
    }

    #[test]
    fn every_encoder_gives_tokens_of_its_width_and_no_volume_sees_another() {
        let tables = ImageEncoderTables::default();
        for &kind in ImageEncoderKind::ALL {
            tables.check(kind, VOLUME).expect("the defaults fit");
            let encoder = initialise(tables.init::<Flex>(kind, VOLUME, &FlexDevice), 3);
            let both = encoder.encode(volumes(2));
            let [count, tokens, width] = both.tokens.dims();
            assert_eq!((count, width), (2, tables.width(kind)), "{kind:?}");
            assert_eq!(tokens, tables.grid(kind, VOLUME).iter().product::<usize>(), "{kind:?}");
            assert_eq!(both.pooled.dims(), [2, tables.pooled_width(kind)], "{kind:?}");
            let second = encoder.encode(volumes(2).narrow(0, 1, 1));
            let tolerance = Tolerance::rel_abs(1e-4, 1e-5);
            let alone = both.tokens.narrow(0, 1, 1).into_data();
            second.tokens.into_data().assert_approx_eq::<f32>(&alone, tolerance);
            let alone = both.pooled.narrow(0, 1, 1).into_data();
            second.pooled.into_data().assert_approx_eq::<f32>(&alone, tolerance);
        }
    }

    #[test]
    fn an_encoder_that_does_not_fit_the_volume_is_refused() {
        let tables = ImageEncoderTables::default();
        for &kind in ImageEncoderKind::ALL {
            assert!(tables.check(kind, [1, 30, 32, 48]).is_err(), "{kind:?}");
        }
        let heads = Vit3dKeys { heads: 5, ..Vit3dKeys::default() };
        let refused = heads.check(VOLUME).expect_err("5 does not divide 64");
        assert_eq!(refused, ImageEncoderError::Heads { width: 64, heads: 5 });
    }
}
