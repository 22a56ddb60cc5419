//! `clip`: contrast of images with reports, the baseline that other systems are compared with.
//!
//! After CLIP (Radford et al., arXiv 2103.00020) and CT-CLIP (Hamamci et al., arXiv 2403.17834): an image encoder and
//! a text encoder, each followed by a norm and a linear head into one space, and a symmetric contrastive loss whose
//! temperature is learned. Any image encoder of [`ImageEncoderKind`](crate::encoder::ImageEncoderKind) will do. A
//! series may have several channels, and several blocks: each block goes through the encoder by itself, and the mean
//! over all tokens of all blocks is the image.
//!
//! Departures from the released code of CT-CLIP: reconstructions of one study are never each other's negatives;
//! tokens are averaged instead of flattened, so that the head does not grow with the volume and shapes may differ; a
//! report is the mean of its tokens instead of the first one, since the text encoder may start from random weights;
//! findings and impression are both read, and a study without a report takes no part in the loss.

mod input;
mod model;
mod section;
mod system;

pub use input::{ClipHost, ClipInput, ClipText, ClipTextHost, InputConfig};
pub use model::{ClipConfig, ClipModel, ClipVectors};
pub use section::{ClipKeys, ClipKeysError, ClipObjectives};
pub use system::Clip;
