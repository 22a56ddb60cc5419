//! Voxels of a file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use nifti::Endianness;
use schemas::reason::Reason;

use super::super::error::IngestError;
use super::super::gzip::{MAGIC, Members};
use super::super::intensity::HeaderFacts;
use super::header::{affine, datatype_width, dimensions, read_header};
use crate::volume::{Affine, Rescale, Voxels};

/// A NIfTI image before its intensity unit is decided.
#[derive(Debug, Clone, PartialEq)]
pub struct NiftiImage {
    /// Voxels as stored, x fastest; NaN and infinite values are replaced by −1024.
    pub voxels: Voxels,
    /// Size along x, y, z.
    pub dims: [usize; 3],
    /// Voxel to world (RAS, mm).
    pub affine: Affine,
    /// What the header says of the unit.
    pub facts: HeaderFacts,
    /// Share of voxels that were NaN or infinite.
    pub nan_fraction: f64,
    /// What is odd but was accepted.
    pub warnings: Vec<String>,
}
/// Reads the NIfTI file at `path`; the decoded voxels may take `limit` bytes at most.
///
/// # Errors
///
/// An [`IngestError`] whose reason says whether the file is cut short, damaged, of another kind or
/// too large.
pub fn read(path: &Path, limit: u64) -> Result<NiftiImage, IngestError> {
    let file = File::open(path).map_err(|error| {
        IngestError::new(Reason::VolumeCorrupt, format!("cannot open: {error}"))
    })?;
    let mut input = BufReader::with_capacity(1 << 16, file);
    let start = input.fill_buf().map_err(|error| read_error(&error, 0, 0))?;
    if start.starts_with(&MAGIC) {
        let mut members = Members::new(input);
        let mut image = decode(&mut members, limit)?;
        if members.trailing {
            image.warnings.push("bytes that are no gzip follow the stream".into());
        }
        Ok(image)
    } else {
        decode(&mut input, limit)
    }
}

fn decode(input: &mut impl Read, limit: u64) -> Result<NiftiImage, IngestError> {
    let mut warnings = Vec::new();
    let header = read_header(input)?;
    let dims = dimensions(&header, &mut warnings)?;
    let count = dims.iter().product::<usize>();
    let width = datatype_width(header.datatype)?;
    let bytes = count as u64 * width as u64;
    if bytes > limit {
        return Err(IngestError::new(
            Reason::TooLarge,
            format!("voxels take {bytes} bytes, above the limit of {limit}"),
        ));
    }
    let mut gap = header.vox_offset;
    if gap < header.length + 4 {
        warnings.push(format!(
            "vox_offset {gap} lies inside the header; {} is used",
            header.length + 4
        ));
        gap = header.length + 4;
    }
    let skip = gap - header.length;
    let skipped = io::copy(&mut input.by_ref().take(skip), &mut io::sink())
        .map_err(|error| read_error(&error, 0, bytes))?;
    let mut raw = Vec::new();
    raw.try_reserve_exact(bytes as usize).map_err(|_| {
        IngestError::new(Reason::TooLarge, format!("no memory for {bytes} bytes of voxels"))
    })?;
    input
        .by_ref()
        .take(bytes)
        .read_to_end(&mut raw)
        .map_err(|error| read_error(&error, raw.len() as u64, bytes))?;
    if skipped < skip || (raw.len() as u64) < bytes {
        return Err(IngestError::new(
            Reason::VolumeTruncated,
            format!("ends after {} of {bytes} bytes of voxels", raw.len()),
        ));
    }
    // Reading on to the end verifies the checksum of the last gzip member.
    let trailing = io::copy(&mut input.take(limit), &mut io::sink());
    match trailing {
        Ok(0) => {}
        Ok(extra) => warnings.push(format!("{extra} bytes follow the voxels")),
        Err(error) => return Err(read_error(&error, bytes, bytes)),
    }
    let (mut voxels, integers) = convert(&raw, header.datatype, header.endianness, count);
    drop(raw);
    let nan_fraction = replace_not_finite(&mut voxels);
    let (affine, oriented) = affine(&header, &mut warnings)?;
    let valid_scale = header.scl_slope.is_finite() && header.scl_slope != 0.0;
    let scaling = valid_scale.then_some(Rescale {
        slope: header.scl_slope as f32,
        intercept: if header.scl_inter.is_finite() { header.scl_inter as f32 } else { 0.0 },
    });
    let minimum = match &voxels {
        Voxels::I16(values) => f64::from(values.iter().copied().min().unwrap_or(0)),
        Voxels::F32(values) => f64::from(values.iter().copied().fold(f32::INFINITY, f32::min)),
    };
    let facts = HeaderFacts { scaling, integers, oriented, minimum };
    Ok(NiftiImage { voxels, dims, affine, facts, nan_fraction, warnings })
}

fn read_error(error: &io::Error, done: u64, expected: u64) -> IngestError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        IngestError::new(
            Reason::VolumeTruncated,
            format!("the gzip stream is cut after {done} of {expected} bytes of voxels"),
        )
    } else {
        IngestError::new(
            Reason::VolumeCorrupt,
            format!("unreadable after {done} of {expected} bytes of voxels: {error}"),
        )
    }
}

/// Narrows to i16 where every value fits, to f32 otherwise. The flag tells integer files apart.
fn convert(raw: &[u8], datatype: i16, endianness: Endianness, count: usize) -> (Voxels, bool) {
    let little = matches!(endianness, Endianness::Little);
    macro_rules! numbers {
        ($type:ty) => {
            raw.chunks_exact(size_of::<$type>()).map(move |chunk| {
                let bytes = chunk.try_into().expect("chunks have the type's size");
                if little { <$type>::from_le_bytes(bytes) } else { <$type>::from_be_bytes(bytes) }
            })
        };
    }
    let integers = match datatype {
        2 => Some(raw.iter().map(|&value| i16::from(value)).collect()),
        256 => Some(raw.iter().map(|&value| i16::from(value as i8)).collect()),
        4 => Some(numbers!(i16).collect()),
        512 => narrow(numbers!(u16)),
        8 => narrow(numbers!(i32)),
        768 => narrow(numbers!(u32)),
        1024 => narrow(numbers!(i64)),
        1280 => narrow(numbers!(u64)),
        _ => None,
    };
    if let Some(values) = integers {
        debug_assert_eq!(values.len(), count, "the byte count was checked");
        return (Voxels::I16(values), true);
    }
    let values: Vec<f32> = match datatype {
        512 => numbers!(u16).map(f32::from).collect(),
        8 => numbers!(i32).map(|value| value as f32).collect(),
        768 => numbers!(u32).map(|value| value as f32).collect(),
        1024 => numbers!(i64).map(|value| value as f32).collect(),
        1280 => numbers!(u64).map(|value| value as f32).collect(),
        16 => numbers!(f32).collect(),
        64 => numbers!(f64).map(|value| value as f32).collect(),
        other => unreachable!("datatype {other} was refused with the width"),
    };
    (Voxels::F32(values), !matches!(datatype, 16 | 64))
}

fn replace_not_finite(voxels: &mut Voxels) -> f64 {
    let Voxels::F32(values) = voxels else { return 0.0 };
    let mut replaced = 0_usize;
    for value in values.iter_mut().filter(|value| !value.is_finite()) {
        *value = -1024.0;
        replaced += 1;
    }
    replaced as f64 / values.len().max(1) as f64
}

/// Integers wider than i16 stay exact when they fit, as Hounsfield units do.
fn narrow<T: Copy + TryInto<i16>>(values: impl Iterator<Item = T> + Clone) -> Option<Vec<i16>> {
    values.map(|value| value.try_into().ok()).collect()
}
