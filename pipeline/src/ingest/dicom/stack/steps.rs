//! Steps between slices, and how even they must be.

/// Share of the median step by which steps may differ.
pub(crate) const STEP_TOLERANCE: f64 = 0.01;
/// Steps may always differ by this much, in mm: positions are written with few decimals.
pub(crate) const STEP_ROUNDING: f64 = 0.01;
/// Slices nearer to each other than this along the normal, in mm, lie at one position.
pub(crate) const SAME_POSITION: f64 = 1e-3;

/// Whether a step counts as the median step.
pub(crate) fn is_even(step: f64, median: f64) -> bool {
    (step - median).abs() <= (STEP_TOLERANCE * median).max(STEP_ROUNDING)
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
