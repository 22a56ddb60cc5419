//! Stored words into voxels with one rescale.

use rayon::prelude::*;
use schemas::rescale::Rescale;

use super::header::Transform;
use super::stack::Frame;
use crate::volume::Voxels;

/// Stored words of all planes as voxels with one rescale: integers where all planes share one
/// linear map up to whole steps and every value fits, else floats with the map applied.
pub(crate) fn to_voxels(
    mut words: Vec<i16>,
    frames: &[Frame],
    plane: usize,
    warnings: &mut Vec<String>,
) -> (Voxels, Rescale) {
    let first = &frames[0].plane().transform;
    let differing = frames.iter().any(|frame| frame.plane().transform != *first);
    if differing {
        warnings.push("slope or intercept differ from slice to slice".into());
    }
    let signs = frames.iter().any(|frame| frame.header.cell.signed != frames[0].header.cell.signed);
    if signs {
        warnings.push("signed and unsigned slices are mixed".into());
    }
    // What to add to each plane's stored values so that the first one's map holds for all.
    let shifts: Option<Vec<i32>> = frames
        .iter()
        .map(|frame| match (first, &frame.plane().transform) {
            (
                Transform::Linear { slope, intercept },
                Transform::Linear { slope: other, intercept: offset },
            ) => {
                let shift = (offset - intercept) / slope;
                let whole = (slope - other).abs() <= 0.0 && (shift - shift.round()).abs() < 1e-9;
                (whole && shift.abs() < 65_536.0).then_some(shift.round() as i32)
            }
            _ => None,
        })
        .collect();
    let value = |word: i16, signed: bool| {
        if signed { i32::from(word) } else { i32::from(word as u16) }
    };
    if let (Some(shifts), Transform::Linear { slope, intercept }) = (shifts, first) {
        let fits =
            words.par_chunks(plane).zip(frames).zip(&shifts).all(|((values, frame), shift)| {
                let signed = frame.header.cell.signed;
                if *shift == 0 {
                    // Signed words fit as they are; unsigned ones where the highest bit is clear.
                    return signed || values.iter().fold(0, |all, word| all | word) >= 0;
                }
                values.iter().all(|word| i16::try_from(value(*word, signed) + shift).is_ok())
            });
        if fits {
            words.par_chunks_mut(plane).zip(frames).zip(&shifts).for_each(
                |((values, frame), shift)| {
                    if *shift != 0 {
                        let signed = frame.header.cell.signed;
                        for word in values {
                            *word = (value(*word, signed) + shift) as i16;
                        }
                    }
                },
            );
            let rescale = Rescale { slope: *slope as f32, intercept: *intercept as f32 };
            return (Voxels::I16(words), rescale);
        }
    }
    let mut voxels = vec![0.0_f32; words.len()];
    voxels.par_chunks_mut(plane).zip(words.par_chunks(plane)).zip(frames).for_each(
        |((voxels, words), frame)| {
            let signed = frame.header.cell.signed;
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
        },
    );
    (Voxels::F32(voxels), Rescale::IDENTITY)
}
