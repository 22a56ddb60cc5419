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
#[derive(Clone)]
struct Exact {
    source_len: usize,
    rows: Vec<(usize, Vec<f64>)>,
    valid: std::ops::Range<usize>,
    scale: f64,
    shift: f64,
}

/// Builds the taps of one axis step by step; every step maps the axis made so far.
#[derive(Clone)]
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

    /// Index `i` of the axis made so far lies at source index `scale * i + shift`.
    pub(crate) fn mapping(&self) -> (f64, f64) {
        (self.0.scale, self.0.shift)
    }

    /// Resamples to `len` samples over the same extent, half-pixel centres, edges held: source
    /// coordinate `(i + 0.5) * n / len - 0.5` as in PyTorch's `interpolate(align_corners=False)`.
    /// With `antialias`, downsampling widens the kernel by the ratio; for the linear one this is
    /// `interpolate(antialias=True)`.
    pub(crate) fn resize(self, len: usize, kernel: Kernel, antialias: bool) -> Self {
        let ratio = self.len() as f64 / len as f64;
        self.resample(len, ratio, 0.5 * ratio - 0.5, kernel, antialias)
    }

    /// Resamples to `len` samples, of which index `i` lies at source index `scale * i + shift`; what
    /// lies past the ends has the value of the end.
    #[expect(
        clippy::float_cmp,
        reason = "only a grid that is the source's to the last bit is left"
    )]
    pub(crate) fn resample(
        self,
        len: usize,
        scale: f64,
        shift: f64,
        kernel: Kernel,
        antialias: bool,
    ) -> Self {
        let before = self.len();
        if before == 0 || (len == before && scale == 1.0 && shift == 0.0) {
            return self;
        }
        let width = if antialias { scale.max(1.0) } else { 1.0 };
        let rows = (0..len)
            .map(|index| kernel_row(scale * index as f64 + shift, kernel, width, before))
            .collect();
        self.then(&Exact { source_len: before, rows, valid: 0..len, scale, shift })
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

/// First source index and weights of a sample at source index `position` of an axis of `len`; the
/// kernel is `width` times as wide as the source's step.
fn kernel_row(position: f64, kernel: Kernel, width: f64, len: usize) -> (usize, Vec<f64>) {
    let last = len - 1;
    match kernel {
        Kernel::Nearest => (((position + 0.5).floor().max(0.0) as usize).min(last), vec![1.0]),
        Kernel::Linear if width > 1.0 => triangle(position + 0.5, width, len),
        Kernel::Linear => {
            let position = position.clamp(0.0, last as f64);
            let low = position.floor() as usize;
            let fraction = position - low as f64;
            if fraction > 0.0 { (low, vec![1.0 - fraction, fraction]) } else { (low, vec![1.0]) }
        }
        Kernel::Cubic => cubic(position, width, len),
    }
}

/// Triangle filter of half-width `ratio` around `centre` (in samples from the left edge), cut at the
/// ends of the axis and made to sum to 1.
fn triangle(centre: f64, ratio: f64, len: usize) -> (usize, Vec<f64>) {
    let centre = centre.clamp(0.0, len as f64);
    let low = (((centre - ratio + 0.5).floor().max(0.0)) as usize).min(len - 1);
    let high = ((centre + ratio + 0.5).floor() as usize).min(len).max(low + 1);
    let mut weights: Vec<f64> = (low..high)
        .map(|index| (1.0 - ((index as f64 - centre + 0.5) / ratio).abs()).max(0.0))
        .collect();
    normalise(&mut weights);
    (low, weights)
}

/// Interpolation by cubic B-splines as weights of the samples themselves: the cardinal spline, whose
/// prefilter is folded in (Unser, "Splines: a perfect fit", 1999). It falls by 0.27 per sample, so
/// twelve to each side hold all but 1e-7. Samples past the ends have the value of the end.
#[expect(clippy::float_cmp, reason = "a kernel that was not widened has exactly this width")]
fn cubic(position: f64, width: f64, len: usize) -> (usize, Vec<f64>) {
    const SUPPORT: f64 = 12.0;
    let last = len as i64 - 1;
    let position = position.clamp(0.0, last as f64);
    if width == 1.0 && position.fract() == 0.0 {
        return (position as usize, vec![1.0]);
    }
    let low = (position - SUPPORT * width).ceil() as i64;
    let high = (position + SUPPORT * width).floor() as i64;
    let first = low.clamp(0, last);
    let mut weights = vec![0.0; (high.clamp(0, last) - first + 1) as usize];
    for index in low..=high {
        let weight = cardinal_cubic_spline((position - index as f64) / width);
        weights[(index.clamp(0, last) - first) as usize] += weight;
    }
    normalise(&mut weights);
    (first as usize, weights)
}

fn cardinal_cubic_spline(x: f64) -> f64 {
    let pole = 3.0_f64.sqrt() - 2.0;
    let gain = -6.0 * pole / (1.0 - pole * pole);
    let basis = |x: f64| {
        let x = x.abs();
        if x < 1.0 { 2.0 / 3.0 - x * x + x * x * x / 2.0 } else { (2.0 - x).max(0.0).powi(3) / 6.0 }
    };
    let nearest = x.floor() as i32;
    (nearest - 1..=nearest + 2)
        .map(|knot| gain * pole.powi(knot.abs()) * basis(x - f64::from(knot)))
        .sum()
}

fn normalise(weights: &mut [f64]) {
    let sum: f64 = weights.iter().sum();
    for weight in weights {
        *weight /= sum;
    }
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

    /// Weights an output index has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether what is not padding is a run of source samples as they are.
    #[expect(clippy::float_cmp, reason = "a weight of a copied sample is exactly one")]
    pub fn is_run(&self) -> bool {
        let valid = self.valid();
        self.width == 1
            && self.weights[valid.clone()].iter().all(|weight| *weight == 1.0)
            && self.start[valid].windows(2).all(|pair| pair[1] == pair[0] + 1)
    }

    /// First source index and weights of output index `index`.
    pub fn at(&self, index: usize) -> (usize, &[f32]) {
        let weights = &self.weights[index * self.width..(index + 1) * self.width];
        (self.start[index] as usize, weights)
    }

    /// Source indices and weights of output index `index` that count.
    pub(crate) fn used(&self, index: usize) -> impl Iterator<Item = (usize, f32)> {
        let (start, weights) = self.at(index);
        let pairs =
            weights.iter().enumerate().map(move |(offset, &weight)| (start + offset, weight));
        pairs.filter(|(_, weight)| *weight != 0.0)
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
mod tests;
