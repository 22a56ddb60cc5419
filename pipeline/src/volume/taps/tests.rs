use proptest::prelude::*;

use super::*;

fn apply(taps: &AxisTaps, source: &[f64]) -> Vec<Option<f64>> {
    (0..taps.len())
        .map(|index| {
            taps.valid().contains(&index).then(|| {
                let (start, weights) = taps.at(index);
                weights
                    .iter()
                    .zip(&source[start..])
                    .map(|(weight, value)| f64::from(*weight) * value)
                    .sum()
            })
        })
        .collect()
}

#[test]
fn linear_downsampling_matches_torch_interpolate() {
    // torch.nn.functional.interpolate(torch.arange(5.).square()[None, None], size=3,
    //                                 mode="linear", align_corners=False)
    let taps = TapsBuilder::new(5).resize(3, Kernel::Linear, false).build();
    let found = apply(&taps, &[0.0, 1.0, 4.0, 9.0, 16.0]);
    for (found, expected) in found.into_iter().zip([1.0 / 3.0, 4.0, 9.0 + 7.0 * 2.0 / 3.0]) {
        assert!((found.expect("not padding") - expected).abs() < 1e-5);
    }
}

#[test]
fn a_window_past_the_ends_is_padding_on_both_sides() {
    let taps = TapsBuilder::new(3).centre(6).build();
    assert_eq!(taps.valid(), 1..4, "(6 - 3) / 2 rounded down in front");
    assert_eq!(apply(&taps, &[7.0, 8.0, 9.0]), [None, Some(7.0), Some(8.0), Some(9.0), None, None]);
}

#[test]
fn antialiased_weights_sum_to_one_and_average_over_the_ratio() {
    let taps = TapsBuilder::new(30).resize(10, Kernel::Linear, true).build();
    for index in 0..10 {
        let (_, weights) = taps.at(index);
        assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
    let variance: f32 = taps.at(5).1.iter().map(|weight| weight * weight).sum();
    assert!(variance.sqrt() < 0.5, "white noise shrinks: {}", variance.sqrt());
}

#[test]
fn the_cubic_spline_matches_scipy() {
    // scipy.ndimage.map_coordinates([1, 4, 2, 8, 5, 7, 3, 6, 0, 9, 2, 4, 1, 7, 5, 3],
    //                               [[7.3, 8.5]], order=3, mode="nearest")
    let source = [1., 4., 2., 8., 5., 7., 3., 6., 0., 9., 2., 4., 1., 7., 5., 3.];
    for (position, expected) in [(7.3, 4.110_889_11), (8.5, 4.572_342_6)] {
        let taps = TapsBuilder::new(16).resample(1, 1.0, position, Kernel::Cubic, false).build();
        let found = apply(&taps, &source)[0].expect("not padding");
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

#[test]
fn antialiased_cubic_weights_keep_the_level_and_damp_noise() {
    let taps = TapsBuilder::new(90).resize(30, Kernel::Cubic, true).build();
    let (_, weights) = taps.at(15);
    assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    assert!(weights.iter().map(|weight| weight * weight).sum::<f32>() < 0.36);
}

proptest! {
    /// Composed taps equal the steps applied one after the other.
    #[test]
    fn composition_equals_sequential_application(
        len in 2_usize..40, middle in 2_usize..40, keep in 1_usize..50, out in 1_usize..40,
    ) {
        let source: Vec<f64> = (0..len).map(|i| ((i * i * 37) % 101) as f64).collect();
        let keep = keep.min(middle);
        let composed = TapsBuilder::new(len)
            .resize(middle, Kernel::Linear, false)
            .centre(keep)
            .resize(out, Kernel::Linear, false)
            .build();
        let unwrap = |values: Vec<Option<f64>>| -> Vec<f64> {
            values.into_iter().map(|value| value.expect("no padding")).collect()
        };
        let first = TapsBuilder::new(len).resize(middle, Kernel::Linear, false).build();
        let second = TapsBuilder::new(middle).centre(keep).build();
        let third = TapsBuilder::new(keep).resize(out, Kernel::Linear, false).build();
        let expected = unwrap(apply(&third, &unwrap(apply(&second, &unwrap(apply(&first, &source))))));
        for (found, expected) in unwrap(apply(&composed, &source)).into_iter().zip(expected) {
            prop_assert!((found - expected).abs() < 1e-3, "{found} {expected}");
        }
    }

    /// A ramp keeps its values at the positions the mapping names, away from the held edges.
    #[test]
    fn the_mapping_says_where_a_sample_came_from(len in 4_usize..60, out in 2_usize..60) {
        let taps = TapsBuilder::new(len).resize(out, Kernel::Linear, false).build();
        let ramp: Vec<f64> = (0..len).map(|i| i as f64).collect();
        let (scale, shift) = taps.mapping();
        for (index, value) in apply(&taps, &ramp).into_iter().enumerate() {
            let expected = (scale * index as f64 + shift).clamp(0.0, len as f64 - 1.0);
            prop_assert!((value.expect("no padding") - expected).abs() < 1e-4);
        }
    }
}
