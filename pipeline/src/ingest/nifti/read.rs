//! A file as one image: its header is read and found sound, then its voxels.

use std::io::{self, Read};
use std::path::Path;

use nifti::Endianness;
use schemas::reason::Reason;
use schemas::rescale::Rescale;

use super::decode::{convert, datatype_width, finite};
use super::detached::{Packing, TextHeader};
use super::header::{Frame, Header, affine, check_intent, dimensions, version_one, version_two};
use super::input::Input;
use super::pair::{extension, header_path, image_path};
use super::{metaimage, nrrd};
use crate::ingest::IngestError;
use crate::ingest::content::{SNIFF_BYTES, content};
use crate::ingest::error::reason_of;
use crate::ingest::intensity::HeaderFacts;
use crate::ingest::sums::SourceSums;
use crate::volume::{Affine, Voxels};

/// A NIfTI image before its intensity unit is decided.
#[derive(Debug, Clone, PartialEq)]
pub struct NiftiImage {
    /// Voxels as stored, x fastest; some may be NaN or infinite.
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

/// Reads the NIfTI file at `path`, or the pair it is one half of; the decoded voxels may take `limit`
/// bytes at most. Of a file of several volumes the first is read where `first_frame` says so.
///
/// # Errors
///
/// An [`IngestError`] whose reason says whether the file is cut short, damaged, of another kind or
/// too large.
pub fn read(path: &Path, limit: u64, first_frame: bool) -> Result<NiftiImage, IngestError> {
    OpenedNifti::new(path, limit, first_frame, None)?.read()
}

/// A file whose header was read and found sound.
pub(crate) struct OpenedNifti<'s> {
    pub(crate) header: Header,
    pub(crate) frame: Frame,
    pub(crate) data: Input<'s>,
    /// Decoded bytes before the voxels.
    pub(crate) skip: u64,
    /// Bytes of the voxels, decoded.
    pub(crate) bytes: usize,
    pub(crate) affine: Affine,
    pub(crate) oriented: bool,
    pub(crate) warnings: Vec<String>,
}

impl<'s> OpenedNifti<'s> {
    /// Opens the file at `path`, or the pair it is one half of. The sums of what is read go to `sums`.
    pub(crate) fn new(
        path: &Path,
        limit: u64,
        first_frame: bool,
        sums: Option<&'s SourceSums>,
    ) -> Result<Self, IngestError> {
        let mut header_file = Input::open(&header_path(path), limit, sums)?;
        let start = header_file.start();
        if start.starts_with(nrrd::MAGIC) {
            let header = nrrd::parse(path, start)?;
            return Self::with_text_header(header_file, &header, limit, sums);
        }
        if metaimage::begins(start) {
            let header = metaimage::parse(path, start)?;
            return Self::with_text_header(header_file, &header, limit, sums);
        }
        let mut warnings = Vec::new();
        let header = read_header(&mut header_file.stream()?)?;
        let frame = dimensions(&header, first_frame, &mut warnings)?;
        let count = frame.dims.iter().product::<usize>();
        let bytes = count as u64 * datatype_width(header.datatype)? as u64;
        if bytes > limit {
            return Err(IngestError::new(
                Reason::TooLarge,
                format!("voxels take {bytes} bytes, above the limit of {limit}"),
            ));
        }
        if header.vox_offset > limit {
            return Err(IngestError::new(
                Reason::VolumeCorrupt,
                format!("impossible `vox_offset` {}", header.vox_offset),
            ));
        }
        let is_pair = header.is_pair || matches!(extension(path).as_str(), "hdr" | "img");
        let (data, skip) = if is_pair {
            let image = Input::open(&image_path(path)?, limit, sums)?;
            (image, header.vox_offset)
        } else {
            let earliest = header.length + 4;
            if header.vox_offset < earliest {
                warnings.push(format!(
                    "vox_offset {} lies inside the header; {earliest} is used",
                    header.vox_offset
                ));
            }
            (header_file, header.vox_offset.max(earliest))
        };
        check_intent(&header)?;
        let (affine, oriented) = affine(&header, frame.dims, &mut warnings)?;
        let bytes = bytes as usize;
        Ok(Self { header, frame, data, skip, bytes, affine, oriented, warnings })
    }

    /// An image of another format, whose header is a text at the beginning of `file`.
    fn with_text_header(
        file: Input<'s>,
        text: &TextHeader,
        limit: u64,
        sums: Option<&'s SourceSums>,
    ) -> Result<Self, IngestError> {
        let count: usize = text.dims.iter().product();
        let bytes = count as u64 * datatype_width(text.datatype)? as u64;
        if bytes > limit {
            return Err(IngestError::new(
                Reason::TooLarge,
                format!("voxels take {bytes} bytes, above the limit of {limit}"),
            ));
        }
        let bytes = bytes as usize;
        let mut data = match &text.data_file {
            Some(path) => Input::open(path, limit, sums)?,
            None => file,
        };
        let mut skip = text.skip;
        if text.packing == Packing::Deflated {
            data = data.inflated(skip, bytes)?;
            skip = 0;
        }
        let mut warnings = Vec::new();
        // The world of both formats is LPS.
        let to_ras = |vector: [f64; 3]| [0.0 - vector[0], 0.0 - vector[1], vector[2]];
        let (affine, oriented) = if let Some((axes, origin)) = text.placed {
            (Affine::from_columns(axes.map(to_ras), to_ras(origin)), true)
        } else {
            warnings.push("no orientation in the header; LPS is assumed".into());
            let [x, y, z] = text.spacing.unwrap_or([1.0; 3]);
            let columns = [[-x, 0.0, 0.0], [0.0, -y, 0.0], [0.0, 0.0, z]];
            (Affine::from_columns(columns, [0.0; 3]), false)
        };
        if !affine.is_valid() {
            let problem = "the directions of the axes span no volume";
            return Err(IngestError::new(Reason::IrregularGeometry, problem));
        }
        let header = Header::without_fields(text.datatype, text.endianness());
        let frame = Frame { dims: text.dims, is_last: true };
        Ok(Self { header, frame, data, skip, bytes, affine, oriented, warnings })
    }

    /// Reads the image.
    ///
    /// # Errors
    ///
    /// As [`read`].
    pub(crate) fn read(mut self) -> Result<NiftiImage, IngestError> {
        let is_last = self.frame.is_last;
        let raw = self.data.voxels(self.skip, self.bytes, is_last, &mut self.warnings)?;
        let count = self.count();
        let (voxels, integers) =
            convert(raw, self.header.datatype, self.header.endianness, count, true);
        let (not_finite, minimum) = finite(&voxels);
        let nan_fraction = not_finite as f64 / count.max(1) as f64;
        let facts =
            HeaderFacts { scaling: self.scaling(), integers, oriented: self.oriented, minimum };
        let OpenedNifti { frame, affine, warnings, .. } = self;
        Ok(NiftiImage { voxels, dims: frame.dims, affine, facts, nan_fraction, warnings })
    }

    /// Voxels of the image.
    pub(crate) fn count(&self) -> usize {
        self.frame.dims.iter().product()
    }

    /// Scaling in the header, where it is a valid one.
    pub(crate) fn scaling(&self) -> Option<Rescale> {
        // NIfTI-2 has doubles here, which may be too small or too large for what voxels are.
        let [slope, intercept] = [self.header.scl_slope, self.header.scl_inter].map(|x| x as f32);
        let valid = slope.is_finite() && slope != 0.0;
        valid.then_some(Rescale {
            slope,
            intercept: if intercept.is_finite() { intercept } else { 0.0 },
        })
    }
}

fn read_header(input: &mut impl Read) -> Result<Header, IngestError> {
    let mut start = [0_u8; 348];
    // The size comes first, so that a short file of another kind is called that and not cut short.
    let begun = read_some(input, &mut start[..4])?;
    if begun < 4 {
        let words = content(&start[..begun]).words();
        return Err(IngestError::new(
            Reason::VolumeTruncated,
            format!("{words}; it ends inside the header"),
        ));
    }
    let size = [start[0], start[1], start[2], start[3]];
    let known = [i32::from_le_bytes(size), i32::from_be_bytes(size)];
    if known.iter().any(|size| [348, 540].contains(size)) {
        read_exactly(input, &mut start[4..])?;
    }
    match (i32::from_le_bytes(size), i32::from_be_bytes(size)) {
        (348, _) | (_, 348) => version_one(&start),
        (540, _) | (_, 540) => {
            let mut rest = [0_u8; 192];
            read_exactly(input, &mut rest)?;
            let endianness =
                if i32::from_le_bytes(size) == 540 { Endianness::Little } else { Endianness::Big };
            Ok(version_two(&[&start[..], &rest[..]].concat(), endianness))
        }
        _ => {
            let mut rest = Vec::new();
            // What cannot be read tells nothing more of what the file is.
            let _read = input.take(SNIFF_BYTES).read_to_end(&mut rest);
            let start = [&start[..4], &rest].concat();
            Err(IngestError::new(
                Reason::VolumeUnsupported,
                format!(
                    "{}; neither NIfTI-1 nor NIfTI-2: the header size is not 348 or 540",
                    content(&start).words()
                ),
            ))
        }
    }
}

/// Fills as much of `buffer` as there is.
fn read_some(input: &mut impl Read, buffer: &mut [u8]) -> Result<usize, IngestError> {
    let mut bytes = Vec::new();
    let read = input.take(buffer.len() as u64).read_to_end(&mut bytes);
    read.map_err(|error| {
        IngestError::new(reason_of(&error), format!("unreadable header: {error}"))
    })?;
    buffer[..bytes.len()].copy_from_slice(&bytes);
    Ok(bytes.len())
}

fn read_exactly(input: &mut impl Read, buffer: &mut [u8]) -> Result<(), IngestError> {
    input.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            IngestError::new(Reason::VolumeTruncated, "ends inside the header")
        }
        _ => IngestError::new(reason_of(&error), format!("unreadable header: {error}")),
    })
}
