//! A recipe run on volumes whose views are known.

use proptest::prelude::*;
use schemas::manifest::{Kernel, Orientation, Preset};

use super::*;
use crate::volume::reference::reference;

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
    Recipe { windows: vec![[-4000.0, 4000.0]], ..Preset::Mg3d.recipe() }
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

fn any_recipe() -> impl Strategy<Value = Recipe> {
    let spacing = prop::option::of(prop::array::uniform3(0.6_f64..3.5));
    let grid = prop::sample::select(vec![Grid::Extent, Grid::Corner, Grid::Truncate, Grid::Round]);
    let kernel = prop::sample::select(vec![
        (Kernel::Linear, false),
        (Kernel::Linear, true),
        (Kernel::Cubic, false),
        (Kernel::Nearest, false),
    ]);
    let crop = prop_oneof![
        Just(Crop::None),
        prop::array::uniform3(0.3_f64..1.0).prop_map(Crop::CenterFraction),
        prop::array::uniform3(0_u32..30).prop_map(Crop::CenterSize),
    ];
    // Resizing after a pad would interpolate padding, which the two treat differently by intent.
    let clip = prop::sample::select(vec![ClipStage::Source, ClipStage::Output]);
    let orientation =
        prop::sample::select(vec![Orientation::Ras, Orientation::Lps, Orientation::Keep]);
    (spacing, grid, kernel, crop, clip, orientation).prop_map(
        |(spacing, grid, (kernel, antialias), crop, clip, orientation)| Recipe {
            spacing,
            grid,
            kernel,
            antialias,
            crop,
            clip,
            orientation,
            windows: vec![[-1000.0, 1500.0]],
            ..Preset::Native.recipe()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// The fused pass against the plain one: every kernel, grid, crop and storage order.
    #[test]
    fn the_fast_path_equals_the_plain_reference(
        recipe in any_recipe(),
        dims in prop::array::uniform3(3_usize..24),
        permutation in prop::sample::select(
            vec![[0, 1, 2], [0, 2, 1], [2, 0, 1], [1, 0, 2], [1, 2, 0], [2, 1, 0]]
        ),
        signs in prop::array::uniform3(prop::bool::ANY),
        slope in prop::sample::select(vec![1.0_f32, 0.5]),
    ) {
        let mut columns = [[0.0; 3]; 3];
        for (axis, &world) in permutation.iter().enumerate() {
            let step = [0.9, 1.0, 2.2][world];
            columns[axis][world] = if signs[axis] { step } else { -step };
        }
        let count = dims.iter().product::<usize>();
        let volume = Volume {
            voxels: Voxels::I16(
                (0..count).map(|at| ((at * 7919) % 3001) as i16 - 1400).collect(),
            ),
            dims,
            affine: Affine::from_columns(columns, [1.0, 2.0, 3.0]),
            rescale: Rescale { slope, intercept: -24.0 },
        };
        let view = make_view(&volume, &recipe);
        let (values, shape) = reference(&volume, &recipe);
        prop_assert_eq!(view.shape, [shape[2], shape[1], shape[0]]);
        let mut unequal = 0;
        for (pair, expected) in view.bytes.as_chunks::<2>().0.iter().zip(&values) {
            let found = f64::from(i16::from_le_bytes(*pair));
            prop_assert!((found - expected).abs() < 0.51, "{found} {expected}");
            unequal += usize::from((found - expected.round_ties_even()).abs() > 0.5);
        }
        // Ties of a half may fall either way; more than a few would be a fault.
        prop_assert!(unequal <= values.len() / 4, "{unequal} of {}", values.len());
    }
}

#[test]
fn antialiasing_keeps_a_quarter_of_white_noise_at_most() {
    // A linear congruential generator: uniform noise of standard deviation 577.
    let mut state = 1_u32;
    let values: Vec<i16> = (0..60 * 60 * 60)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) % 2000) as i16 - 1000
        })
        .collect();
    let deviation = |values: &mut dyn Iterator<Item = f64>| {
        let values: Vec<f64> = values.collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let square: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (square / values.len() as f64).sqrt()
    };
    let before = deviation(&mut values.iter().map(|value| f64::from(*value)));
    let volume = Volume {
        voxels: Voxels::I16(values),
        dims: [60; 3],
        affine: Affine::from_columns([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [0.0; 3]),
        rescale: Rescale::IDENTITY,
    };
    for kernel in [Kernel::Linear, Kernel::Cubic] {
        let recipe = Recipe { spacing: Some([3.0; 3]), kernel, ..Preset::Native.recipe() };
        let view = make_view(&volume, &recipe);
        let pairs = view.bytes.as_chunks::<2>().0.iter();
        let after = deviation(&mut pairs.map(|pair| f64::from(i16::from_le_bytes(*pair))));
        assert!(after < 0.25 * before, "{kernel:?}: {after} of {before}");
    }
}

#[test]
fn crops_are_cut_from_the_grid_at_the_places_they_name() {
    let volume = ramp(
        [40, 30, 20],
        Affine::from_columns([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [0.0; 3]),
    );
    let whole = Recipe { crop: Crop::None, crops: None, ..Preset::Native.recipe() };
    let crops = Crops { count: 5, size: [16, 12, 24], seed: 3 };
    let whole_view = make_view(&volume, &whole);
    let view = make_view(&volume, &Recipe { crops: Some(crops), ..whole });
    assert_eq!((view.shape, view.blocks), ([24, 12, 16], 5));
    assert_eq!(view.affine, whole_view.affine);
    let block = 24 * 12 * 16;
    for (index, start) in view.crop_starts.iter().enumerate() {
        assert_eq!(start[2], -2, "the short axis is centred in the box");
        assert!((0..=24).contains(&start[0]) && (0..=18).contains(&start[1]));
        for [x, y, z] in [[0, 0, 5], [15, 11, 20], [7, 3, 2]] {
            let at = (index * block + (z * 12 + y) * 16 + x) * 2;
            let found = i16::from_le_bytes([view.bytes[at], view.bytes[at + 1]]);
            let place: [usize; 3] = [x, y, z]
                .map(|v| v as i64)
                .iter()
                .zip(start)
                .map(|(v, s)| (v + s) as usize)
                .collect::<Vec<_>>()
                .try_into()
                .expect("three");
            let expected = value(&whole_view, place[0], place[1], place[2]);
            assert!((f64::from(found) - expected).abs() < 0.5);
        }
    }
    let mut seen = view.crop_starts.clone();
    seen.dedup();
    assert_eq!(seen.len(), 5, "no two boxes are the same");
}

#[test]
fn a_stack_of_slices_keeps_its_length_and_channels_follow_one_another() {
    let volume = ramp(
        [20, 24, 18],
        Affine::from_columns([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.5]], [0.0; 3]),
    );
    let stack = Recipe {
        crop: Crop::CenterSize([16, 32, 0]),
        spacing: None,
        dtype: VoxelType::U8,
        windows: vec![[-100.0, 100.0], [0.0, 50.0]],
        ..Preset::MsVlm.recipe()
    };
    let view = make_view(&volume, &stack);
    assert_eq!((view.shape, view.blocks), ([18, 32, 16], 2));
    for (channel, window) in stack.windows.iter().enumerate() {
        let one = Recipe { windows: vec![*window], ..stack.clone() };
        let block = 18 * 32 * 16;
        let alone = make_view(&volume, &one).bytes;
        assert_eq!(view.bytes[channel * block..(channel + 1) * block], *alone);
    }
}

#[test]
fn presets_equal_the_published_preprocessing_by_pytorch_within_one_unit() {
    #[derive(serde::Deserialize)]
    struct Golden {
        shape: [usize; 3],
        values: Vec<f64>,
    }
    let text = include_str!("../../../tests/goldens/views.json");
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
    let ct_clip_recipe = Recipe { crop: Crop::CenterSize([x, y, z]), ..Preset::CtClip.recipe() };
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
    assert_eq!(one.xxh3(), other.xxh3());
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
        antialias: false,
        resize: Some([1, 1, 1]),
        windows: vec![[-1000.0, 1000.0]],
        ..Preset::Native.recipe()
    };
    // Mean of -1024 and 2976 is 976; of the clipped -1000 and 1000 it is 0.
    assert!((value(&make_view(&volume, &base), 0, 0, 0) - 976.0).abs() < 0.5);
    let clipped = Recipe { clip: ClipStage::Source, ..base.clone() };
    assert!(value(&make_view(&volume, &clipped), 0, 0, 0).abs() < 0.5);
}
