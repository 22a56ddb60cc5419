//! A view recipe with every choice made: what a preset and its overrides resolve to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Direction of increasing index along the three axes of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
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
#[serde(rename_all = "kebab-case")]
pub enum Kernel {
    /// Piecewise linear.
    Linear,
    /// Interpolating cubic B-spline, edges held.
    Cubic,
    /// Nearest neighbour, for label maps.
    Nearest,
}

/// Where the samples of a resampled axis lie, and how many there are. `n` is the source size and `r`
/// the target spacing over the source's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Grid {
    /// `round(n / r)` samples at exactly the spacing asked for, centred in the source's extent.
    Extent,
    /// Samples at exactly the spacing asked for from the centre of the first voxel on, up to the
    /// voxel nearest to the centre of the last: `round((n - 1) / r + 1)`, ties to even (MONAI).
    Corner,
    /// `trunc(n / r)` samples stretched over the source's extent (CT-RATE's pipelines).
    Truncate,
    /// `round(n / r)` samples stretched over the source's extent (nnU-Net).
    Round,
}

/// When intensities are clipped to the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClipStage {
    /// Source voxels, before they are interpolated (published CT-RATE preprocessing).
    Source,
    /// Interpolated voxels.
    Output,
}

/// Type of the voxels in a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VoxelType {
    /// The window mapped to 0..255.
    U8,
    /// Hounsfield units rounded to integers, clipped to the window.
    I16,
    /// The window mapped to 0..1.
    F16,
}

impl VoxelType {
    /// Bytes per voxel.
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

/// What part of the resampled volume is kept. Where the volume is smaller than a size asked for, it
/// is padded with the window's low end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Crop {
    /// Everything.
    None,
    /// The centred fraction of each axis, x, y, z in 0..1, truncated to whole voxels.
    CenterFraction([f64; 3]),
    /// The centred box of this many voxels, x, y, z; 0 keeps an axis whole.
    CenterSize([u32; 3]),
    /// The box of the patient's body (above -500 HU, without table and markers) and this margin in
    /// mm.
    Body(f64),
    /// A box of this many voxels, x, y, z, centred on the patient's body; 0 keeps an axis whole.
    BodySize([u32; 3]),
    /// The box of what is brighter than Otsu's threshold, and this margin in mm: for images without
    /// a unit, such as MR.
    Foreground(f64),
}

/// Several boxes of one size out of the cropped volume, each a tensor of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Crops {
    /// How many.
    pub count: u32,
    /// Size of each in voxels, x, y, z.
    pub size: [u32; 3],
    /// Shifts the sequence of positions.
    #[serde(default)]
    pub seed: u64,
}

/// Every step of a view, applied in field order; all geometry on the affine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Axis directions of the output.
    pub orientation: Orientation,
    /// Voxel size after the first resampling, x, y, z in mm; none leaves the source grid.
    pub spacing: Option<[f64; 3]>,
    /// Where resampled voxels lie.
    pub grid: Grid,
    /// Interpolation kernel.
    pub kernel: Kernel,
    /// Whether a low-pass filter precedes downsampling.
    pub antialias: bool,
    /// What is kept.
    pub crop: Crop,
    /// Final size in voxels, x, y, z; none keeps the size after the crop.
    pub resize: Option<[u32; 3]>,
    /// Boxes out of what the steps so far gave; none keeps the whole.
    pub crops: Option<Crops>,
    /// Windows in Hounsfield units, low and high: one channel each.
    pub windows: Vec<[f64; 2]>,
    /// When the window clips.
    pub clip: ClipStage,
    /// Stored voxel type.
    pub dtype: VoxelType,
}

impl Recipe {
    /// Shape of one stored block as depth (z), height (y), width (x), where the recipe fixes it.
    pub fn output_shape(&self) -> Option<[usize; 3]> {
        let size = match (self.crops, self.resize, self.crop) {
            (Some(crops), ..) => crops.size,
            (None, Some(size), _) | (None, None, Crop::CenterSize(size) | Crop::BodySize(size)) => {
                size
            }
            _ => return None,
        };
        let shape = [size[2] as usize, size[1] as usize, size[0] as usize];
        (!shape.contains(&0)).then_some(shape)
    }

    /// Whether values of any unit may enter: the window is all that 16 bits hold, so that it cuts nothing.
    pub fn takes_any_unit(&self) -> bool {
        let all = [f64::from(i16::MIN), f64::from(i16::MAX)];
        self.windows.iter().all(|window| window[0] <= all[0] && window[1] >= all[1])
    }

    /// Blocks of that shape in a sample: crops × channels, crops outermost.
    pub fn blocks(&self) -> usize {
        self.crops.map_or(1, |crops| crops.count as usize) * self.windows.len()
    }

    /// The window of the first channel, which single-channel readers use.
    pub fn first_window(&self) -> [f64; 2] {
        self.windows.first().copied().expect("a resolved recipe has a window")
    }
}
