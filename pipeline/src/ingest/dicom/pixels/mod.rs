//! Pixels of frames, as stored values.

mod code_stream;
mod codec;
mod coding;
mod fragments;
mod native;
mod rle;

pub(crate) use codec::{Work, decode};
pub(crate) use coding::check;
pub(crate) use native::{Bits, extend_all};
