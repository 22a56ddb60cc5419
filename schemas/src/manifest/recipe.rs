//! A view recipe with every choice made: what a preset and its overrides resolve to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Direction of increasing index along the three axes of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Orientation {
    /// x to the right, y to the front, z to the head.
    Ras,
    /// x to the left, y to the back, z to the head, as DICOM patient space and CT-RATE version 2.
    Lps,
    /// As stored.
    Keep,
}

/// Interpolation kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kernel {
    /// Piecewise linear.
    Linear,
    /// Nearest neighbour, for label maps.
    Nearest,
}

/// When intensities are clipped to the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClipStage {
    /// Source voxels, before they are interpolated (published CT-RATE preprocessing).
    Source,
    /// Interpolated voxels.
    Output,
}

/// Type of the voxels in a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VoxelType {
    /// The window mapped to 0..255.
    U8,
    /// Hounsfield units rounded to integers, clipped to the window.
    I16,
    /// The window mapped to 0..1.
    F16,
}

impl VoxelType {
    /// Bytes a voxel.
    pub const fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 | Self::F16 => 2,
        }
    }

    /// `u8`, `i16` or `f16`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I16 => "i16",
            Self::F16 => "f16",
        }
    }

    /// Scale and offset that take a stored voxel to 0..1 within `window` (low, high in HU):
    /// `normalised = stored * scale + offset`.
    pub fn normalisation(self, window: [f64; 2]) -> (f64, f64) {
        let width = window[1] - window[0];
        match self {
            Self::U8 => (1.0 / 255.0, 0.0),
            Self::I16 => (1.0 / width, -window[0] / width),
            Self::F16 => (1.0, 0.0),
        }
    }
}

/// What part of the resampled volume is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Crop {
    /// Everything.
    None,
    /// The centred fraction of each axis, x, y, z in 0..1, truncated to whole voxels.
    CenterFraction([f64; 3]),
    /// The centred box of this many voxels, x, y, z; padded with the window's low end where the
    /// volume is smaller.
    CenterSize([u32; 3]),
}

/// Every step of a view, applied in field order; all geometry on the affine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Axis directions of the output.
    pub orientation: Orientation,
    /// Voxel size after the first resampling, x, y, z in mm; none leaves the source grid.
    pub spacing: Option<[f64; 3]>,
    /// Interpolation kernel.
    pub kernel: Kernel,
    /// Whether a low-pass filter precedes downsampling.
    pub antialias: bool,
    /// What is kept.
    pub crop: Crop,
    /// Final size in voxels, x, y, z; none keeps the size after the crop.
    pub resize: Option<[u32; 3]>,
    /// Window in Hounsfield units, low and high.
    pub window: [f64; 2],
    /// When the window clips.
    pub clip: ClipStage,
    /// Stored voxel type.
    pub dtype: VoxelType,
}

impl Recipe {
    /// Shape of the stored tensor as depth (z), height (y), width (x), where the recipe fixes it.
    pub fn output_shape(&self) -> Option<[usize; 3]> {
        let ((Some(size), _) | (None, Crop::CenterSize(size))) = (self.resize, self.crop) else {
            return None;
        };
        Some([size[2] as usize, size[1] as usize, size[0] as usize])
    }
}
