//! What one file says of itself and of each of its frames, without the pixels.

mod pixel_layout;
mod plane;
mod slice;

pub(crate) use pixel_layout::{Cell, PixelLocation};
#[cfg(test)]
pub(crate) use plane::KeyValues;
pub(crate) use plane::{KEYS, Plane, Transform};
pub use slice::SliceHeader;
