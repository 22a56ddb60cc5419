//! Stored voxels as the pass over them sees them: runs of the oriented x axis, whichever way they were stored, and the
//! values that stored values become.

use std::ops::Range;

use rayon::prelude::*;
use schemas::rescale::Rescale;

use super::affine::AxisOrder;

/// A stored value as f32.
pub(super) trait Sample: Copy + Send + Sync + Default {
    fn value(self) -> f32;

    /// The same values where they are 16-bit integers.
    fn integers(_values: &[Self]) -> Option<&[i16]> {
        None
    }
}

impl Sample for i16 {
    fn value(self) -> f32 {
        f32::from(self)
    }

    fn integers(values: &[Self]) -> Option<&[i16]> {
        Some(values)
    }
}

impl Sample for f32 {
    fn value(self) -> f32 {
        self
    }
}

/// How stored values become the values that are interpolated.
#[derive(Clone, Copy)]
pub(super) struct Intensity {
    pub(super) rescale: Rescale,
    pub(super) clip: Option<[f32; 2]>,
}

impl Intensity {
    /// What is added to stored values, where nothing else is done and it is a whole number of 16 bits.
    pub(super) fn whole_shift(self) -> Option<i16> {
        let shift = self.rescale.intercept;
        let rest = Rescale { intercept: 0.0, ..self.rescale };
        let plain = rest == Rescale::IDENTITY && self.clip.is_none();
        (plain && f32::from(shift as i16).to_bits() == shift.to_bits()).then_some(shift as i16)
    }

    pub(super) fn is_identity(self) -> bool {
        self.rescale == Rescale::IDENTITY && self.clip.is_none()
    }

    #[inline]
    pub(super) fn of(self, value: f32) -> f32 {
        let value = value * self.rescale.slope + self.rescale.intercept;
        let [low, high] = self.clip.unwrap_or([f32::NEG_INFINITY, f32::INFINITY]);
        // Not `clamp`: voxels are never NaN, and two comparisons vectorise.
        let value = if value < low { low } else { value };
        if value > high { high } else { value }
    }
}

/// Stored voxels with the place of each in the oriented source.
pub(super) struct Stored<'a, T> {
    values: &'a [T],
    base: isize,
    stride: [isize; 3],
}

impl<'a, T: Sample> Stored<'a, T> {
    /// The stored slices from `first_slice` on of an array of size `dims` whose first axis is the
    /// oriented x axis, either way round.
    pub(super) fn new(
        values: &'a [T],
        first_slice: usize,
        dims: [usize; 3],
        order: AxisOrder,
    ) -> Self {
        debug_assert_eq!(order.source[0], 0, "rows are runs of the oriented x axis");
        let plane = (dims[0] * dims[1]) as isize;
        let stored = [1, dims[0] as isize, plane];
        let mut base = -(first_slice as isize) * plane;
        let stride = std::array::from_fn(|axis| {
            let source = order.source[axis];
            if order.flipped[axis] {
                base += stored[source] * (dims[source] as isize - 1);
                -stored[source]
            } else {
                stored[source]
            }
        });
        Self { values, base, stride }
    }

    pub(super) fn is_reversed(&self) -> bool {
        self.stride[0] < 0
    }

    /// The stored run that holds oriented x in `range` of row (y, z), in stored order.
    pub(super) fn run(&self, y: usize, z: usize, range: &Range<usize>) -> &'a [T] {
        let row = self.base + self.stride[1] * y as isize + self.stride[2] * z as isize;
        let start = if self.is_reversed() {
            row - (range.end as isize - 1)
        } else {
            row + range.start as isize
        };
        &self.values[start as usize..start as usize + range.len()]
    }
}

/// The array with its axes permuted (not flipped) so that rows run along the oriented x axis and
/// slices along z; gives the order of the new array, too.
pub(super) fn permuted<T: Sample>(
    values: &[T],
    dims: [usize; 3],
    order: AxisOrder,
) -> (Vec<T>, [usize; 3], AxisOrder) {
    const TILE: usize = 16;
    let stored = [1, dims[0], dims[0] * dims[1]];
    let new_dims = order.source.map(|source| dims[source]);
    let stride = order.source.map(|source| stored[source]);
    let plane = new_dims[0] * new_dims[1];
    let mut output = vec![T::default(); values.len()];
    // A tile of slices at a time, so that a cache line of a source stored along z is read once.
    output.par_chunks_mut(plane * TILE).enumerate().for_each(|(tile, target)| {
        for y in 0..new_dims[1] {
            for x in 0..new_dims[0] {
                let from = x * stride[0] + y * stride[1] + tile * TILE * stride[2];
                for (z, slice) in target.chunks_mut(plane).enumerate() {
                    slice[y * new_dims[0] + x] = values[from + z * stride[2]];
                }
            }
        }
    });
    (output, new_dims, AxisOrder { source: [0, 1, 2], flipped: order.flipped })
}
