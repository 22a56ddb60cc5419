//! Blocks that systems share between their encoders and their objectives: attention between modalities
//! ([`CrossAttention`], [`FusionLayer`]), voxels from tokens ([`VoxelDecoder`]) and words from tokens
//! ([`TextHead`]).

mod cross_attention;
mod text_head;
mod voxel_decoder;

pub use cross_attention::{CrossAttention, FusionLayer};
pub use text_head::TextHead;
pub use voxel_decoder::{
    ConvDecoder, ConvStage, Decoder, VoxelDecoder, instance_norm, upsample_double,
};
