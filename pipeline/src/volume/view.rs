//! A recipe run on a volume.

use half::f16;
use schemas::manifest::{Crop, Recipe, VoxelType};
use xxhash_rust::xxh3::xxh3_64;

use super::affine::Affine;
use super::image::Volume;
use super::resample::resample;
use super::taps::{AxisTaps, TapsBuilder};

/// A finished view: voxels in the recipe's type with the affine they truly have.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewTensor {
    /// Little-endian voxels, x fastest.
    pub bytes: Vec<u8>,
    /// Depth (z), height (y), width (x).
    pub shape: [usize; 3],
    /// Voxel type.
    pub dtype: VoxelType,
    /// Voxel index (x, y, z) to world (RAS, mm).
    pub affine: Affine,
    /// XXH3-64 of `bytes`.
    pub xxh3: u64,
}

/// Makes the view that `recipe` describes.
///
/// Sizes follow the published CT-RATE pipelines: the resampled size is `trunc(n * spacing / target)`
/// (at least 1), a fractional crop keeps `trunc(fraction * n)`, and centred crops and pads round their
/// start down. The affine given back is the one these integers imply, not the one asked for.
pub fn make_view(volume: &Volume, recipe: &Recipe) -> ViewTensor {
    let order = volume.affine.order_for(recipe.orientation);
    let oriented = volume.affine.reordered(order, volume.dims);
    let dims: [usize; 3] = std::array::from_fn(|axis| volume.dims[order.source[axis]]);
    let taps: [AxisTaps; 3] =
        std::array::from_fn(|axis| axis_taps(recipe, axis, dims[axis], oriented.spacing()[axis]));
    let window = [recipe.window[0] as f32, recipe.window[1] as f32];
    let values = resample(volume, order, &taps, window, recipe.clip);
    let bytes = quantise(&values, recipe.dtype, window);
    let (scale, shift): (Vec<_>, Vec<_>) = taps.iter().map(AxisTaps::mapping).unzip();
    let affine = oriented.regridded([scale[0], scale[1], scale[2]], [shift[0], shift[1], shift[2]]);
    ViewTensor {
        xxh3: xxh3_64(&bytes),
        bytes,
        shape: [taps[2].len(), taps[1].len(), taps[0].len()],
        dtype: recipe.dtype,
        affine,
    }
}

fn axis_taps(recipe: &Recipe, axis: usize, len: usize, spacing: f64) -> AxisTaps {
    let mut taps = TapsBuilder::new(len);
    if let Some(target) = recipe.spacing {
        // The quotient carries rounding of the header's f32 spacing: 300 * 0.75 / 0.75 must stay 300.
        let resampled = (len as f64 * spacing / target[axis] + 1e-6).floor().max(1.0);
        taps = taps.resize(resampled as usize, recipe.kernel, recipe.antialias);
    }
    taps = match recipe.crop {
        Crop::None => taps,
        Crop::CenterFraction(fraction) => {
            let keep = ((fraction[axis] * taps.len() as f64) as usize).max(1);
            taps.centre(keep)
        }
        Crop::CenterSize(size) => taps.centre(size[axis] as usize),
    };
    if let Some(size) = recipe.resize {
        taps = taps.resize(size[axis] as usize, recipe.kernel, recipe.antialias);
    }
    taps.build()
}

fn quantise(values: &[f32], dtype: VoxelType, [low, high]: [f32; 2]) -> Vec<u8> {
    let unit = |value: f32| (value.clamp(low, high) - low) / (high - low);
    match dtype {
        VoxelType::U8 => {
            values.iter().map(|&value| (unit(value) * 255.0).round_ties_even() as u8).collect()
        }
        VoxelType::I16 => values
            .iter()
            .flat_map(|&value| (value.clamp(low, high).round_ties_even() as i16).to_le_bytes())
            .collect(),
        VoxelType::F16 => {
            values.iter().flat_map(|&value| f16::from_f32(unit(value)).to_le_bytes()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemas::manifest::{ClipStage, Kernel, Orientation, Preset};

    use super::*;
    use crate::volume::image::{Rescale, Voxels};

    /// A ramp that tells the world position: 3 x + 2 y - 5 z, in Hounsfield units.
    fn ramp(dims: [usize; 3], affine: Affine) -> Volume {
        let mut values = Vec::with_capacity(dims.iter().product());
        for z in 0..dims[2] {
            for y in 0..dims[1] {
                for x in 0..dims[0] {
                    let world = affine.apply([x as f64, y as f64, z as f64]);
                    values.push((3.0 * world[0] + 2.0 * world[1] - 5.0 * world[2]) as f32);
                }
            }
        }
        Volume { voxels: Voxels::F32(values), dims, affine, rescale: Rescale::IDENTITY }
    }

    fn recipe() -> Recipe {
        Recipe { window: [-4000.0, 4000.0], dtype: VoxelType::I16, ..Preset::Mg3d.recipe() }
    }

    fn value(view: &ViewTensor, x: usize, y: usize, z: usize) -> f64 {
        let at = ((z * view.shape[1] + y) * view.shape[2] + x) * 2;
        f64::from(i16::from_le_bytes([view.bytes[at], view.bytes[at + 1]]))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// A world ramp survives the whole recipe from any storage order: what a voxel of the view
        /// holds is the ramp at the place its affine names (within rounding to whole units).
        #[test]
        fn a_world_ramp_survives_the_recipe(
            permutation in prop::sample::select(vec![[0, 1, 2], [2, 0, 1], [1, 0, 2], [2, 1, 0]]),
            signs in prop::array::uniform3(prop::bool::ANY),
        ) {
            let steps = [1.1, 0.9, 2.0];
            let mut columns = [[0.0; 3]; 3];
            for (axis, &world) in permutation.iter().enumerate() {
                columns[axis][world] = if signs[axis] { steps[world] } else { -steps[world] };
            }
            let sizes = [60, 66, 40];
            let dims = permutation.map(|world: usize| sizes[world]);
            let volume = ramp(dims, Affine::from_columns(columns, [5.0, -7.0, 11.0]));
            let view = make_view(&volume, &recipe());
            prop_assert_eq!(view.shape, [128, 96, 128]);
            prop_assert_eq!(view.affine.axis_codes(), "LPS");
            for (x, y, z) in [(10, 10, 10), (64, 48, 64), (117, 85, 117)] {
                let world = view.affine.apply([x as f64, y as f64, z as f64]);
                let expected = 3.0 * world[0] + 2.0 * world[1] - 5.0 * world[2];
                prop_assert!((value(&view, x, y, z) - expected).abs() <= 0.502);
            }
        }
    }

    #[test]
    fn presets_equal_the_published_preprocessing_by_pytorch_within_one_unit() {
        #[derive(serde::Deserialize)]
        struct Golden {
            shape: [usize; 3],
            values: Vec<f64>,
        }
        let text = include_str!("../../tests/goldens/views.json");
        let goldens: std::collections::BTreeMap<String, Golden> =
            serde_json::from_str(text).expect("the golden is JSON");
        let dims = [20, 24, 18];
        let mut values = Vec::new();
        for z in 0..dims[2] {
            for y in 0..dims[1] {
                for x in 0..dims[0] {
                    values.push(((x * 7919 + y * 104_729 + z * 1_299_709) % 3000) as i16 - 1400);
                }
            }
        }
        let columns = [[-1.3, 0.0, 0.0], [0.0, -1.1, 0.0], [0.0, 0.0, 2.5]];
        let volume = Volume {
            voxels: Voxels::I16(values),
            dims,
            affine: Affine::from_columns(columns, [0.0; 3]),
            rescale: Rescale::IDENTITY,
        };
        let (mg3d, ct_clip) = (&goldens["mg3d"], &goldens["ct_clip"]);
        let [z, y, x] = mg3d.shape.map(|size| size as u32);
        let mg3d_recipe = Recipe { resize: Some([x, y, z]), ..Preset::Mg3d.recipe() };
        let [z, y, x] = ct_clip.shape.map(|size| size as u32);
        let ct_clip_recipe =
            Recipe { crop: Crop::CenterSize([x, y, z]), ..Preset::CtClip.recipe() };
        for (golden, recipe) in [(mg3d, mg3d_recipe), (ct_clip, ct_clip_recipe)] {
            let view = make_view(&volume, &recipe);
            assert_eq!(view.shape, golden.shape);
            let found = view.bytes.as_chunks::<2>().0.iter().step_by(7);
            assert_eq!(found.len(), golden.values.len());
            for (found, expected) in found.zip(&golden.values) {
                let found = f64::from(i16::from_le_bytes(*found));
                assert!((found - expected).abs() <= 1.0, "{found} {expected}");
            }
        }
    }

    #[test]
    fn storage_order_does_not_change_a_byte() {
        let plain = ramp(
            [20, 24, 18],
            Affine::from_columns([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 2.0]], [0.0; 3]),
        );
        let Voxels::F32(values) = &plain.voxels else { unreachable!("the ramp is float") };
        // The same image stored z fastest, with x reversed.
        let mut turned = Vec::new();
        for y in 0..24 {
            for x in (0..20).rev() {
                for z in 0..18 {
                    turned.push(values[(z * 24 + y) * 20 + x]);
                }
            }
        }
        let affine = Affine::from_columns(
            [[0.0, 0.0, 2.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]],
            plain.affine.apply([19.0, 0.0, 0.0]),
        );
        let turned = Volume {
            voxels: Voxels::F32(turned),
            dims: [18, 20, 24],
            affine,
            rescale: Rescale::IDENTITY,
        };
        let (one, other) = (make_view(&plain, &recipe()), make_view(&turned, &recipe()));
        assert_eq!(one.xxh3, other.xxh3);
        assert_eq!(one.affine, other.affine);
    }

    #[test]
    fn rescale_is_applied_once_and_clipping_comes_where_the_recipe_says() {
        let affine =
            Affine::from_columns([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [0.0; 3]);
        let volume = Volume {
            voxels: Voxels::I16(vec![0, 4000]),
            dims: [2, 1, 1],
            affine,
            rescale: Rescale { slope: 1.0, intercept: -1024.0 },
        };
        let base = Recipe {
            orientation: Orientation::Keep,
            spacing: None,
            kernel: Kernel::Linear,
            antialias: false,
            crop: Crop::None,
            resize: Some([1, 1, 1]),
            window: [-1000.0, 1000.0],
            clip: ClipStage::Output,
            dtype: VoxelType::I16,
        };
        // Mean of -1024 and 2976 is 976; of the clipped -1000 and 1000 it is 0.
        assert!((value(&make_view(&volume, &base), 0, 0, 0) - 976.0).abs() < 0.5);
        let clipped = Recipe { clip: ClipStage::Source, ..base };
        assert!(value(&make_view(&volume, &clipped), 0, 0, 0).abs() < 0.5);
    }
}
