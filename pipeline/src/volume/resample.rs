//! One separable pass from stored voxels to an output grid.

use rayon::prelude::*;
use schemas::manifest::ClipStage;

use super::affine::AxisOrder;
use super::image::{Rescale, Volume, Voxels};
use super::taps::AxisTaps;

/// A stored value as f32.
trait Sample: Copy + Sync {
    fn value(self) -> f32;
}

impl Sample for i16 {
    fn value(self) -> f32 {
        f32::from(self)
    }
}

impl Sample for f32 {
    fn value(self) -> f32 {
        self
    }
}

/// How stored values become the values that are interpolated.
#[derive(Clone, Copy)]
struct Intensity {
    rescale: Rescale,
    clip: Option<[f32; 2]>,
}

impl Intensity {
    fn of(self, value: f32) -> f32 {
        let value = value * self.rescale.slope + self.rescale.intercept;
        match self.clip {
            Some([low, high]) => value.clamp(low, high),
            None => value,
        }
    }
}

/// Resamples `volume` with its axes in `order` and gives Hounsfield units as `[z, y, x]`, x fastest;
/// padding is `pad`. Only source rows and slices that reach the output are read. Every output value
/// is a sum in a fixed order, so the result does not depend on threads.
pub(super) fn resample(
    volume: &Volume,
    order: AxisOrder,
    taps: &[AxisTaps; 3],
    window: [f32; 2],
    clip: ClipStage,
) -> Vec<f32> {
    let intensity =
        Intensity { rescale: volume.rescale, clip: (clip == ClipStage::Source).then_some(window) };
    let grid = Grid::new(volume.dims, order);
    match &volume.voxels {
        Voxels::I16(values) => run(values, &grid, taps, intensity, window[0]),
        Voxels::F32(values) => run(values, &grid, taps, intensity, window[0]),
    }
}

/// Where the voxel at oriented index (x, y, z) lies in the stored array.
struct Grid {
    base: isize,
    stride: [isize; 3],
}

impl Grid {
    fn new(dims: [usize; 3], order: AxisOrder) -> Self {
        let stored = [1, dims[0] as isize, (dims[0] * dims[1]) as isize];
        let mut base = 0;
        let stride = std::array::from_fn(|axis| {
            let source = order.source[axis];
            if order.flipped[axis] {
                base += stored[source] * (dims[source] as isize - 1);
                -stored[source]
            } else {
                stored[source]
            }
        });
        Self { base, stride }
    }

    fn row(&self, y: usize, z: usize) -> isize {
        self.base + self.stride[1] * y as isize + self.stride[2] * z as isize
    }
}

fn run<T: Sample>(
    values: &[T],
    grid: &Grid,
    [taps_x, taps_y, taps_z]: &[AxisTaps; 3],
    intensity: Intensity,
    pad: f32,
) -> Vec<f32> {
    let (width, height, depth) = (taps_x.len(), taps_y.len(), taps_z.len());
    let plane = width * height;
    let mut output = vec![pad; plane * depth];
    let (valid_x, valid_y, valid_z) = (taps_x.valid(), taps_y.valid(), taps_z.valid());
    if valid_x.is_empty() || valid_y.is_empty() || valid_z.is_empty() {
        return output;
    }
    let (source_x, source_y, source_z) =
        (taps_x.source_range(), taps_y.source_range(), taps_z.source_range());
    let row_length = source_x.len();

    // Slices resampled in x and y, then mixed along z. A block of output slices at a time bounds
    // the memory: neighbouring output slices share source slices.
    let block = 16;
    let slabs: Vec<_> = valid_z.clone().step_by(block).collect();
    let mut cached: Vec<f32> = Vec::new();
    let mut cached_range = 0..0;
    for slab in slabs {
        let slab_end = (slab + block).min(valid_z.end);
        let low = (slab..slab_end).map(|z| taps_z.at(z).0).min().unwrap_or(source_z.start);
        let high = (slab..slab_end)
            .map(|z| taps_z.at(z).0 + taps_z.at(z).1.len())
            .max()
            .unwrap_or(low)
            .min(source_z.end);
        let mut planes = vec![0.0_f32; plane * (high - low)];
        planes.par_chunks_mut(plane).enumerate().for_each(|(index, target)| {
            let z = low + index;
            if cached_range.contains(&z) {
                let from = (z - cached_range.start) * plane;
                target.copy_from_slice(&cached[from..from + plane]);
                return;
            }
            let mut row = vec![0.0_f32; row_length];
            let mut rows = vec![0.0_f32; source_y.len() * width];
            for (y, resampled) in source_y.clone().zip(rows.chunks_mut(width)) {
                let mut at = grid.row(y, z) + grid.stride[0] * source_x.start as isize;
                for value in &mut row {
                    *value = intensity.of(values[at as usize].value());
                    at += grid.stride[0];
                }
                for x in valid_x.clone() {
                    let (start, weights) = taps_x.at(x);
                    resampled[x] = weighted(&row[start - source_x.start..], weights);
                }
            }
            for y in valid_y.clone() {
                let (start, weights) = taps_y.at(y);
                let line = &mut target[y * width..(y + 1) * width];
                for (offset, &weight) in weights.iter().enumerate() {
                    if weight != 0.0 {
                        let from = (start + offset - source_y.start) * width;
                        accumulate(line, &rows[from..from + width], weight);
                    }
                }
            }
        });
        output[slab * plane..slab_end * plane].par_chunks_mut(plane).enumerate().for_each(
            |(index, target)| {
                let (start, weights) = taps_z.at(slab + index);
                for y in valid_y.clone() {
                    let inside = y * width + valid_x.start..y * width + valid_x.end;
                    let line = &mut target[inside.clone()];
                    line.fill(0.0);
                    for (offset, &weight) in weights.iter().enumerate() {
                        if weight != 0.0 {
                            let from = (start + offset - low) * plane;
                            accumulate(
                                line,
                                &planes[from + inside.start..from + inside.end],
                                weight,
                            );
                        }
                    }
                }
            },
        );
        cached = planes;
        cached_range = low..high;
    }
    output
}

fn weighted(values: &[f32], weights: &[f32]) -> f32 {
    weights.iter().zip(values).fold(0.0, |sum, (weight, value)| sum + weight * value)
}

fn accumulate(target: &mut [f32], source: &[f32], weight: f32) {
    for (sum, value) in target.iter_mut().zip(source) {
        *sum += weight * value;
    }
}
