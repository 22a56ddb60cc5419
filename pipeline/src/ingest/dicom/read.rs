//! A stack into a volume.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;
use schemas::manifest::GeometryPolicy;
use schemas::reason::Reason;

use super::super::error::IngestError;
use super::super::geometry::SeriesGeometry;
use super::super::source::SeriesImage;
use super::codec::{Work, decode};
use super::geometry::{Frame, Stack};
use super::header::SliceHeader;
use super::plane::Transform;
use super::series::group;
use super::stacks::stacks;
use crate::ingest::archive::Files;
use crate::memory::zeroed;
use crate::volume::repair::{interpolate_slices, remove_shear};
use crate::volume::{Volume, Voxels};
use schemas::rescale::Rescale;

/// Air, in Hounsfield units.
const AIR: f64 = -1000.0;
/// Padding at or above this, in Hounsfield units, is air already, or a mistake of the writer that
/// must not erase tissue.
const DARKEST_AIR: f64 = -1024.0;

/// Reads the files of one series as a volume in Hounsfield units (or the modality's units). `stack`
/// chooses one of its stacks; without it there must be only one that is a volume.
///
/// # Errors
///
/// An [`IngestError`]; a geometry that `policy` does not remedy is refused with its verdict.
pub fn read(
    files: &[PathBuf],
    stack: Option<usize>,
    policy: GeometryPolicy,
    limit: u64,
) -> Result<SeriesImage, IngestError> {
    let (mut series, unreadable) = group(files);
    if let Some((_, error)) = unreadable.into_iter().next() {
        return Err(error);
    }
    // Reports and contours may lie beside the images.
    if series.len() > 1 {
        series.retain(|_, series| series.slices.iter().any(|slice| slice.pixels.is_some()));
    }
    if series.len() > 1 {
        return Err(IngestError::new(
            Reason::NotAVolume,
            format!("holds {} series; one was expected", series.len()),
        ));
    }
    let Some((_, series)) = series.pop_first() else {
        return Err(IngestError::new(Reason::NotAVolume, "holds no DICOM image"));
    };
    let mut found = stacks(&series.slices);
    let mut warnings = Vec::new();
    let chosen = match stack {
        Some(number) => number,
        None => only_volume(&found, &mut warnings)?,
    };
    if chosen >= found.len() {
        return Err(IngestError::new(
            Reason::MultiStack,
            format!("the series holds {} stacks; number {chosen} is not there", found.len()),
        ));
    }
    let chosen = found.swap_remove(chosen);
    read_stack(&chosen, policy, limit, warnings)
}

/// The number of the one stack that is a volume.
fn only_volume(found: &[Stack], warnings: &mut Vec<String>) -> Result<usize, IngestError> {
    let mut volumes = found.iter().enumerate().filter(|(_, stack)| stack.is_candidate());
    match (volumes.next(), volumes.next()) {
        (None, _) => Ok(0),
        (Some((number, stack)), None) => {
            let all: usize = found.iter().map(|stack| stack.frames.len()).sum();
            let others = all - stack.frames.len();
            if others > 0 {
                warnings.push(format!("{others} other images of the series were left out"));
            }
            Ok(number)
        }
        _ => {
            let sizes: Vec<String> = found
                .iter()
                .map(|stack| format!("{} ({})", stack.frames.len(), stack.verdict.name()))
                .collect();
            Err(IngestError::new(
                Reason::MultiStack,
                format!("the series falls into stacks of {} slices", sizes.join(", ")),
            ))
        }
    }
}

fn read_stack(
    stack: &Stack,
    policy: GeometryPolicy,
    limit: u64,
    mut warnings: Vec<String>,
) -> Result<SeriesImage, IngestError> {
    let grid = stack.grid(policy)?;
    let first = Arc::clone(&grid.frames[0].header);
    let (rows, columns) = (first.rows, first.columns);
    let plane = rows * columns;
    let depth = grid.targets.as_ref().map_or(grid.frames.len(), Vec::len).max(grid.frames.len());
    let bytes = plane as u64 * depth as u64 * 2;
    if bytes > limit {
        return Err(IngestError::new(
            Reason::TooLarge,
            format!("voxels take {bytes} bytes, above the limit of {limit}"),
        ));
    }
    for frame in &stack.frames {
        for warning in &frame.header.warnings {
            if !warnings.contains(warning) {
                warnings.push(warning.clone());
            }
        }
    }
    warnings.extend(grid.warnings);
    let mut words = zeroed::<i16>(plane * grid.frames.len());
    decode_all(&grid.frames, &mut words, plane, limit)?;
    let replaced: Vec<(usize, usize)> = words
        .par_chunks_mut(plane)
        .zip(&grid.frames)
        .map(|(values, frame)| replace_padding(values, frame))
        .collect();
    let padded: usize = replaced.iter().map(|(padded, _)| padded).sum();
    let changed: usize = replaced.iter().map(|(_, changed)| changed).sum();
    if changed > 0 {
        warnings.push(format!("{changed} padding voxels were set to air"));
    }
    let padding_fraction = padded as f64 / words.len() as f64;
    let (mut voxels, rescale) = to_voxels(words, &grid.frames, plane, &mut warnings);
    let mut dims = [columns, rows, grid.frames.len()];
    if let Some(targets) = &grid.targets {
        voxels = interpolate_slices(voxels, plane, targets);
        dims[2] = targets.len();
    }
    let mut volume = Volume { voxels, dims, affine: grid.affine, rescale };
    let mut repaired = grid.repaired;
    if grid.unshear {
        let air = if is_ct(&first) { AIR } else { 0.0 };
        let (made, text) = remove_shear(volume, air as f32);
        volume = made;
        repaired.push(text.clone());
        warnings.push(text);
    }
    Ok(SeriesImage {
        volume,
        modality: first.modality.clone(),
        rescale_source: "dicom",
        nan_fraction: 0.0,
        warnings,
        geometry: SeriesGeometry {
            verdict: stack.verdict,
            facts: stack.facts.clone(),
            repaired,
            padding_fraction,
        },
    })
}

fn is_ct(header: &SliceHeader) -> bool {
    header.modality.is_empty() || header.modality == "CT"
}

/// Decodes every frame into its place in `words`, file by file in parallel.
fn decode_all(
    frames: &[Frame],
    words: &mut [i16],
    plane: usize,
    limit: u64,
) -> Result<(), IngestError> {
    let files = Files::new(frames.iter().map(|frame| frame.header.path.as_path()));
    let mut by_file: BTreeMap<&PathBuf, (&Arc<SliceHeader>, Vec<Work<'_>>)> = BTreeMap::new();
    for (frame, values) in frames.iter().zip(words.chunks_mut(plane)) {
        by_file
            .entry(&frame.header.path)
            .or_insert_with(|| (&frame.header, Vec::new()))
            .1
            .push((frame.number, values));
    }
    // The first error by path, whichever thread met one first.
    let results: Vec<Result<(), IngestError>> = by_file
        .into_values()
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(header, work)| decode(&files, header, work, limit))
        .collect();
    results.into_iter().collect()
}

/// Sets padding voxels to air before anything is interpolated, so that the rim of the
/// reconstruction circle does not bleed into the body. Gives the number of padding voxels and of
/// those that were changed.
fn replace_padding(values: &mut [i16], frame: &Frame) -> (usize, usize) {
    let plane = frame.plane();
    let Some([low, high]) = plane.padding else { return (0, 0) };
    let signed = frame.header.cell.signed;
    let bounds = if signed { [-32_768, 32_767] } else { [0, 65_535] };
    let [low, high] = [low, high].map(|value| value.clamp(bounds[0], bounds[1]));
    // Only a CT's padding that lies wholly below air is replaced.
    let air = match plane.transform {
        Transform::Linear { slope, intercept } if is_ct(&frame.header) => {
            let unit = |value: i32| f64::from(value) * slope + intercept;
            let air = ((AIR - intercept) / slope).round();
            let air = air.clamp(f64::from(bounds[0]), f64::from(bounds[1])) as i32;
            (unit(low).max(unit(high)) < DARKEST_AIR).then_some(air)
        }
        _ => None,
    };
    // An unsigned word is moved by half its range, so that words of either sign compare as one.
    let move_by = if signed { 0 } else { i16::MIN };
    let word = |value: i32| value as i16 ^ move_by;
    let (low, high) = (word(low), word(high));
    let air = air.map(|air| air as i16);
    let mut padded = 0_usize;
    // Runs short enough for a narrow counter, which the compiler can widen into vectors.
    for run in values.chunks_mut(1 << 12) {
        let mut count = 0_u16;
        for value in run.iter() {
            let moved = *value ^ move_by;
            count += u16::from(moved >= low && moved <= high);
        }
        padded += usize::from(count);
        if let (Some(air), true) = (air, count > 0) {
            for value in run {
                let moved = *value ^ move_by;
                *value = if moved >= low && moved <= high { air } else { *value };
            }
        }
    }
    (padded, if air.is_some() { padded } else { 0 })
}

/// Stored words of all planes as voxels with one rescale: integers where all planes share one
/// linear map up to whole steps and every value fits, else floats with the map applied.
fn to_voxels(
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
