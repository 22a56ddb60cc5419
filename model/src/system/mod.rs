//! Systems: encoders and objectives wired into one training step.

mod config;
mod decoder;
mod fusion;
mod input;
mod mg3d;

pub use config::{Mg3dConfig, Mg3dConfigError};
pub use decoder::{ConvDecoder, ConvStage, VoxelDecoder, instance_norm, upsample_double};
pub use fusion::{CrossAttention, FusionLayer};
pub use input::{InputConfig, Mg3dInput};
pub use mg3d::{ImageFeatures, Mg3d, Mg3dLosses, TextHead};
