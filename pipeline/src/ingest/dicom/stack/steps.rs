//! Steps between slices, and how even they must be.

/// Share of the median step by which steps may differ.
pub(crate) const STEP_TOLERANCE: f64 = 0.01;
/// Steps may always differ by this much, in mm: positions are written with few decimals.
pub(crate) const STEP_ROUNDING: f64 = 0.01;
/// Slices nearer to each other than this along the normal, in mm, lie at one position.
pub(crate) const SAME_POSITION: f64 = 1e-3;

/// Whether a step counts as the median step, where rounding moves a position by up to `rounding`.
pub(crate) fn is_even(step: f64, median: f64, rounding: f64) -> bool {
    (step - median).abs() <= (STEP_TOLERANCE * median).max(STEP_ROUNDING).max(TWICE * rounding)
}

/// Two positions are rounded, and decimals are not exact in binary.
const TWICE: f64 = 2.0 + 1e-6;

/// Half of the last decimal that `values` are written with, where that is one to three decimals; 0 for whole numbers, which
/// may be exact, and for numbers written in full.
pub(crate) fn rounding(values: &[f64]) -> f64 {
    let whole = |scale: f64| {
        values.iter().all(|value| (value * scale - (value * scale).round()).abs() < 1e-6)
    };
    if whole(1.0) {
        return 0.0;
    }
    [10.0, 100.0, 1000.0].into_iter().find(|scale| whole(*scale)).map_or(0.0, |scale| 0.5 / scale)
}

/// The even grid nearest to rounded positions: place of the first slice and step. None where a position lies farther from
/// it than rounding moves it.
pub(crate) fn fit(positions: &[f64], rounding: f64) -> Option<[f64; 2]> {
    let count = positions.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = positions.iter().sum::<f64>() / count;
    let along = |at: usize| at as f64 - middle;
    let square: f64 = (0..positions.len()).map(|at| along(at).powi(2)).sum();
    let product: f64 = positions.iter().enumerate().map(|(at, z)| along(at) * (z - mean)).sum();
    let step = product / square;
    let first = mean - middle * step;
    // The line through rounded places is itself off by a part of the rounding at its ends.
    let near =
        |(at, z): (usize, &f64)| (z - first - at as f64 * step).abs() <= TWICE / 1.6 * rounding;
    (positions.len() > 1 && positions.iter().enumerate().all(near)).then_some([first, step])
}

pub(crate) fn median(mut steps: Vec<f64>) -> f64 {
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 2).copied().unwrap_or(0.0)
}

/// Steps between neighbouring positions that are not one position.
pub(crate) fn steps(positions: &[f64]) -> Vec<f64> {
    positions
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .filter(|step| *step > SAME_POSITION)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_places_lie_on_a_line_and_a_gap_does_not() {
        for (step, scale) in
            [(0.625, 10.0), (0.45, 10.0), (1.0 / 3.0, 100.0), (0.7, 10.0), (2.0 / 3.0, 1000.0)]
        {
            for start in [0.0, -312.37, 0.0499] {
                let places: Vec<f64> = (0..200)
                    .map(|at| ((start + f64::from(at) * step) * scale).round() / scale)
                    .collect();
                let rounding = rounding(&places);
                assert!(rounding <= 0.5 / scale + 1e-12, "{step}");
                let [_, found] = fit(&places, 0.5 / scale).expect("lies on a line");
                assert!((found - step).abs() < 1e-3, "{found} {step}");
                let mut moved = places;
                moved[100] += 4.0 / scale;
                assert_eq!(fit(&moved, 0.5 / scale), None);
            }
        }
        assert!(rounding(&[1.0, 2.0, 7.0]) < 1e-12, "whole numbers may be exact");
        assert!(rounding(&[1.0, 2.123_456]) < 1e-12, "written in full");
    }
}
