//! Stored words into voxels with one rescale.

use rayon::prelude::*;
use schemas::rescale::Rescale;

use super::header::Transform;
use super::stack::Frame;
use crate::volume::Voxels;

/// Shifts of intercepts that are whole numbers up to this are whole numbers: intercepts are written in decimals.
const SHIFT_ROUNDING: f64 = 1e-9;
/// Beyond this no shifted value would fit into a word.
const MAX_SHIFT: f64 = 65_536.0;

/// Stored words of all planes as voxels with one rescale: integers where all planes share one
/// linear map up to whole steps and every value fits, else floats with the map applied.
pub(crate) fn to_voxels(
    mut words: Vec<i16>,
    frames: &[Frame],
    plane: usize,
    warnings: &mut Vec<String>,
) -> (Voxels, Rescale) {
    let first = &frames[0].plane().transform;
    if frames.iter().any(|frame| frame.plane().transform != *first) {
        warnings.push("slope or intercept differ from slice to slice".into());
    }
    if frames.iter().any(|frame| is_signed(frame) != is_signed(&frames[0])) {
        warnings.push("signed and unsigned slices are mixed".into());
    }
    if let (Some(shifts), Transform::Linear { slope, intercept }) = (shifts(first, frames), first)
        && shifted_values_fit(&words, frames, plane, &shifts)
    {
        shift_words(&mut words, frames, plane, &shifts);
        let rescale = Rescale { slope: *slope as f32, intercept: *intercept as f32 };
        return (Voxels::I16(words), rescale);
    }
    (Voxels::F32(as_units(&words, frames, plane)), Rescale::IDENTITY)
}

fn is_signed(frame: &Frame) -> bool {
    frame.header.cell.signed
}

/// The stored value of a word.
fn value(word: i16, signed: bool) -> i32 {
    if signed { i32::from(word) } else { i32::from(word as u16) }
}

/// What to add to each plane's stored values so that the map `first` holds for all of them; none where no whole numbers
/// do so.
fn shifts(first: &Transform, frames: &[Frame]) -> Option<Vec<i32>> {
    let shift = |frame: &Frame| match (first, &frame.plane().transform) {
        (
            Transform::Linear { slope, intercept },
            Transform::Linear { slope: other, intercept: offset },
        ) => {
            let shift = (offset - intercept) / slope;
            let whole =
                (slope - other).abs() <= 0.0 && (shift - shift.round()).abs() < SHIFT_ROUNDING;
            (whole && shift.abs() < MAX_SHIFT).then_some(shift.round() as i32)
        }
        _ => None,
    };
    frames.iter().map(shift).collect()
}

/// Whether all stored values, shifted, are signed words.
fn shifted_values_fit(words: &[i16], frames: &[Frame], plane: usize, shifts: &[i32]) -> bool {
    words.par_chunks(plane).zip(frames).zip(shifts).all(|((values, frame), shift)| {
        let signed = is_signed(frame);
        if *shift == 0 {
            // Signed words fit as they are; unsigned ones where the highest bit is clear.
            return signed || values.iter().fold(0, |all, word| all | word) >= 0;
        }
        values.iter().all(|word| i16::try_from(value(*word, signed) + shift).is_ok())
    })
}

/// Adds each plane's shift to its values.
fn shift_words(words: &mut [i16], frames: &[Frame], plane: usize, shifts: &[i32]) {
    let planes = words.par_chunks_mut(plane).zip(frames).zip(shifts);
    planes.filter(|(_, shift)| **shift != 0).for_each(|((values, frame), shift)| {
        let signed = is_signed(frame);
        for word in values {
            *word = (value(*word, signed) + shift) as i16;
        }
    });
}

/// All values with their plane's map applied.
fn as_units(words: &[i16], frames: &[Frame], plane: usize) -> Vec<f32> {
    let mut voxels = vec![0.0_f32; words.len()];
    let planes = voxels.par_chunks_mut(plane).zip(words.par_chunks(plane)).zip(frames);
    planes.for_each(|((voxels, words), frame)| {
        let signed = is_signed(frame);
        match &frame.plane().transform {
            Transform::Linear { slope, intercept } => {
                for (voxel, word) in voxels.iter_mut().zip(words) {
                    *voxel = (f64::from(value(*word, signed)) * slope + intercept) as f32;
                }
            }
            Transform::Table(table) => {
                let last = table.entries.len() - 1;
                for (voxel, word) in voxels.iter_mut().zip(words) {
                    let index = (value(*word, signed) - table.first).max(0) as usize;
                    *voxel = f32::from(table.entries[index.min(last)]);
                }
            }
        }
    });
    voxels
}
