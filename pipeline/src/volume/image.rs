//! A 3D image as read from disk.

use rayon::prelude::*;

use schemas::rescale::Rescale;

use super::affine::Affine;

/// Voxels that a thread looks at in one go.
const BLOCK: usize = 1 << 13;

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

    /// Whether every voxel is the same; looks no further than the first that differs.
    pub fn is_constant(&self) -> bool {
        match self {
            Self::I16(values) => values.iter().all(|value| Some(value) == values.first()),
            Self::F32(values) => values.iter().all(|value| Some(value) == values.first()),
        }
    }

    /// Lowest and highest stored value.
    pub fn range(&self) -> (f64, f64) {
        match self {
            Self::I16(values) => {
                let (low, high) = values.par_chunks(BLOCK).map(extremes).reduce(
                    || (i16::MAX, i16::MIN),
                    |one, other| (one.0.min(other.0), one.1.max(other.1)),
                );
                (f64::from(low), f64::from(high))
            }
            Self::F32(values) => {
                let fold =
                    |(low, high): (f32, f32), &value: &f32| (low.min(value), high.max(value));
                let (low, high) = values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), fold);
                (f64::from(low), f64::from(high))
            }
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Lowest and highest value.
fn extremes(values: &[i16]) -> (i16, i16) {
    // One fold each, since a fold of both is not made into vector code.
    let low = values.iter().fold(i16::MAX, |low, &value| low.min(value));
    (low, values.iter().fold(i16::MIN, |high, &value| high.max(value)))
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

/// Lowest, highest and summed stored value of voxels that may come in parts. Sums run in stored order,
/// so that neither threads nor the cut into parts change the result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan {
    min: f64,
    max: f64,
    sum: f64,
    count: usize,
}

impl Scan {
    pub(crate) const fn new() -> Self {
        Self { min: f64::INFINITY, max: f64::NEG_INFINITY, sum: 0.0, count: 0 }
    }

    pub(crate) fn take(&mut self, voxels: &Voxels) {
        self.count += voxels.len();
        match voxels {
            Voxels::I16(values) => {
                // In any order: the sum of a block fits in 32 bits, and that of all is exact in an f64.
                let blocks = values.par_chunks(BLOCK).map(|block| {
                    let (low, high) = extremes(block);
                    let sum: i32 = block.iter().map(|&value| i32::from(value)).sum();
                    (f64::from(low), f64::from(high), f64::from(sum))
                });
                let (low, high, sum) = blocks.reduce(
                    || (f64::INFINITY, f64::NEG_INFINITY, 0.0),
                    |one, other| (one.0.min(other.0), one.1.max(other.1), one.2 + other.2),
                );
                self.min = self.min.min(low);
                self.max = self.max.max(high);
                self.sum += sum;
            }
            Voxels::F32(values) => {
                for &value in values {
                    let value = f64::from(value);
                    self.min = self.min.min(value);
                    self.max = self.max.max(value);
                    self.sum += value;
                }
            }
        }
    }

    pub(crate) fn is_constant(&self) -> bool {
        self.min >= self.max
    }

    pub(crate) fn statistics(self, rescale: Rescale) -> Statistics {
        let map = |value: f64| value * f64::from(rescale.slope) + f64::from(rescale.intercept);
        let (a, b) = (map(self.min), map(self.max));
        let mean = map(self.sum / self.count.max(1) as f64);
        Statistics { min: a.min(b), max: a.max(b), mean }
    }
}

impl Volume {
    /// Lowest, highest and mean value in Hounsfield units.
    pub fn statistics(&self) -> Statistics {
        let mut scan = Scan::new();
        scan.take(&self.voxels);
        scan.statistics(self.rescale)
    }
}
