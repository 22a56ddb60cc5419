//! One separable pass from stored voxels to the bytes of a view.
//!
//! For each output slice, the source slices it needs are mixed along z, then rows along y, then
//! samples along x, and the row is written in its final type at once: memory is the source, the
//! output and one slice per thread. Mixing along z and y runs over whole rows as they are stored, which
//! compilers turn into vector code; only what is left of a row after that is gathered along x.
//! Every output value is a sum in one fixed order of the oriented axes, so neither threads nor
//! storage order change a bit.

use std::ops::Range;

use rayon::prelude::*;

use super::encode::Encoder;
use super::stored::{Intensity, Sample, Stored};
use super::taps::AxisTaps;

/// Taps along x, turned round where rows are stored backwards.
struct Gather {
    start: Vec<u32>,
    weights: Vec<f32>,
    width: usize,
    reversed: bool,
}

impl Gather {
    fn new(taps: &AxisTaps, range: &Range<usize>, reversed: bool) -> Self {
        let width = taps.width();
        let mut start = Vec::with_capacity(taps.len());
        let mut weights = Vec::with_capacity(taps.len() * width);
        for index in taps.valid() {
            let (first, row) = taps.at(index);
            let first = first - range.start;
            start.push(if reversed { range.len() - first - width } else { first } as u32);
            if reversed {
                weights.extend(row.iter().rev());
            } else {
                weights.extend(row);
            }
        }
        Self { start, weights, width, reversed }
    }

    fn apply(&self, row: &[f32], target: &mut [f32]) {
        match self.width {
            1 => {
                for ((value, &start), weight) in
                    target.iter_mut().zip(&self.start).zip(&self.weights)
                {
                    *value = row[start as usize] * weight;
                }
            }
            2 => {
                let weights = self.weights.as_chunks::<2>().0;
                for ((value, &start), weight) in target.iter_mut().zip(&self.start).zip(weights) {
                    let pair = &row[start as usize..start as usize + 2];
                    // A sum of two is the same either way round.
                    *value = pair[0] * weight[0] + pair[1] * weight[1];
                }
            }
            width => {
                let weights = self.weights.chunks_exact(width);
                for ((value, &start), weights) in target.iter_mut().zip(&self.start).zip(weights) {
                    let run = &row[start as usize..start as usize + width];
                    let terms = weights.iter().zip(run).map(|(weight, value)| weight * value);
                    *value = if self.reversed {
                        terms.rev().fold(0.0, |sum, term| sum + term)
                    } else {
                        terms.fold(0.0, |sum, term| sum + term)
                    };
                }
            }
        }
    }
}

/// What one thread needs.
struct Scratch {
    mixed: Vec<f32>,
    row: Vec<f32>,
    line: Vec<f32>,
}

/// Writes the output slices that `wanted` names of every channel of `encoder` into `output`, which
/// holds the channels one after another, each `[z, y, x]`.
pub(super) fn resample<T: Sample>(
    source: &Stored<'_, T>,
    taps: &[AxisTaps; 3],
    intensity: Intensity,
    encoder: &Encoder,
    wanted: impl Fn(usize) -> bool,
    output: &mut [u8],
) {
    let pass = Pass::new(source, taps, intensity, encoder);
    // The same slice of every channel is one piece of work.
    let slices = taps[2].len();
    let mut targets: Vec<(usize, Vec<&mut [u8]>)> =
        (0..slices).map(|z| (z, Vec::with_capacity(encoder.channels()))).collect();
    let plane = pass.row_bytes * taps[1].len();
    for channel in output.chunks_mut(plane * slices) {
        for ((_, slot), target) in targets.iter_mut().zip(channel.chunks_mut(plane)) {
            slot.push(target);
        }
    }
    targets.retain(|(z, _)| wanted(*z));
    targets.into_par_iter().for_each_init(
        || pass.scratch(),
        |scratch, (z, mut channels)| pass.slice(z, &mut channels, scratch),
    );
}

/// One pass over a source.
struct Pass<'a, T> {
    source: &'a Stored<'a, T>,
    taps: &'a [AxisTaps; 3],
    intensity: Intensity,
    encoder: &'a Encoder,
    gather: Gather,
    /// Output indices along z, y, x that lie inside the source.
    valid: [Range<usize>; 3],
    /// Source samples along x and y that any of them needs.
    source_x: Range<usize>,
    source_y: Range<usize>,
    /// Bytes of a sample and of a row of the output.
    size: usize,
    row_bytes: usize,
    /// Nothing is interpolated along x.
    is_run: bool,
    /// Nor along y: source rows go to output rows with no array between.
    is_copy: bool,
    /// The copy is one of whole numbers, to which this is added.
    shift: Option<i16>,
}

impl<'a, T: Sample> Pass<'a, T> {
    fn new(
        source: &'a Stored<'a, T>,
        taps: &'a [AxisTaps; 3],
        intensity: Intensity,
        encoder: &'a Encoder,
    ) -> Self {
        let [taps_x, taps_y, taps_z] = taps;
        let (valid_x, valid_y, mut valid_z) = (taps_x.valid(), taps_y.valid(), taps_z.valid());
        if valid_x.is_empty() || valid_y.is_empty() {
            valid_z = 0..0;
        }
        let source_x = taps_x.source_range();
        let size = encoder.dtype().size();
        let is_run = taps_x.is_run();
        let is_copy = is_run && taps_y.is_run();
        Self {
            source,
            taps,
            intensity,
            encoder,
            gather: Gather::new(taps_x, &source_x, source.is_reversed()),
            valid: [valid_z, valid_y, valid_x],
            source_x,
            source_y: taps_y.source_range(),
            size,
            row_bytes: taps_x.len() * size,
            is_run,
            is_copy,
            shift: intensity.whole_shift().filter(|_| is_copy && encoder.is_whole()),
        }
    }

    fn scratch(&self) -> Scratch {
        let length = self.source_x.len();
        Scratch {
            mixed: vec![0.0; self.source_y.len() * length],
            row: vec![0.0; length],
            line: vec![0.0; self.valid[2].len()],
        }
    }

    /// Makes output slice `z` of every channel.
    fn slice(&self, z: usize, channels: &mut [&mut [u8]], scratch: &mut Scratch) {
        let [valid_z, valid_y, valid_x] = &self.valid;
        let encoder = self.encoder;
        if !valid_z.contains(&z) {
            for (index, target) in channels.iter_mut().enumerate() {
                encoder.fill(index, target);
            }
            return;
        }
        let bytes = valid_x.start * self.size..valid_x.end * self.size;
        for (index, target) in channels.iter_mut().enumerate() {
            fill_border(target, self.row_bytes, &bytes, valid_y, |border| {
                encoder.fill(index, border);
            });
        }
        let mut used_z = self.taps[2].used(z);
        let only_slice = match (used_z.next(), used_z.next()) {
            (Some((slice, 1.0)), None) if self.is_copy => Some(slice),
            _ => None,
        };
        if only_slice.is_none() {
            self.mix_slices(z, scratch);
        }
        for y in valid_y.clone() {
            let from = y * self.row_bytes + bytes.start;
            if let (Some(slice), Some(shift)) = (only_slice, self.shift)
                && let Some(run) = T::integers(self.run(y, slice))
            {
                // Whole numbers stay what they are, so that floats would give the same.
                let reversed = self.source.is_reversed();
                for (index, target) in channels.iter_mut().enumerate() {
                    let row = &mut target[from..from + run.len() * self.size];
                    encoder.copy(index, run, shift, reversed, row);
                }
                continue;
            }
            let line = match only_slice {
                Some(slice) => self.copied_line(y, slice, scratch),
                None => self.mixed_line(y, scratch),
            };
            for (index, target) in channels.iter_mut().enumerate() {
                encoder.encode(index, line, &mut target[from..from + line.len() * self.size]);
            }
        }
    }

    /// The source row of output row `y`, where rows are copied.
    fn run(&self, y: usize, slice: usize) -> &'a [T] {
        self.source.run(self.taps[1].at(y).0, slice, &self.source_x)
    }

    /// Mixes the source slices that output slice `z` needs into `scratch.mixed`, row by row.
    fn mix_slices(&self, z: usize, scratch: &mut Scratch) {
        let rows = scratch.mixed.chunks_mut(self.source_x.len());
        for (y, mixed) in self.source_y.clone().zip(rows) {
            for (index, (slice, weight)) in self.taps[2].used(z).enumerate() {
                let run = self.source.run(y, slice, &self.source_x);
                mix(mixed, run, weight, self.intensity, index == 0);
            }
        }
    }

    /// Output row `y` where nothing is interpolated.
    fn copied_line<'s>(&self, y: usize, slice: usize, scratch: &'s mut Scratch) -> &'s [f32] {
        mix(&mut scratch.line, self.run(y, slice), 1.0, self.intensity, true);
        if self.source.is_reversed() {
            scratch.line.reverse();
        }
        &scratch.line
    }

    /// Output row `y` of the slice in `scratch.mixed`.
    fn mixed_line<'s>(&self, y: usize, scratch: &'s mut Scratch) -> &'s [f32] {
        let length = self.source_x.len();
        let rows = || {
            self.taps[1].used(y).map(|(row, weight)| {
                let from = (row - self.source_y.start) * length;
                (from..from + length, weight)
            })
        };
        let mut used = rows();
        let row = if let (Some((range, 1.0)), None) = (used.next(), used.next()) {
            &scratch.mixed[range]
        } else {
            for (index, (range, weight)) in rows().enumerate() {
                accumulate(&mut scratch.row, &scratch.mixed[range], weight, index == 0);
            }
            &scratch.row[..]
        };
        if self.is_run && !self.source.is_reversed() {
            return row;
        }
        self.gather.apply(row, &mut scratch.line);
        &scratch.line
    }
}

/// Gives `fill` what of a slice lies outside the rows `valid_y` and, in them, outside `bytes`.
fn fill_border(
    plane: &mut [u8],
    row_bytes: usize,
    bytes: &Range<usize>,
    valid_y: &Range<usize>,
    fill: impl Fn(&mut [u8]),
) {
    for (y, row) in plane.chunks_mut(row_bytes).enumerate() {
        if valid_y.contains(&y) {
            fill(&mut row[..bytes.start]);
            fill(&mut row[bytes.end..]);
        } else {
            fill(row);
        }
    }
}

fn mix<T: Sample>(
    target: &mut [f32],
    source: &[T],
    weight: f32,
    intensity: Intensity,
    is_first: bool,
) {
    match (is_first, intensity.is_identity()) {
        (true, true) => {
            for (sum, value) in target.iter_mut().zip(source) {
                *sum = weight * value.value();
            }
        }
        (false, true) => {
            for (sum, value) in target.iter_mut().zip(source) {
                *sum += weight * value.value();
            }
        }
        (true, false) => {
            for (sum, value) in target.iter_mut().zip(source) {
                *sum = weight * intensity.of(value.value());
            }
        }
        (false, false) => {
            for (sum, value) in target.iter_mut().zip(source) {
                *sum += weight * intensity.of(value.value());
            }
        }
    }
}

fn accumulate(target: &mut [f32], source: &[f32], weight: f32, is_first: bool) {
    if is_first {
        for (sum, value) in target.iter_mut().zip(source) {
            *sum = weight * value;
        }
    } else {
        for (sum, value) in target.iter_mut().zip(source) {
            *sum += weight * value;
        }
    }
}
