//! Weights: how they start ([`initialise`]), how they are kept ([`save_weights`], [`load_weights`]) and how
//! a Hugging Face text encoder is read ([`PretrainedText`]).

mod initialise;
mod path;
mod pretrained;
mod store;

pub use initialise::initialise;
pub(crate) use path::ParamPath;
pub use pretrained::{PretrainedError, PretrainedText};
pub(crate) use store::{StoredTensor, read_tensors, write_tensors};
pub use store::{WeightsError, load_weights, save_weights};
