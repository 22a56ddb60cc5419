//! Encoders: volumes to image tokens ([`ImageEncoder`]: [`Swin3d`], [`Vit3d`], [`Cnn3d`]) and reports to text tokens ([`TextEncoder`]).

mod attention;
mod cnn3d;
mod image;
mod image_traits;
mod patch;
mod rows;
mod swin3d;
mod text;
mod vit3d;
mod window;

pub use attention::{WindowAttention, WindowAttentionConfig};
pub use cnn3d::{Cnn3d, Cnn3dKeys, CnnStage, InputNorm};
pub use image::{ImageEncoder, ImageEncoderKind, ImageEncoderTables, Swin3dKeys};
pub use image_traits::{EncodesImages, ImageCode, ImageEncoderError, ImageEncoderKeys};
pub use patch::{PatchEmbed, patchify, take_patches, unpatchify};
pub(crate) use rows::{index, project};
pub use swin3d::{
    BasicLayer, Mlp, PatchMerging, Swin3d, Swin3dConfig, SwinConfigError, SwinTransformerBlock,
};
pub use text::{
    BertAttention, BertEmbeddings, BertEncoder, BertIntermediate, BertLayer, BertOutput,
    BertSelfAttention, BertSelfOutput, TextEncoder, TextEncoderConfig,
};
pub use vit3d::{Vit3d, Vit3dKeys, VitBlock};
pub use window::{WindowPlan, Windows};
