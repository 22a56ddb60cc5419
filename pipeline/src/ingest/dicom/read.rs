//! A stack into a volume.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;
use schemas::manifest::GeometryPolicy;
use schemas::reason::Reason;

use super::header::SliceHeader;
use super::padding::replace_padding;
use super::pixels::{Bits, Work, decode, extend_all};
use super::stack::{DicomFiles, Frame, Stack, group_from, stacks};
use super::units::to_voxels;
use crate::ingest::archive::Files;
use crate::ingest::geometry::AIR_HU;
use crate::ingest::{IngestError, SeriesFacts, SeriesGeometry, SeriesImage, SourceSums};
use crate::memory::zeroed;
use crate::volume::Volume;
use crate::volume::repair::{interpolate_slices, remove_shear};

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
    read_with_sums(files, stack, policy, limit, None)
}

/// As [`read`]; the sums of what is read go to `sums`.
pub(crate) fn read_with_sums(
    files: &[PathBuf],
    stack: Option<usize>,
    policy: GeometryPolicy,
    limit: u64,
    sums: Option<&SourceSums>,
) -> Result<SeriesImage, IngestError> {
    let reader = Files::new(files.iter().map(PathBuf::as_path)).with_sums(sums);
    let DicomFiles { mut series, unreadable, copies: _, directories: _ } =
        group_from(&reader, files, &[]);
    if let Some((_, error)) = unreadable.into_iter().next() {
        return Err(error);
    }
    // Reports and contours may lie beside the images.
    if series.len() > 1 {
        series.retain(|series| series.slices.iter().any(|slice| slice.pixels.is_some()));
    }
    if series.len() > 1 {
        return Err(IngestError::new(
            Reason::NotAVolume,
            format!("holds {} series; one was expected", series.len()),
        ));
    }
    let Some(series) = series.pop() else {
        return Err(IngestError::new(Reason::NotAVolume, "holds no DICOM image"));
    };
    let mut found = stacks(&series.slices);
    let mut warnings = series.notes;
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
    read_stack(&reader, &chosen, policy, limit, warnings)
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
    files: &Files<'_>,
    stack: &Stack,
    policy: GeometryPolicy,
    limit: u64,
    mut warnings: Vec<String>,
) -> Result<SeriesImage, IngestError> {
    if let Some(refusal) = stack.refused(policy) {
        return Err(refusal);
    }
    let grid = stack.grid(policy)?;
    warnings.extend(stack.warnings().cloned());
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
    warnings.extend(too_few(stack));
    let mut words = zeroed::<i16>(plane * grid.frames.len());
    decode_all(files, &grid.frames, &mut words, plane, limit)?;
    let bits: Vec<Bits> = grid
        .frames
        .iter()
        .map(|frame| Bits { cell: frame.header.cell, has_overlay: frame.header.has_overlay_bits })
        .collect();
    warnings.extend(extend_all(&mut words, &bits, plane));
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
        let air = if first.is_hounsfield() { AIR_HU } else { 0.0 };
        let (made, text) = remove_shear(volume, air as f32);
        volume = made;
        repaired.push(text.clone());
        warnings.push(text);
    }
    let facts = SeriesFacts {
        modality: first.modality.clone(),
        unit: first.unit_name().to_owned(),
        rescale_source: "dicom",
        nan_fraction: 0.0,
        warnings,
        geometry: SeriesGeometry {
            verdict: stack.verdict,
            facts: stack.facts.clone(),
            repaired,
            padding_fraction,
        },
    };
    Ok(SeriesImage { volume, facts })
}

/// Numbers of slices that begin this late, and later ones, are those of an export that counts on from another series.
const LATE_NUMBER: i64 = 6;

/// That the headers count more images than there are, or number them from another one on than the first, in words.
fn too_few(stack: &Stack) -> Option<String> {
    let mut numbers: Vec<i64> =
        stack.frames.iter().filter_map(|frame| frame.header.instance).collect();
    numbers.sort_unstable();
    if let Some(first) = numbers.first().filter(|first| (2..LATE_NUMBER).contains(*first))
        && numbers.len() == stack.frames.len()
        && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1)
    {
        return Some(format!("InstanceNumber begins at {first}: slices before it may be missing"));
    }
    let counted = stack.frames.iter().filter_map(|frame| frame.header.counted_images).max()?;
    let found = stack.frames.len() as i64;
    (counted > found && stack.frames.iter().all(|frame| frame.header.frames() == 1)).then(|| {
        format!("headers count {counted} images, and there are {found}: slices may be missing")
    })
}

/// Decodes every frame into its place in `words`, file by file in parallel.
fn decode_all(
    files: &Files<'_>,
    frames: &[Frame],
    words: &mut [i16],
    plane: usize,
    limit: u64,
) -> Result<(), IngestError> {
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
        .map(|(header, work)| decode(files, header, work, limit))
        .collect();
    results.into_iter().collect()
}
