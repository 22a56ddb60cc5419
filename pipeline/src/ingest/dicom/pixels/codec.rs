//! Stored values of the frames of one file.
//!
//! Native pixels are read straight into the caller's memory. RLE is decoded here, JPEG-LS by
//! `pure_jpegls`, JPEG and JPEG 2000 by dicom-rs's adapters, after the code stream's own head was
//! checked against the file's. What no decoder here gets right is refused by name before it is tried.

use rayon::prelude::*;
use schemas::reason::Reason;

use super::code_stream::code_stream;
use super::coding::{Coding, check, coding, refuse};
use super::fragments::Fragments;
use super::native::{from_file_order, native};
use super::rle;
use crate::ingest::IngestError;
use crate::ingest::archive::Files;
use crate::ingest::dicom::format::whole;
use crate::ingest::dicom::header::{PixelLocation, SliceHeader};
use crate::ingest::error::reason_of;

/// One frame to be decoded: its number in the file and the memory for its stored values.
pub(crate) type Work<'w> = (usize, &'w mut [i16]);

/// Decodes frames of one file to words as they are stored; [`super::extend_all`] makes values of them. A file of more than `limit` bytes is
/// not read whole.
///
/// # Errors
///
/// [`Reason::VolumeTruncated`], [`Reason::VolumeCorrupt`] or [`Reason::VolumeUnsupported`].
pub(crate) fn decode(
    files: &Files<'_>,
    header: &SliceHeader,
    work: Vec<Work<'_>>,
    limit: u64,
) -> Result<(), IngestError> {
    let pixels = check(header)?;
    let plane = header.rows * header.columns;
    let frame_bytes = (plane * usize::from(header.cell.allocated) / 8) as u64;
    let direct = !pixels.encapsulated
        && !pixels.deflated
        && header.cell.allocated == 16
        && files.is_plain(&header.path);
    if direct {
        return read_direct(files, header, &pixels, frame_bytes, work);
    }
    let opened = whole(files, &header.path, limit)?;
    files.finish(&header.path, std::iter::empty());
    let bytes = opened.bytes.get(pixels.offset as usize..).unwrap_or_default();
    let coding = coding(&header.transfer_syntax)
        .map_err(|problem| refuse(header, Reason::VolumeUnsupported, &problem))?;
    if coding == Coding::Native {
        return work.into_par_iter().try_for_each(|(frame, values)| {
            let start = frame * frame_bytes as usize;
            native(header, bytes.get(start..).unwrap_or_default(), pixels.big_endian, values)
        });
    }
    let fragments = Fragments::parse(bytes);
    work.into_par_iter().try_for_each(|(frame, values)| {
        let data = fragments.frame(frame, header.frames()).ok_or_else(|| {
            refuse(
                header,
                Reason::VolumeTruncated,
                &format!("frame {} of {} is not there", frame + 1, header.frames()),
            )
        })?;
        match coding {
            Coding::Native | Coding::Encapsulated => native(header, &data, false, values),
            Coding::Rle => rle::decode(&data, header.cell.allocated / 8, values)
                .map_err(|problem| refuse(header, Reason::VolumeCorrupt, problem)),
            Coding::Jpeg | Coding::JpegLs | Coding::Jpeg2000 => {
                code_stream(header, coding, &data, values)
            }
        }
    })
}

/// Native words of 16 bits, from the file straight into place.
fn read_direct(
    files: &Files<'_>,
    header: &SliceHeader,
    pixels: &PixelLocation,
    frame_bytes: u64,
    mut work: Vec<Work<'_>>,
) -> Result<(), IngestError> {
    let offset = |frame: usize| pixels.offset + frame as u64 * frame_bytes;
    work.par_iter_mut().try_for_each(|(frame, values)| {
        files
            .fill(&header.path, offset(*frame), bytemuck::cast_slice_mut(values))
            .map_err(|error| short(header, &error))
    })?;
    work.sort_unstable_by_key(|(frame, _)| *frame);
    let parts = work.iter().map(|(frame, values)| (offset(*frame), bytemuck::cast_slice(values)));
    files.finish(&header.path, parts);
    work.into_par_iter().for_each(|(_, values)| from_file_order(values, pixels.big_endian));
    Ok(())
}

fn short(header: &SliceHeader, error: &std::io::Error) -> IngestError {
    refuse(header, reason_of(error), &format!("pixels cannot be read: {error}"))
}
