//! Systems: encoders and objectives wired into one training step.

pub mod clip;
pub mod mg3d;

pub use mg3d::{
    HostInput, HostText, ImageFeatures, ImageInput, InputConfig, Mg3d, Mg3dConfig, Mg3dConfigError,
    Mg3dInput, Mg3dInputError, Mg3dLosses, SimilarityThresholds, TextInput,
};
