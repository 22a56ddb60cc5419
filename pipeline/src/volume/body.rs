//! Where in a volume the patient is.
//!
//! A threshold alone takes the table, its cushions and markers for body (a tenth to a quarter of the
//! "body" in published corpora). On a grid of about 4 mm, thin things are eroded away, the largest
//! connected part is kept and grown back; the box is that part's.

use std::collections::VecDeque;
use std::ops::Range;

use super::affine::AxisOrder;
use super::image::{Volume, Voxels};

/// Air, lung and foam lie below, tissue above, in Hounsfield units.
pub(crate) const BODY_HOUNSFIELD: f64 = -500.0;
/// Edge of a cell of the coarse grid in mm.
const CELL_MM: f64 = 4.0;
/// Cells taken off and put back on every side: what is thinner than 2 × this × 4 mm goes.
const EROSION: usize = 2;

/// What tells body from background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Threshold {
    /// Above −500 HU.
    Body,
    /// Above Otsu's threshold (1979) of the volume's own values.
    Otsu,
}

/// The patient's box as ranges of the oriented source index, x, y, z, without margin; the whole
/// volume where nothing is found.
pub(super) fn body_box(volume: &Volume, order: AxisOrder, threshold: Threshold) -> [Range<f64>; 3] {
    let dims: [usize; 3] = order.source.map(|source| volume.dims[source]);
    let spacing = volume.affine.spacing();
    let step: [usize; 3] = order.source.map(|source| {
        ((CELL_MM / spacing[source]).round() as usize).clamp(1, volume.dims[source].max(1))
    });
    let cells: [usize; 3] = std::array::from_fn(|axis| dims[axis].div_ceil(step[axis]));
    let values = cell_means(volume, order, dims, step, cells);
    let level = match threshold {
        Threshold::Body => BODY_HOUNSFIELD as f32,
        Threshold::Otsu => otsu(&values),
    };
    let mask: Vec<bool> = values.iter().map(|value| *value > level).collect();
    // Along a short axis erosion would leave nothing.
    let reach = cells.map(|count| if count > 4 * EROSION { EROSION } else { 0 });
    let core = largest_part(&spread(&mask, cells, reach, false), cells);
    let grown = spread(&core, cells, reach, true);
    let body: Vec<bool> =
        grown.iter().zip(&mask).map(|(grown, inside)| *grown && *inside).collect();
    let Some(found) = bounds(&body, cells) else {
        return dims.map(|size| 0.0..size as f64);
    };
    std::array::from_fn(|axis| {
        let start = found[axis].start * step[axis];
        let end = (found[axis].end * step[axis]).min(dims[axis]);
        start as f64..end as f64
    })
}

/// Mean over a few voxels of each cell, in Hounsfield units, x fastest.
fn cell_means(
    volume: &Volume,
    order: AxisOrder,
    dims: [usize; 3],
    step: [usize; 3],
    cells: [usize; 3],
) -> Vec<f32> {
    let stored = [1, volume.dims[0], volume.dims[0] * volume.dims[1]];
    let at = |index: [usize; 3]| -> usize {
        (0..3)
            .map(|axis| {
                let source = order.source[axis];
                let place =
                    if order.flipped[axis] { dims[axis] - 1 - index[axis] } else { index[axis] };
                place * stored[source]
            })
            .sum()
    };
    let value = |index: [usize; 3]| {
        let raw = match &volume.voxels {
            Voxels::I16(values) => f32::from(values[at(index)]),
            Voxels::F32(values) => values[at(index)],
        };
        raw * volume.rescale.slope + volume.rescale.intercept
    };
    let mut means = Vec::with_capacity(cells.iter().product());
    for z in 0..cells[2] {
        for y in 0..cells[1] {
            for x in 0..cells[0] {
                // Two places a cell along each axis: enough against noise at this threshold.
                let mut sum = 0.0;
                for corner in 0..8 {
                    let cell = [x, y, z];
                    let index = std::array::from_fn(|axis| {
                        let quarter = if corner >> axis & 1 == 0 { 1 } else { 3 };
                        (cell[axis] * step[axis] + step[axis] * quarter / 4).min(dims[axis] - 1)
                    });
                    sum += value(index);
                }
                means.push(sum / 8.0);
            }
        }
    }
    means
}

/// Otsu's threshold over 256 bins between the lowest and the highest value.
fn otsu(values: &[f32]) -> f32 {
    let (low, high) = values
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)));
    if high <= low {
        return low;
    }
    let mut histogram = [0.0_f64; 256];
    for value in values {
        histogram[((value - low) / (high - low) * 255.0) as usize] += 1.0;
    }
    let total: f64 = histogram.iter().sum();
    let mean: f64 = histogram.iter().enumerate().map(|(bin, n)| bin as f64 * n).sum();
    let (mut below, mut sum_below, mut best, mut best_bin) = (0.0, 0.0, -1.0, 0);
    for (bin, count) in histogram.iter().enumerate() {
        below += count;
        sum_below += bin as f64 * count;
        let above = total - below;
        if below > 0.0 && above > 0.0 {
            let gap = sum_below / below - (mean - sum_below) / above;
            let between = below * above * gap * gap;
            if between > best {
                best = between;
                best_bin = bin;
            }
        }
    }
    low + (best_bin as f32 + 1.0) / 255.0 * (high - low)
}

/// Erosion (`grow` false: a cell stays where all within reach are set) or dilation by a box, one axis
/// after the other. Outside the volume counts as set for erosion, so that a body cut by the field of
/// view keeps its end.
fn spread(mask: &[bool], cells: [usize; 3], reach: [usize; 3], grow: bool) -> Vec<bool> {
    let stride = [1, cells[0], cells[0] * cells[1]];
    let mut current = mask.to_vec();
    for axis in 0..3 {
        let before = current.clone();
        for (at, value) in current.iter_mut().enumerate() {
            let place = at / stride[axis] % cells[axis];
            let low = place.saturating_sub(reach[axis]);
            let high = (place + reach[axis]).min(cells[axis] - 1);
            let mut line =
                (low..=high).map(|other| before[at - place * stride[axis] + other * stride[axis]]);
            *value = if grow { line.any(|set| set) } else { line.all(|set| set) };
        }
    }
    current
}

/// The largest part connected through faces; of equals, the first.
fn largest_part(mask: &[bool], cells: [usize; 3]) -> Vec<bool> {
    let stride = [1, cells[0], cells[0] * cells[1]];
    let mut seen = vec![false; mask.len()];
    let mut best = Vec::new();
    for start in 0..mask.len() {
        if !mask[start] || seen[start] {
            continue;
        }
        let mut part = Vec::new();
        let mut queue = VecDeque::from([start]);
        seen[start] = true;
        while let Some(at) = queue.pop_front() {
            part.push(at);
            for axis in 0..3 {
                let place = at / stride[axis] % cells[axis];
                let below = (place > 0).then(|| at - stride[axis]);
                let above = (place + 1 < cells[axis]).then(|| at + stride[axis]);
                for next in [below, above].into_iter().flatten() {
                    if mask[next] && !seen[next] {
                        seen[next] = true;
                        queue.push_back(next);
                    }
                }
            }
        }
        if part.len() > best.len() {
            best = part;
        }
    }
    let mut result = vec![false; mask.len()];
    for at in best {
        result[at] = true;
    }
    result
}

fn bounds(mask: &[bool], cells: [usize; 3]) -> Option<[Range<usize>; 3]> {
    let stride = [1, cells[0], cells[0] * cells[1]];
    let mut found: Option<[Range<usize>; 3]> = None;
    for at in mask.iter().enumerate().filter_map(|(at, set)| set.then_some(at)) {
        let place: [usize; 3] = std::array::from_fn(|axis| at / stride[axis] % cells[axis]);
        let ranges = found.get_or_insert_with(|| place.map(|place| place..place + 1));
        for (range, place) in ranges.iter_mut().zip(place) {
            *range = range.start.min(place)..range.end.max(place + 1);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use schemas::manifest::Orientation;

    use super::*;
    use crate::volume::Affine;
    use schemas::rescale::Rescale;

    /// A cylinder of tissue on a thin table with a marker in the corner, 2 mm voxels.
    fn phantom() -> Volume {
        let dims = [160, 140, 60];
        let mut values = vec![-1000_i16; dims.iter().product()];
        for (at, value) in values.iter_mut().enumerate() {
            let (x, y) = ((at % 160) as f64, (at / 160 % 140) as f64);
            if ((x - 80.0) / 60.0).powi(2) + ((y - 60.0) / 40.0).powi(2) < 1.0 {
                *value = 40;
            }
            // A table of 3 voxels with a gap to the back, and a marker on the skin's side.
            if (108.0..111.0).contains(&y) || (x < 4.0 && y < 4.0) {
                *value = 200;
            }
        }
        Volume {
            voxels: Voxels::I16(values),
            dims,
            affine: Affine::from_columns(
                [[-2.0, 0.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, 2.0]],
                [0.0; 3],
            ),
            rescale: Rescale::IDENTITY,
        }
    }

    #[test]
    fn table_and_markers_are_left_out_and_the_body_is_whole() {
        let volume = phantom();
        let order = volume.affine.order_for(Orientation::Lps);
        for threshold in [Threshold::Body, Threshold::Otsu] {
            let [x, y, z] = body_box(&volume, order, threshold);
            for (found, expected) in
                [(x.start, 20.0), (x.end, 140.0), (y.start, 20.0), (y.end, 100.0)]
            {
                assert!((found - expected).abs() <= 4.0, "{found} {expected}");
            }
            assert_eq!((z.start, z.end), (0.0, 60.0), "the body runs through the field of view");
        }
    }

    #[test]
    fn the_box_turns_with_the_orientation() {
        let volume = phantom();
        let [_, lps, _] =
            body_box(&volume, volume.affine.order_for(Orientation::Lps), Threshold::Body);
        let [_, ras, _] =
            body_box(&volume, volume.affine.order_for(Orientation::Ras), Threshold::Body);
        assert!((ras.start - (140.0 - lps.end)).abs() <= 4.0, "{lps:?} {ras:?}");
    }

    #[test]
    fn empty_air_gives_the_whole_volume() {
        let mut volume = phantom();
        volume.voxels = Voxels::I16(vec![-1000; 160 * 140 * 60]);
        let order = volume.affine.order_for(Orientation::Lps);
        assert_eq!(body_box(&volume, order, Threshold::Body)[0], 0.0..160.0);
    }
}
