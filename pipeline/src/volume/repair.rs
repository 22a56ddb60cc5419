//! Mended geometry: slices interpolated onto even steps, gantry tilt resampled away.
//!
//! Both are linear along one axis at a time, so that no voxel is a mean of more neighbours than it
//! must be. Integers stay integers, rounded half away from zero.

use rayon::prelude::*;

use super::affine::{Affine, cross, dot, norm, unit};
use super::image::{Volume, Voxels};
use schemas::rescale::Rescale;

/// Shears of a whole stack below this, in voxels, move nothing.
const STILL: f64 = 1e-3;

/// A voxel type that can be blended.
trait Voxel: Copy + Send + Sync {
    fn to_f32(self) -> f32;
    fn from_f32(value: f32) -> Self;
}

impl Voxel for i16 {
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
    fn from_f32(value: f32) -> Self {
        // The cast saturates.
        value.round() as Self
    }
}

impl Voxel for f32 {
    fn to_f32(self) -> f32 {
        self
    }
    fn from_f32(value: f32) -> Self {
        value
    }
}

/// Slices at `targets`, in slices of `plane` voxels: target 0.5 is the mean of the first and second.
pub(crate) fn interpolate_slices(voxels: Voxels, plane: usize, targets: &[f64]) -> Voxels {
    fn run<T: Voxel>(values: &[T], plane: usize, targets: &[f64]) -> Vec<T> {
        let last = (values.len() / plane).saturating_sub(1);
        let mut made = vec![T::from_f32(0.0); plane * targets.len()];
        made.par_chunks_mut(plane).zip(targets).for_each(|(output, target)| {
            let below = (target.floor().max(0.0) as usize).min(last);
            let above = (below + 1).min(last);
            let share = (target - below as f64).clamp(0.0, 1.0) as f32;
            let (below, above) =
                (&values[below * plane..][..plane], &values[above * plane..][..plane]);
            blend(below, above, share, output);
        });
        made
    }
    match voxels {
        Voxels::I16(values) => Voxels::I16(run(&values, plane, targets)),
        Voxels::F32(values) => Voxels::F32(run(&values, plane, targets)),
    }
}

fn blend<T: Voxel>(below: &[T], above: &[T], share: f32, output: &mut [T]) {
    if share == 0.0 {
        output.copy_from_slice(below);
        return;
    }
    for ((output, below), above) in output.iter_mut().zip(below).zip(above) {
        let (below, above) = (below.to_f32(), above.to_f32());
        *output = T::from_f32(below + (above - below) * share);
    }
}

/// Shift of each slice along x and y, in voxels, and the step along the normal, in mm.
fn shear_of(affine: &Affine) -> ([f64; 2], [f64; 3]) {
    let [a, b, c] = [0, 1, 2].map(|axis| affine.column(axis));
    let normal = unit(cross(a, b));
    let along = dot(c, normal);
    let shift = [dot(c, unit(a)) / norm(a), dot(c, unit(b)) / norm(b)];
    (shift, normal.map(|value| value * along))
}

/// Angle between the third axis and the normal of the first two, in degrees.
pub(crate) fn tilt_degrees(affine: &Affine) -> f64 {
    let normal = unit(cross(affine.column(0), affine.column(1)));
    let cosine = dot(unit(affine.column(2)), normal).abs().min(1.0);
    cosine.acos().to_degrees()
}

/// Whether the first two axes are at right angles, so that a tilt of the third can be resampled out.
pub(crate) fn has_square_planes(affine: &Affine) -> bool {
    dot(unit(affine.column(0)), unit(affine.column(1))).abs() <= 0.01
}

/// Resamples the shear of the third axis out, onto a grid as much wider as the slices shift, with
/// `air` (in Hounsfield units, or the modality's) where there is no source. Gives the volume and
/// what was done in words.
pub(crate) fn remove_shear(volume: Volume, air: f32) -> (Volume, String) {
    let degrees = tilt_degrees(&volume.affine);
    let ([x, y], step) = shear_of(&volume.affine);
    let Rescale { slope, intercept } = volume.rescale;
    let fill = if slope == 0.0 { 0.0 } else { (air - intercept) / slope };
    let before = volume.dims;
    let (voxels, dims, low) = match volume.voxels {
        Voxels::I16(values) => {
            let (values, dims, low) = run(&values, before, [x, y], fill);
            (Voxels::I16(values), dims, low)
        }
        Voxels::F32(values) => {
            let (values, dims, low) = run(&values, before, [x, y], fill);
            (Voxels::F32(values), dims, low)
        }
    };
    let affine = Affine::from_columns(
        [volume.affine.column(0), volume.affine.column(1), step],
        volume.affine.apply([low[0] as f64, low[1] as f64, 0.0]),
    );
    let text = format!(
        "tilt of {degrees:.2}° resampled out: {} × {} pixels became {} × {}",
        before[0], before[1], dims[0], dims[1]
    );
    (Volume { voxels, dims, affine, rescale: volume.rescale }, text)
}

fn run<T: Voxel>(
    values: &[T],
    dims: [usize; 3],
    shear: [f64; 2],
    fill: f32,
) -> (Vec<T>, [usize; 3], [i64; 2]) {
    let [width, height, depth] = dims;
    let reach = [0, 1].map(|axis| shear[axis] * (depth.max(1) - 1) as f64);
    let low = reach.map(|reach| (reach.min(0.0) + STILL).floor() as i64);
    let high = reach.map(|reach| (reach.max(0.0) - STILL).ceil() as i64);
    let low = low.map(|low| low.min(0));
    let high = high.map(|high| high.max(0));
    let wide = width + (high[0] - low[0]) as usize;
    let tall = height + (high[1] - low[1]) as usize;
    let mut made = vec![T::from_f32(fill); wide * tall * depth];
    let still = reach.map(|reach| reach.abs() < STILL);
    made.par_chunks_mut(wide * tall).zip(values.par_chunks(width * height)).enumerate().for_each(
        |(slice, (output, source))| {
            // Output column I lies at source column I + low - slice * shear.
            let offset = [0, 1].map(|axis| {
                let moved = if still[axis] { 0.0 } else { slice as f64 * shear[axis] };
                low[axis] as f64 - moved
            });
            let rows: Vec<T> = shift_rows(source, [width, height], wide, offset[0], fill);
            shift_columns(&rows, [wide, height], offset[1], fill, output);
        },
    );
    (made, [wide, tall, depth], low)
}

/// Each row moved along itself into a row of `wide` voxels.
fn shift_rows<T: Voxel>(
    source: &[T],
    [width, height]: [usize; 2],
    wide: usize,
    offset: f64,
    fill: f32,
) -> Vec<T> {
    let mut rows = vec![T::from_f32(fill); wide * height];
    let (whole, share) = (offset.floor() as i64, (offset - offset.floor()) as f32);
    for (source, output) in source.chunks(width).zip(rows.chunks_mut(wide)) {
        let at = |index: i64| {
            usize::try_from(index)
                .ok()
                .and_then(|index| source.get(index))
                .map_or(fill, |v| v.to_f32())
        };
        for (column, value) in output.iter_mut().enumerate() {
            let index = column as i64 + whole;
            let below = at(index);
            *value = T::from_f32(if share == 0.0 {
                below
            } else {
                below + (at(index + 1) - below) * share
            });
        }
    }
    rows
}

/// Rows moved across into a plane of as many rows as `output` holds.
fn shift_columns<T: Voxel>(
    source: &[T],
    [wide, height]: [usize; 2],
    offset: f64,
    fill: f32,
    output: &mut [T],
) {
    let blank = vec![T::from_f32(fill); wide];
    let (whole, share) = (offset.floor() as i64, (offset - offset.floor()) as f32);
    let row = |index: i64| -> &[T] {
        usize::try_from(index)
            .ok()
            .filter(|index| *index < height)
            .map_or(&blank, |index| &source[index * wide..][..wide])
    };
    for (number, output) in output.chunks_mut(wide).enumerate() {
        let index = number as i64 + whole;
        blend(row(index), row(index + 1), share, output);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A volume whose value is a linear function of the world position, on a sheared grid.
    fn ramp(affine: Affine, dims: [usize; 3]) -> Volume {
        let mut values = Vec::new();
        for z in 0..dims[2] {
            for y in 0..dims[1] {
                for x in 0..dims[0] {
                    let world = affine.apply([x as f64, y as f64, z as f64]);
                    values.push((world[0] + 2.0 * world[1] - 3.0 * world[2]) as f32);
                }
            }
        }
        Volume { voxels: Voxels::F32(values), dims, affine, rescale: Rescale::IDENTITY }
    }

    #[test]
    fn a_world_ramp_stays_a_world_ramp_and_the_rest_is_air() {
        for shear in [[0.0, 0.9], [0.0, -0.7], [0.35, 0.0], [-0.6, 0.25]] {
            let sheared = Affine::from_columns(
                [[-0.5, 0.0, 0.0], [0.0, -0.8, 0.0], [shear[0], shear[1], 2.0]],
                [10.0, 20.0, 30.0],
            );
            let dims = [20, 24, 9];
            let (made, text) = remove_shear(ramp(sheared, dims), -1000.0);
            assert!(text.contains("resampled"), "{text}");
            assert!(tilt_degrees(&made.affine) < 1e-9);
            let [width, height, depth] = made.dims;
            let Voxels::F32(values) = &made.voxels else { panic!("floats stay floats") };
            let mut inside = 0;
            for z in 0..depth {
                for y in 0..height {
                    for x in 0..width {
                        let world = made.affine.apply([x as f64, y as f64, z as f64]);
                        let value = f64::from(values[(z * height + y) * width + x]);
                        // Where the point lies in the source's own index space.
                        let k = (world[2] - 30.0) / 2.0;
                        let i = (world[0] - 10.0 - k * shear[0]) / -0.5;
                        let j = (world[1] - 20.0 - k * shear[1]) / -0.8;
                        let within =
                            |at: f64, size: usize| at > -1e-9 && at < size as f64 - 1.0 + 1e-9;
                        let beyond =
                            |at: f64, size: usize| at < -1.0 - 1e-9 || at > size as f64 + 1e-9;
                        if within(i, dims[0]) && within(j, dims[1]) {
                            let expected = world[0] + 2.0 * world[1] - 3.0 * world[2];
                            assert!((value - expected).abs() < 1e-3, "{value} {expected}");
                            inside += 1;
                        } else if beyond(i, dims[0]) || beyond(j, dims[1]) {
                            assert!((value - -1000.0).abs() < 1e-6, "{value} at {i} {j} {k}");
                        }
                    }
                }
            }
            assert!(inside > 18 * 22 * 9, "the source is covered: {inside}");
        }
    }

    #[test]
    fn slices_between_two_are_their_weighted_mean() {
        let voxels = Voxels::I16(vec![0, 10, 100, 30]);
        let made = interpolate_slices(voxels, 2, &[0.0, 0.25, 1.0]);
        assert_eq!(made, Voxels::I16(vec![0, 10, 25, 15, 100, 30]));
    }

    #[test]
    fn an_untilted_grid_has_no_tilt() {
        let affine =
            Affine::from_columns([[-0.5, 0.0, 0.0], [0.0, -0.8, 0.0], [0.0, 0.0, 2.0]], [0.0; 3]);
        assert!(tilt_degrees(&affine) < 1e-9);
        assert!(has_square_planes(&affine));
    }
}
