//! What is known of a volume's geometry before and after it was mended.

use schemas::reason::GeometryVerdict;
use serde::Serialize;

/// Measures of a stack of slices. The checks carry the names of the volume geometry index of the
/// Imaging Data Commons; slice steps are held to 1 % of the median step, as highdicom does.
#[expect(clippy::struct_excessive_bools, reason = "each is a check of the index, by its name")]
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GeometryFacts {
    /// Number of slices.
    pub slices: usize,
    /// Median step along the normal, in mm.
    pub step_mm: f64,
    /// Smallest step, in mm.
    pub step_min_mm: f64,
    /// Largest step, in mm.
    pub step_max_mm: f64,
    /// Largest step beyond the median step, in mm; 0 where all are even.
    pub max_gap_mm: f64,
    /// Slices missing, counted in median steps.
    pub missing_slices: u32,
    /// Slices that share a position with an earlier one.
    pub duplicate_slices: u32,
    /// Angle between normal and stacking direction, in degrees.
    pub tilt_degrees: f64,
    /// Largest angle between an axis and the nearest world axis, in degrees.
    pub obliquity_degrees: f64,
    /// All slices share one orientation.
    pub single_orientation: bool,
    /// Row and column directions are orthogonal unit vectors.
    pub orthogonal_orientation: bool,
    /// Every slice has a position of its own.
    pub unique_slice_positions: bool,
    /// Slices do not shift along their rows.
    pub consistent_in_plane_row: bool,
    /// Slices do not shift along their columns.
    pub consistent_in_plane_col: bool,
    /// All slices share one pixel spacing.
    pub consistent_pixel_spacing: bool,
    /// All slices share one size.
    pub consistent_image_dimensions: bool,
    /// Steps between slices are even.
    pub uniform_slice_spacing: bool,
}

impl GeometryFacts {
    /// Whether every check holds, so that the stack can be an array without resampling.
    pub const fn regularly_spaced_3d_volume(&self) -> bool {
        self.single_orientation
            && self.orthogonal_orientation
            && self.unique_slice_positions
            && self.consistent_in_plane_row
            && self.consistent_in_plane_col
            && self.consistent_pixel_spacing
            && self.consistent_image_dimensions
            && self.uniform_slice_spacing
    }
}

/// The geometry of a series that was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesGeometry {
    /// Verdict on the source.
    pub verdict: GeometryVerdict,
    /// Measures of the source.
    pub facts: GeometryFacts,
    /// What was done to it, in order.
    pub repaired: Vec<String>,
    /// Share of voxels that carried the source's padding value.
    pub padding_fraction: f64,
}
