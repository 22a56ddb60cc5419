//! A 3D image as read from disk.

use super::affine::Affine;

/// Voxels in the type they were stored in, so that nothing is widened before it must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Voxels {
    /// 16-bit integers.
    I16(Vec<i16>),
    /// 32-bit floats.
    F32(Vec<f32>),
}

impl Voxels {
    /// Number of voxels.
    pub fn len(&self) -> usize {
        match self {
            Self::I16(values) => values.len(),
            Self::F32(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The linear map from stored values to Hounsfield units, applied exactly once: where voxels are
/// sampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rescale {
    /// Factor.
    pub slope: f32,
    /// Summand.
    pub intercept: f32,
}

impl Rescale {
    /// Stored values are Hounsfield units already.
    pub const IDENTITY: Self = Self { slope: 1.0, intercept: 0.0 };
}

/// A 3D scalar image on its affine.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    /// Values, x fastest, then y, then z.
    pub voxels: Voxels,
    /// Size along x, y, z of the array.
    pub dims: [usize; 3],
    /// Voxel index to world (RAS, mm).
    pub affine: Affine,
    /// What is still to be done to reach Hounsfield units.
    pub rescale: Rescale,
}

/// Lowest, highest and mean value of a volume in Hounsfield units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// Lowest value.
    pub min: f64,
    /// Highest value.
    pub max: f64,
    /// Mean.
    pub mean: f64,
}

impl Volume {
    /// Lowest, highest and mean value in Hounsfield units. Sums in f64 in stored order, so that the
    /// result does not depend on threads.
    pub fn statistics(&self) -> Statistics {
        fn scan(values: impl Iterator<Item = f64>) -> Statistics {
            let (mut min, mut max, mut sum, mut count) =
                (f64::INFINITY, f64::NEG_INFINITY, 0.0, 0_u64);
            for value in values {
                min = min.min(value);
                max = max.max(value);
                sum += value;
                count += 1;
            }
            Statistics { min, max, mean: sum / count.max(1) as f64 }
        }
        let raw = match &self.voxels {
            Voxels::I16(values) => scan(values.iter().map(|&value| f64::from(value))),
            Voxels::F32(values) => scan(values.iter().map(|&value| f64::from(value))),
        };
        let map =
            |value: f64| value * f64::from(self.rescale.slope) + f64::from(self.rescale.intercept);
        let (a, b) = (map(raw.min), map(raw.max));
        Statistics { min: a.min(b), max: a.max(b), mean: map(raw.mean) }
    }
}
