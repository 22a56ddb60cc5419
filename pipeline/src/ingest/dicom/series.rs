//! Files into series, and a series into a volume.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use schemas::reason::Reason;

use super::super::error::IngestError;
use super::super::source::SeriesImage;
use super::geometry::order_slices;
use super::header::SliceHeader;
use super::pixels::stored_values;
use crate::volume::{Rescale, Volume, Voxels};

/// The files of one SeriesInstanceUID, with what its first header says.
#[derive(Debug, Clone, PartialEq)]
pub struct DicomSeries {
    /// Headers, sorted by path.
    pub slices: Vec<SliceHeader>,
}

/// Whether the file starts like a DICOM file (`DICM` after the preamble).
pub fn is_dicom(path: &Path) -> bool {
    let mut start = [0_u8; 132];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && start.ends_with(b"DICM")
}

/// Sorts files into series by SeriesInstanceUID. Files that are no readable DICOM come back with
/// their error; DICOMDIR files are passed over.
pub fn group(files: &[PathBuf]) -> (BTreeMap<String, DicomSeries>, Vec<(PathBuf, IngestError)>) {
    let mut series: BTreeMap<String, DicomSeries> = BTreeMap::new();
    let mut unreadable = Vec::new();
    let mut files: Vec<_> = files.to_vec();
    files.sort_unstable();
    for path in files {
        if path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("DICOMDIR")) {
            continue;
        }
        match SliceHeader::read(&path) {
            Ok(header) => series
                .entry(header.series_uid.clone())
                .or_insert_with(|| DicomSeries { slices: Vec::new() })
                .slices
                .push(header),
            Err(error) => unreadable.push((path, error)),
        }
    }
    (series, unreadable)
}

/// Reads the files of one series as a volume in Hounsfield units (or the modality's units).
///
/// # Errors
///
/// An [`IngestError`]; a geometry that is not one regular grid is refused with its verdict.
pub fn read(files: &[PathBuf], limit: u64) -> Result<SeriesImage, IngestError> {
    let (mut series, unreadable) = group(files);
    if let Some((_, error)) = unreadable.into_iter().next() {
        return Err(error);
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
    let ordered = order_slices(series.slices)?;
    let (rows, columns) = (ordered.slices[0].rows, ordered.slices[0].columns);
    let plane = rows * columns;
    let bytes = (plane * ordered.slices.len() * 2) as u64;
    if bytes > limit {
        return Err(IngestError::new(
            Reason::TooLarge,
            format!("voxels take {bytes} bytes, above the limit of {limit}"),
        ));
    }
    let mut warnings = Vec::new();
    let mut planes = Vec::with_capacity(ordered.slices.len());
    for slice in &ordered.slices {
        planes.push(stored_values(&slice.path, plane)?);
    }
    let padded = replace_padding(&mut planes, &ordered.slices);
    if padded > 0 {
        warnings.push(format!("{padded} padding voxels were set to air"));
    }
    let first = ordered.slices[0].rescale;
    let uniform = ordered.slices.iter().all(|slice| slice.rescale == first);
    let fits = planes.iter().flatten().all(|value| i16::try_from(*value).is_ok());
    let (voxels, rescale) = if uniform && fits {
        let values = planes.into_iter().flatten().map(|value| value as i16).collect();
        (Voxels::I16(values), first)
    } else {
        if !uniform {
            warnings.push("slope or intercept differ from slice to slice".into());
        }
        let values = planes
            .into_iter()
            .zip(&ordered.slices)
            .flat_map(|(plane, slice)| {
                let Rescale { slope, intercept } = slice.rescale;
                plane.into_iter().map(move |value| value as f32 * slope + intercept)
            })
            .collect();
        (Voxels::F32(values), Rescale::IDENTITY)
    };
    Ok(SeriesImage {
        volume: Volume {
            voxels,
            dims: [columns, rows, ordered.slices.len()],
            affine: ordered.affine,
            rescale,
        },
        modality: ordered.slices[0].modality.clone(),
        rescale_source: "dicom",
        nan_fraction: 0.0,
        warnings,
    })
}

/// Sets padding voxels to the stored value of air (−1000 HU) before anything is interpolated, so
/// that the rim of the reconstruction circle does not bleed into the body.
fn replace_padding(planes: &mut [Vec<i32>], slices: &[SliceHeader]) -> usize {
    let mut count = 0;
    for (plane, slice) in planes.iter_mut().zip(slices) {
        let Some(padding) = slice.padding else { continue };
        let Rescale { slope, intercept } = slice.rescale;
        // Only where padding lies below air, as CT scanners use it; a padding value inside the
        // range of tissue is a mistake of the writer and must not erase tissue.
        if padding as f32 * slope + intercept >= -1000.0 {
            continue;
        }
        let air = ((-1000.0 - intercept) / slope).round() as i32;
        for value in plane.iter_mut().filter(|value| **value <= padding) {
            *value = air;
            count += 1;
        }
    }
    count
}
