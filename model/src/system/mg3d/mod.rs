//! MG-3D: multi-grained knowledge-enhanced vision-language pre-training of 3D medical images.
//!
//! Ni et al., arXiv 2412.05876, journal version Medical Image Analysis 2026. This is the `described` mode: it
//! follows what the paper describes and departs from the released code where that has defects. In one step the
//! image encoder and the text encoder each see the complete and the masked input, and these losses follow:
//!
//! - `mlm`: masked text, attending to the complete image, reconstructs its hidden words;
//! - `sal`: its sentences point where the complete text's sentences point;
//! - `mim`: the masked image, attending to the sentences, reconstructs its hidden voxels;
//! - `image_report`: the global vectors of image and report align;
//! - `multi_modal`: the masked image that its report completes aligns with the complete image alone;
//! - `disentangled`: every sentence gathers its image feature; their mean aligns with the image;
//! - `similarity`: sentences of different patients that say the same have the same image feature.
//!
//! One more is ours, `claims`: an image is nearer to sentences that its report bears out than to those it contradicts.
//!
//! Departures from the released code: fusion is attention with residual and pad mask instead of a scalar gate;
//! features are projected once; every sample has its own mask; the loss mask covers exactly the hidden voxels;
//! the alignment target is detached; sentence-wise image features are made of image values only; nothing is
//! cached between steps; hidden patches become a learned token (`SimMIM`) instead of air.

mod config;
mod image_input;
mod input;
mod input_config;
mod model;
mod section;
mod system;
mod text_input;
mod text_rows;

pub use config::{Mg3dConfig, Mg3dConfigError};
pub use image_input::ImageInput;
pub use input::{HostInput, Mg3dInput};
pub use input_config::{InputConfig, SimilarityThresholds};
pub use model::{ImageFeatures, Mg3d};
pub use section::{Mg3dArchitecture, Mg3dModel, Mode, ObjectiveSection, ObjectiveWeights, Preset};
pub use system::Mg3dSystem;
pub use text_input::{EncoderRows, HostText, TextInput};
pub use text_rows::TextContext;
