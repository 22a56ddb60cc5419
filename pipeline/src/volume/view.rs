//! A recipe run on a volume.

use std::ops::Range;

use arrow::buffer::{Buffer, MutableBuffer};
use schemas::manifest::{ClipStage, Crop, Crops, Grid, Recipe, VoxelType};

use super::affine::{Affine, AxisOrder};
use super::body::{Threshold, body_box};
use super::encode::Encoder;
use super::image::{Volume, Voxels};
use super::resample::resample;
use super::stored::{Intensity, Sample, Stored, permuted};
use super::taps::{AxisTaps, TapsBuilder};
use crate::files::xxh3_64;
use crate::memory::zeroed_buffer;
use schemas::rescale::Rescale;

/// By what share a quotient of spacings may fall short of a whole number through the rounding of
/// headers to f32: a few units in the last place, and no more, for what lies below is truncated.
const FLOAT_SLACK: f64 = 3e-7;

/// A finished view: voxels in the recipe's type with the affine they truly have.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewTensor {
    /// Little-endian voxels, x fastest: crops, then channels, then z, y, x. Aligned as Arrow wants it.
    pub bytes: Buffer,
    /// Depth (z), height (y), width (x) of one block.
    pub shape: [usize; 3],
    /// Crops × channels.
    pub blocks: usize,
    /// Voxel type.
    pub dtype: VoxelType,
    /// Voxel index (x, y, z) to world (RAS, mm); with crops, of the grid they were taken from.
    pub affine: Affine,
    /// First voxel (x, y, z) of each crop on that grid; negative where the crop begins in padding.
    pub crop_starts: Vec<[i64; 3]>,
}

impl ViewTensor {
    /// XXH3-64 of `bytes`.
    pub fn xxh3(&self) -> u64 {
        xxh3_64(&self.bytes)
    }
}

/// Makes the view that `recipe` describes.
///
/// Sizes follow the recipe's [`Grid`]; a fractional crop keeps `trunc(fraction * n)` from
/// `n / 2 - kept / 2` on as MONAI's `CenterSpatialCrop` does, and crops and pads to a size begin at
/// `(n - size) / 2`, all rounded towards zero. The affine given back is the one these integers imply, not
/// the one asked for.
pub fn make_view(volume: &Volume, recipe: &Recipe) -> ViewTensor {
    let order = volume.affine.order_for(recipe.orientation);
    let body = match recipe.crop {
        Crop::Body(_) | Crop::BodySize(_) => Some(body_box(volume, order, Threshold::Body)),
        Crop::Foreground(_) => Some(body_box(volume, order, Threshold::Otsu)),
        _ => None,
    };
    let plan = ViewPlan::new(volume.dims, volume.affine, volume.rescale, recipe, body.as_ref());
    let bytes = match &volume.voxels {
        Voxels::I16(values) => sample(values, volume.dims, &plan),
        Voxels::F32(values) => sample(values, volume.dims, &plan),
    };
    plan.finish(bytes)
}

/// Longest axis of a grid: a scan of the whole body has some thousand slices.
const MAX_AXIS_VOXELS: f64 = 65_536.0;

/// Says why a view of such a volume would be out of all proportion: a grid with an axis too long, as
/// headers with impossible voxel sizes ask for, or more than `limit` bytes.
pub(crate) fn too_large(
    dims: [usize; 3],
    affine: Affine,
    recipe: &Recipe,
    limit: u64,
) -> Option<String> {
    let order = affine.order_for(recipe.orientation);
    let spacing = affine.reordered(order, dims).spacing();
    let sizes = order.source.map(|source| dims[source] as f64);
    let grid: [f64; 3] = std::array::from_fn(|axis| match recipe.spacing {
        Some(target) => (sizes[axis] * spacing[axis] / target[axis]).ceil(),
        None => sizes[axis],
    });
    let kept: [f64; 3] = std::array::from_fn(|axis| match (recipe.crop, recipe.resize) {
        (_, Some(size)) => f64::from(size[axis]),
        (Crop::CenterSize(size) | Crop::BodySize(size), None) if size[axis] > 0 => {
            f64::from(size[axis])
        }
        _ => grid[axis],
    });
    let bytes = kept.iter().product::<f64>() * (recipe.windows.len() * recipe.dtype.size()) as f64;
    // Not a number where the header's voxel sizes are none.
    let sound = grid.iter().all(|length| *length <= MAX_AXIS_VOXELS);
    let fits = recipe.crops.is_some() || bytes <= limit as f64;
    let [x, y, z] = spacing;
    (!sound || !fits).then(|| {
        format!(
            "resampled, the voxels of {x:.3} × {y:.3} × {z:.3} mm become a grid of {:.0} × {:.0} × {:.0}",
            grid[0], grid[1], grid[2]
        )
    })
}

fn sample<T: Sample>(values: &[T], dims: [usize; 3], plan: &ViewPlan) -> MutableBuffer {
    let turned;
    let source = if plan.order.source[0] == 0 {
        Stored::new(values, 0, dims, plan.order)
    } else {
        turned = permuted(values, dims, plan.order);
        Stored::new(&turned.0, 0, turned.1, turned.2)
    };
    let mut bytes = zeroed_buffer(plan.bytes());
    for (taps, output) in plan.blocks.iter().zip(bytes.chunks_mut(plan.block_bytes().max(1))) {
        resample(&source, taps, plan.intensity, &plan.encoder, |_| true, output);
    }
    bytes
}

/// A recipe made concrete for one geometry.
pub(super) struct ViewPlan {
    pub(super) order: AxisOrder,
    /// The taps of every crop, or of the one block there is.
    pub(super) blocks: Vec<[AxisTaps; 3]>,
    pub(super) encoder: Encoder,
    pub(super) intensity: Intensity,
    affine: Affine,
    crop_starts: Vec<[i64; 3]>,
}

impl ViewPlan {
    pub(super) fn new(
        dims: [usize; 3],
        affine: Affine,
        rescale: Rescale,
        recipe: &Recipe,
        body: Option<&[Range<f64>; 3]>,
    ) -> Self {
        let order = affine.order_for(recipe.orientation);
        let oriented = affine.reordered(order, dims);
        let sizes = order.source.map(|source| dims[source]);
        let whole = axes(sizes, oriented.spacing(), recipe, body);
        let (scale, shift): (Vec<_>, Vec<_>) = whole.iter().map(TapsBuilder::mapping).unzip();
        let (crop_starts, blocks) = match recipe.crops {
            Some(crops) => {
                let starts = spread_crops(crops, std::array::from_fn(|axis| whole[axis].len()));
                let block = |start: &[i64; 3]| {
                    std::array::from_fn(|axis| {
                        let taps = whole[axis].clone();
                        taps.window(start[axis], crops.size[axis] as usize).build()
                    })
                };
                let blocks = starts.iter().map(block).collect();
                (starts, blocks)
            }
            None => (Vec::new(), vec![whole.map(TapsBuilder::build)]),
        };
        let window = recipe.first_window().map(|edge| edge as f32);
        Self {
            order,
            blocks,
            encoder: Encoder::new(&recipe.windows, recipe.dtype),
            intensity: Intensity {
                rescale,
                clip: (recipe.clip == ClipStage::Source).then_some(window),
            },
            affine: oriented
                .regridded([scale[0], scale[1], scale[2]], [shift[0], shift[1], shift[2]]),
            crop_starts,
        }
    }

    /// Bytes of one crop with all its channels.
    pub(super) fn block_bytes(&self) -> usize {
        let voxels: usize = self.blocks[0].iter().map(AxisTaps::len).product();
        voxels * self.encoder.channels() * self.encoder.dtype().size()
    }

    /// Bytes of the whole tensor.
    pub(super) fn bytes(&self) -> usize {
        self.block_bytes() * self.blocks.len()
    }

    pub(super) fn finish(self, bytes: MutableBuffer) -> ViewTensor {
        let taps = &self.blocks[0];
        ViewTensor {
            bytes: bytes.into(),
            shape: [taps[2].len(), taps[1].len(), taps[0].len()],
            blocks: self.blocks.len() * self.encoder.channels(),
            dtype: self.encoder.dtype(),
            affine: self.affine,
            crop_starts: self.crop_starts,
        }
    }
}

/// Everything the recipe does along each oriented axis of `sizes` voxels, up to the crops.
fn axes(
    sizes: [usize; 3],
    spacing: [f64; 3],
    recipe: &Recipe,
    body: Option<&[Range<f64>; 3]>,
) -> [TapsBuilder; 3] {
    std::array::from_fn(|axis| {
        let mut taps = TapsBuilder::new(sizes[axis]);
        if let Some(target) = recipe.spacing {
            taps = regrid(taps, spacing[axis], target[axis], recipe);
        }
        let body = || &body.expect("found for the crops that need it")[axis];
        taps = match recipe.crop {
            Crop::None => taps,
            Crop::CenterFraction(fraction) => {
                let keep = ((fraction[axis] * taps.len() as f64) as usize).max(1);
                let start = taps.len() as i64 / 2 - keep as i64 / 2;
                taps.window(start, keep)
            }
            Crop::CenterSize(size) | Crop::BodySize(size) if size[axis] == 0 => taps,
            Crop::CenterSize(size) => taps.centre(size[axis] as usize),
            Crop::Body(margin) | Crop::Foreground(margin) => {
                around(taps, body(), margin / spacing[axis])
            }
            Crop::BodySize(size) => {
                let body = body();
                let (scale, shift) = taps.mapping();
                let centre = (f64::midpoint(body.start, body.end) - 0.5 - shift) / scale;
                let start = (centre - (f64::from(size[axis]) - 1.0) / 2.0).round() as i64;
                taps.window(start, size[axis] as usize)
            }
        };
        match recipe.resize {
            Some(size) => taps.resize(size[axis] as usize, recipe.kernel, recipe.antialias),
            None => taps,
        }
    })
}

fn regrid(taps: TapsBuilder, spacing: f64, target: f64, recipe: &Recipe) -> TapsBuilder {
    let (kernel, antialias) = (recipe.kernel, recipe.antialias);
    let len = taps.len() as f64;
    // The quotient carries the rounding of a header's f32 spacing: 300 slices of 0.7 mm are 140 of
    // 1.5 mm, not 139.
    let ratio = target / spacing;
    if (ratio - 1.0).abs() * len < 1e-3 {
        return taps;
    }
    match recipe.grid {
        Grid::Truncate => taps.resize(
            (len / ratio * (1.0 + FLOAT_SLACK)).floor().max(1.0) as usize,
            kernel,
            antialias,
        ),
        Grid::Round => taps.resize((len / ratio).round().max(1.0) as usize, kernel, antialias),
        Grid::Extent => {
            let count = (len / ratio).round().max(1.0);
            let shift = ((len - 1.0) - ratio * (count - 1.0)) / 2.0;
            taps.resample(count as usize, ratio, shift, kernel, antialias)
        }
        Grid::Corner => {
            // Ties to even, as NumPy rounds for MONAI.
            let count = ((len - 1.0) / ratio + 1.0).round_ties_even();
            taps.resample(count as usize, ratio, 0.0, kernel, antialias)
        }
    }
}

/// Keeps the samples whose centres lie within `range` of the source (in voxels, edges at whole
/// numbers) widened by `margin` voxels; at least one.
fn around(taps: TapsBuilder, range: &Range<f64>, margin: f64) -> TapsBuilder {
    let (scale, shift) = taps.mapping();
    let place = |edge: f64| (edge - 0.5 - shift) / scale;
    let last = taps.len() as i64 - 1;
    let start = (place(range.start - margin).ceil() as i64).clamp(0, last);
    let end = (place(range.end + margin).floor() as i64).clamp(start, last);
    taps.window(start, (end - start + 1) as usize)
}

/// Where boxes of one size begin: the points of the additive sequence of the three-dimensional golden
/// ratio (Roberts, 2018), which fill the room evenly however many are taken. An axis shorter than
/// the box is centred in it.
pub(crate) fn spread_crops(crops: Crops, sizes: [usize; 3]) -> Vec<[i64; 3]> {
    // The real root of g⁴ = g + 1.
    const GOLDEN: f64 = 1.220_744_084_605_759_5;
    (0..crops.count)
        .map(|index| {
            let step = f64::from(index + 1) + (crops.seed % (1 << 32)) as f64;
            std::array::from_fn(|axis| {
                let place = (0.5 + step * GOLDEN.powi(-(axis as i32) - 1)).fract();
                let free = sizes[axis] as i64 - i64::from(crops.size[axis]);
                if free < 0 { free.div_euclid(2) } else { (place * free as f64).round() as i64 }
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
