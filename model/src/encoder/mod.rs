//! Encoders: volumes to image tokens ([`Swin3d`]) and reports to text tokens ([`TextEncoder`]).

mod attention;
mod patch;
mod rows;
mod swin3d;
mod text;
mod window;

pub use attention::{WindowAttention, WindowAttentionConfig};
pub use patch::{PatchEmbed, patchify, take_patches, unpatchify};
pub(crate) use rows::{index, project};
pub use swin3d::{
    BasicLayer, Mlp, PatchMerging, Swin3d, Swin3dConfig, SwinConfigError, SwinTransformerBlock,
};
pub use text::{
    BertAttention, BertEmbeddings, BertEncoder, BertIntermediate, BertLayer, BertOutput,
    BertSelfAttention, BertSelfOutput, TextEncoder, TextEncoderConfig,
};
pub use window::{WindowPlan, Windows};
