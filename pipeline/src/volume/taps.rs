//! Which source samples make each output sample along one axis.

use schemas::manifest::Kernel;

/// For every output index of one axis: the first source index and the weights of the samples from
/// there on. Indices outside `valid` hold padding.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisTaps {
    /// First source index of each output index.
    start: Vec<u32>,
    /// `width` weights for each output index, row by row.
    weights: Vec<f32>,
    /// Weights for each output index.
    width: usize,
    /// Output indices that come from the source; the rest is padding.
    valid: std::ops::Range<usize>,
    /// Output index `i` lies at source index `scale * i + shift`.
    scale: f64,
    shift: f64,
}

/// The taps of one output index in f64, while they are being made.
struct Exact {
    source_len: usize,
    rows: Vec<(usize, Vec<f64>)>,
    valid: std::ops::Range<usize>,
    scale: f64,
    shift: f64,
}

/// Builds the taps of one axis step by step; every step maps the axis made so far.
pub(crate) struct TapsBuilder(Exact);

impl TapsBuilder {
    /// An axis of `len` samples, as it is.
    pub(crate) fn new(len: usize) -> Self {
        Self(Exact {
            source_len: len,
            rows: (0..len).map(|index| (index, vec![1.0])).collect(),
            valid: 0..len,
            scale: 1.0,
            shift: 0.0,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.0.rows.len()
    }

    /// Resamples to `len` samples over the same extent, half-pixel centres, edges held: source
    /// coordinate `(i + 0.5) * n / len - 0.5` as in PyTorch's `interpolate(align_corners=False)`.
    /// With `antialias`, downsampling widens the linear kernel by the ratio, as
    /// `interpolate(antialias=True)` does.
    pub(crate) fn resize(self, len: usize, kernel: Kernel, antialias: bool) -> Self {
        let before = self.len();
        if before == len || before == 0 {
            return self;
        }
        let ratio = before as f64 / len as f64;
        let rows = (0..len)
            .map(|index| {
                let centre = (index as f64 + 0.5) * ratio;
                match kernel {
                    Kernel::Nearest => ((centre.floor() as usize).min(before - 1), vec![1.0]),
                    Kernel::Linear if antialias && ratio > 1.0 => triangle(centre, ratio, before),
                    Kernel::Linear => {
                        let position = (centre - 0.5).max(0.0);
                        let low = (position.floor() as usize).min(before - 1);
                        let fraction = position - low as f64;
                        if low + 1 < before && fraction > 0.0 {
                            (low, vec![1.0 - fraction, fraction])
                        } else {
                            (low, vec![1.0])
                        }
                    }
                }
            })
            .collect();
        let valid = 0..len;
        self.then(&Exact {
            source_len: before,
            rows,
            valid,
            scale: ratio,
            shift: 0.5 * ratio - 0.5,
        })
    }

    /// Keeps `len` samples from `start` on; a negative start or an end past the axis is padding.
    pub(crate) fn window(self, start: i64, len: usize) -> Self {
        let before = self.len() as i64;
        let rows = (0..len as i64)
            .map(|index| {
                let source = start + index;
                if (0..before).contains(&source) {
                    (source as usize, vec![1.0])
                } else {
                    (0, Vec::new())
                }
            })
            .collect();
        let first = (-start).clamp(0, len as i64);
        let last = (before - start).clamp(first, len as i64);
        let valid = first as usize..last as usize;
        let shift = start as f64;
        self.then(&Exact { source_len: before as usize, rows, valid, scale: 1.0, shift })
    }

    /// Centred window as in the published pipelines: a crop starts at `(n - len) / 2`, a pad puts
    /// `(len - n) / 2` samples in front, both rounded down.
    pub(crate) fn centre(self, len: usize) -> Self {
        // Division of integers rounds towards zero, which is both rules in one.
        let start = (self.len() as i64 - len as i64) / 2;
        self.window(start, len)
    }

    fn then(self, next: &Exact) -> Self {
        let inner = self.0;
        debug_assert_eq!(inner.rows.len(), next.source_len, "steps follow one another");
        let rows = next
            .rows
            .iter()
            .map(|(start, weights)| {
                let used = || weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0);
                let inner_rows =
                    || used().map(|(offset, weight)| (&inner.rows[start + offset], weight));
                let low = inner_rows().map(|(row, _)| row.0).min().unwrap_or(0);
                let high = inner_rows().map(|(row, _)| row.0 + row.1.len()).max().unwrap_or(low);
                let mut sum = vec![0.0; high - low];
                for (row, weight) in inner_rows() {
                    for (offset, value) in row.1.iter().enumerate() {
                        sum[row.0 - low + offset] += value * weight;
                    }
                }
                (low, sum)
            })
            .collect();
        // Padding inside the axis made so far stays padding only at its ends, where windows put it.
        let first =
            next.rows.iter().position(|(start, w)| !w.is_empty() && inner.valid.contains(start));
        let last =
            next.rows.iter().rposition(|(start, w)| !w.is_empty() && inner.valid.contains(start));
        let valid = match (first, last) {
            (Some(first), Some(last)) => {
                first.max(next.valid.start)..(last + 1).min(next.valid.end)
            }
            _ => 0..0,
        };
        Self(Exact {
            source_len: inner.source_len,
            rows,
            valid,
            scale: inner.scale * next.scale,
            shift: inner.scale * next.shift + inner.shift,
        })
    }

    pub(crate) fn build(self) -> AxisTaps {
        let exact = self.0;
        let width = exact.rows.iter().map(|(_, weights)| weights.len()).max().unwrap_or(1).max(1);
        let width = width.min(exact.source_len.max(1));
        let mut start = Vec::with_capacity(exact.rows.len());
        let mut weights = Vec::with_capacity(exact.rows.len() * width);
        for (first, row) in &exact.rows {
            // The block of `width` samples is moved to lie inside the source.
            let moved = (*first).min(exact.source_len.saturating_sub(width));
            start.push(moved as u32);
            let lead = first - moved;
            for index in 0..width {
                let value = index.checked_sub(lead).and_then(|at| row.get(at)).copied();
                weights.push(value.unwrap_or(0.0) as f32);
            }
        }
        AxisTaps {
            start,
            weights,
            width,
            valid: exact.valid,
            scale: exact.scale,
            shift: exact.shift,
        }
    }
}

/// Triangle filter of half-width `ratio` around `centre` (in samples from the left edge).
fn triangle(centre: f64, ratio: f64, len: usize) -> (usize, Vec<f64>) {
    let low = ((centre - ratio + 0.5).floor().max(0.0)) as usize;
    let high = ((centre + ratio + 0.5).floor() as usize).min(len).max(low + 1);
    let mut weights: Vec<f64> = (low..high)
        .map(|index| (1.0 - ((index as f64 - centre + 0.5) / ratio).abs()).max(0.0))
        .collect();
    let sum: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }
    (low, weights)
}

impl AxisTaps {
    /// Samples on the output axis.
    pub fn len(&self) -> usize {
        self.start.len()
    }

    /// Whether the output axis has no sample.
    pub fn is_empty(&self) -> bool {
        self.start.is_empty()
    }

    /// First source index and weights of output index `index`.
    pub fn at(&self, index: usize) -> (usize, &[f32]) {
        let weights = &self.weights[index * self.width..(index + 1) * self.width];
        (self.start[index] as usize, weights)
    }

    /// Output indices that are not padding.
    pub fn valid(&self) -> std::ops::Range<usize> {
        self.valid.clone()
    }

    /// Source indices that some valid output index uses.
    pub fn source_range(&self) -> std::ops::Range<usize> {
        let used = || self.valid().map(|index| self.start[index] as usize);
        let low = used().min().unwrap_or(0);
        let high = used().max().map_or(low, |start| start + self.width);
        low..high
    }

    /// Output index `i` lies at source index `scale * i + shift`.
    pub fn mapping(&self) -> (f64, f64) {
        (self.scale, self.shift)
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            apply(&taps, &[7.0, 8.0, 9.0]),
            [None, Some(7.0), Some(8.0), Some(9.0), None, None]
        );
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
}
