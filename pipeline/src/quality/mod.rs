//! The quality room: what is odd about a volume that was read without error.

mod intensity;

pub(crate) use intensity::Survey;
pub use intensity::{Intensities, assess};

/// Number of this room's code. Raise it when other measures or warnings come of the same voxels: it is part of
/// the fingerprint of every unit and the lock of every release.
pub const REVISION: u32 = 2;
