//! The quality room: what is odd about a volume that was read without error.

mod intensity;

pub(crate) use intensity::Survey;
pub use intensity::{Intensities, assess};
