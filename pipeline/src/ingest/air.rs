//! What is air, and what is no tilt: one number each, for every format.

/// Air, in Hounsfield units.
pub(crate) const AIR_HU: f64 = -1000.0;
/// Padding at or above this, in Hounsfield units, is air already, or a mistake of the writer that
/// must not erase tissue.
pub(crate) const PADDING_CEILING_HU: f64 = -1024.0;
/// Stored value that a voxel takes which is not a number or infinite.
pub(crate) const NOT_FINITE_STORED: f32 = -1024.0;
/// Largest tangent of the angle between normal and third axis that is no tilt.
pub(crate) const MAX_UNTILTED_TANGENT: f64 = 0.01;
