//! From stored values to Hounsfield units.

/// The linear map from stored values to Hounsfield units, applied exactly once: where voxels are
/// sampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rescale {
    /// Hounsfield units per stored unit.
    pub slope: f32,
    /// Hounsfield units at the stored value 0.
    pub intercept: f32,
}

impl Rescale {
    /// Stored values are Hounsfield units already.
    pub const IDENTITY: Self = Self { slope: 1.0, intercept: 0.0 };
}
