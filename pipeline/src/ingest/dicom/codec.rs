//! Stored values of the frames of one file.
//!
//! Native pixels are read straight into the caller's memory. RLE is decoded here, JPEG-LS by
//! `pure_jpegls`, JPEG and JPEG 2000 by dicom-rs's adapters, after the code stream's own head was
//! checked against the file's. What no decoder here gets right is refused by name before it is tried.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom::core::value::C;
use dicom::encoding::TransferSyntaxIndex;
use dicom::encoding::adapters::{PixelDataObject, RawPixelData};
use dicom::transfer_syntax::TransferSyntaxRegistry;
use rayon::prelude::*;
use schemas::reason::Reason;

use super::super::error::IngestError;
use super::fragments::{Fragments, StreamHead, jpeg_2000_head, jpeg_head};
use super::header::{Cell, PixelLocation, SliceHeader, file_name};
use super::part10::whole;
use super::rle;
use crate::ingest::archive::Files;

/// Families of transfer syntaxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Native,
    /// Native pixels in fragments.
    Encapsulated,
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
}

/// How the pixels of a transfer syntax are coded, or why they are not read.
fn coding(uid: &str) -> Result<Coding, String> {
    let Some(kind) = uid.strip_prefix("1.2.840.10008.1.2") else {
        return Err(format!("private transfer syntax `{uid}` is not read"));
    };
    match kind {
        "" | ".1" | ".2" | ".1.99" => Ok(Coding::Native),
        ".1.98" => Ok(Coding::Encapsulated),
        ".5" => Ok(Coding::Rle),
        ".4.50" | ".4.51" | ".4.53" | ".4.55" | ".4.57" | ".4.70" => Ok(Coding::Jpeg),
        ".4.90" | ".4.91" => Ok(Coding::Jpeg2000),
        ".4.80" | ".4.81" => Ok(Coding::JpegLs),
        ".4.201" | ".4.202" | ".4.203" => {
            Err("high-throughput JPEG 2000 pixels are not read; decompress the file first".into())
        }
        _ => Err(format!("transfer syntax `{uid}` is not read")),
    }
}

fn refuse(header: &SliceHeader, reason: Reason, problem: &str) -> IngestError {
    IngestError::new(reason, format!("`{}`: {problem}", file_name(&header.path)))
}

/// Whether the pixels of a file can be read at all, told from its header.
///
/// # Errors
///
/// [`Reason::NotAVolume`] for colours and files without pixels, else [`Reason::VolumeUnsupported`].
pub(super) fn check(header: &SliceHeader) -> Result<PixelLocation, IngestError> {
    let fail = |reason, problem: &str| Err(refuse(header, reason, problem));
    let Some(pixels) = header.pixels else {
        return fail(Reason::NotAVolume, "has no pixels");
    };
    if header.rows == 0 || header.columns == 0 {
        return fail(Reason::NotAVolume, "Rows and Columns are missing: no image");
    }
    if header.samples != 1 || header.photometric == "PALETTE COLOR" {
        return fail(Reason::NotAVolume, "pixels are colours, not one number");
    }
    if pixels.floats {
        return fail(Reason::VolumeUnsupported, "pixels are floats, which are not read");
    }
    let coding = coding(&header.transfer_syntax)
        .map_err(|problem| refuse(header, Reason::VolumeUnsupported, &problem))?;
    let Cell { allocated, stored, high_bit, .. } = header.cell;
    if !matches!(allocated, 8 | 16) {
        return fail(Reason::VolumeUnsupported, &format!("BitsAllocated {allocated} is not read"));
    }
    if stored == 0 || stored > allocated || high_bit + 1 != stored {
        return fail(
            Reason::VolumeUnsupported,
            &format!("BitsStored {stored} and HighBit {high_bit} of {allocated} bits"),
        );
    }
    if (coding == Coding::Native) == pixels.encapsulated {
        return fail(
            Reason::VolumeCorrupt,
            &format!(
                "pixels are {} against transfer syntax {}",
                if pixels.encapsulated { "encapsulated" } else { "native" },
                header.transfer_syntax
            ),
        );
    }
    if pixels.big_endian && allocated == 8 {
        return fail(Reason::VolumeUnsupported, "8-bit pixels in big endian are not read");
    }
    Ok(pixels)
}

/// One frame to be decoded: its number in the file and the memory for its stored values.
pub(super) type Work<'w> = (usize, &'w mut [i16]);

/// Decodes frames of one file to stored values, masked and extended from BitsStored by their sign
/// (PS3.5 section 8.1.1). An unsigned value keeps its 16 bits. A file of more than `limit` bytes is
/// not read whole.
///
/// # Errors
///
/// [`Reason::VolumeTruncated`], [`Reason::VolumeCorrupt`] or [`Reason::VolumeUnsupported`].
pub(super) fn decode(
    files: &Files,
    header: &SliceHeader,
    work: Vec<Work<'_>>,
    limit: u64,
) -> Result<(), IngestError> {
    let pixels = check(header)?;
    let plane = header.rows * header.columns;
    let frame_bytes = (plane * usize::from(header.cell.allocated) / 8) as u64;
    if !pixels.encapsulated && pixels.length < frame_bytes * header.frames() as u64 {
        return Err(refuse(
            header,
            Reason::VolumeTruncated,
            &format!(
                "holds {} of {} bytes of pixels",
                pixels.length,
                frame_bytes * header.frames() as u64
            ),
        ));
    }
    let direct = !pixels.encapsulated
        && !pixels.deflated
        && header.cell.allocated == 16
        && files.is_plain(&header.path);
    if direct {
        return work.into_par_iter().try_for_each(|(frame, values)| {
            let offset = pixels.offset + frame as u64 * frame_bytes;
            Files::fill(&header.path, offset, bytemuck::cast_slice_mut(values))
                .map_err(|error| short(header, &error))?;
            from_file_order(values, pixels.big_endian);
            extend(values, header.cell.stored, header.cell.signed);
            Ok(())
        });
    }
    let opened = whole(files, &header.path, limit)?;
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
            Coding::Rle => {
                rle::decode(&data, header.cell.allocated / 8, values)
                    .map_err(|problem| refuse(header, Reason::VolumeCorrupt, problem))?;
                extend(values, header.cell.stored, header.cell.signed);
                Ok(())
            }
            Coding::Jpeg | Coding::JpegLs | Coding::Jpeg2000 => {
                code_stream(header, coding, &data, values)
            }
        }
    })
}

fn short(header: &SliceHeader, error: &std::io::Error) -> IngestError {
    let reason = if error.kind() == std::io::ErrorKind::UnexpectedEof {
        Reason::VolumeTruncated
    } else {
        Reason::VolumeCorrupt
    };
    refuse(header, reason, &format!("pixels cannot be read: {error}"))
}

/// Native pixels of 8 or 16 bits out of memory.
fn native(
    header: &SliceHeader,
    bytes: &[u8],
    big_endian: bool,
    values: &mut [i16],
) -> Result<(), IngestError> {
    let width = usize::from(header.cell.allocated / 8);
    let Some(bytes) = bytes.get(..values.len() * width) else {
        return Err(refuse(
            header,
            Reason::VolumeTruncated,
            &format!("holds {} of {} bytes of a frame", bytes.len(), values.len() * width),
        ));
    };
    if width == 1 {
        for (value, byte) in values.iter_mut().zip(bytes) {
            *value = i16::from(*byte);
        }
    } else {
        bytemuck::cast_slice_mut::<i16, u8>(values).copy_from_slice(bytes);
        from_file_order(values, big_endian);
    }
    extend(values, header.cell.stored, header.cell.signed);
    Ok(())
}

/// Words as they lie in the file become this machine's.
fn from_file_order(values: &mut [i16], big_endian: bool) {
    for value in values {
        *value = if big_endian { i16::from_be(*value) } else { i16::from_le(*value) };
    }
}

/// Clears the bits above `stored` (overlays may lie there) or fills them with the sign.
fn extend(values: &mut [i16], stored: u16, signed: bool) {
    let shift = 16_u32.saturating_sub(u32::from(stored));
    if shift == 0 {
        return;
    }
    if signed {
        for value in values {
            *value = (*value << shift) >> shift;
        }
    } else {
        let mask = (u16::MAX >> shift) as i16;
        for value in values {
            *value &= mask;
        }
    }
}

/// A frame's JPEG, JPEG-LS or JPEG 2000 stream.
fn code_stream(
    header: &SliceHeader,
    coding: Coding,
    data: &[u8],
    values: &mut [i16],
) -> Result<(), IngestError> {
    let head = match coding {
        Coding::Jpeg2000 => jpeg_2000_head(data),
        _ => jpeg_head(data, coding == Coding::JpegLs),
    };
    let head = head.ok_or_else(|| {
        refuse(header, Reason::VolumeCorrupt, "a frame is no JPEG or JPEG 2000 stream")
    })?;
    if head.rows != header.rows || head.columns != header.columns || head.components != 1 {
        return Err(refuse(
            header,
            Reason::VolumeCorrupt,
            &format!(
                "a frame of {} × {} pixels and {} components in an image of {} × {}",
                head.columns, head.rows, head.components, header.columns, header.rows
            ),
        ));
    }
    let most = if coding == Coding::Jpeg && !head.lossless { 8 } else { 16 };
    if head.precision > most {
        return Err(refuse(
            header,
            Reason::VolumeUnsupported,
            &format!(
                "{}-bit lossy JPEG pixels are not read; decompress the file first",
                head.precision
            ),
        ));
    }
    let adapter = if coding == Coding::JpegLs {
        None
    } else {
        let reader = TransferSyntaxRegistry
            .get(&header.transfer_syntax)
            .and_then(|syntax| syntax.pixel_data_reader());
        let missing = || refuse(header, Reason::VolumeUnsupported, "has no decoder");
        Some(reader.ok_or_else(missing)?)
    };
    let failed = |problem: &str| refuse(header, Reason::VolumeCorrupt, problem);
    let precision = head.precision;
    // A decoder that fails by a panic fails on this file alone.
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        if let Some(reader) = adapter {
            let mut bytes = Vec::new();
            let frame = CodedFrame { header, head, data };
            let result = reader.decode_frame(&frame, 0, &mut bytes);
            result.map(|()| words(&bytes, precision)).map_err(|error| error.to_string())
        } else {
            let decoded = jpegls::decode(data, head.columns as u32, head.rows as u32);
            decoded.map(|(words, _, _)| words).map_err(|error| error.to_string())
        }
    }));
    let decoded = decoded
        .unwrap_or_else(|_| Err("the decoder gave up".into()))
        .map_err(|error| failed(&format!("cannot be decoded: {error}")))?;
    if decoded.len() != values.len() {
        return Err(failed("the decoder gave another number of pixels"));
    }
    for (value, word) in values.iter_mut().zip(decoded) {
        *value = word as i16;
    }
    // A JPEG 2000 stream names its own depth, and its sign may be wrong: the file's decides, as in
    // pydicom.
    let stored = if coding == Coding::Jpeg2000 { precision } else { header.cell.stored };
    extend(values, stored, header.cell.signed);
    Ok(())
}

/// Decoded bytes, one or two a pixel by the stream's precision, as words; a byte too many makes a word
/// too many.
fn words(bytes: &[u8], precision: u16) -> Vec<u16> {
    let width = if precision > 8 { 2 } else { 1 };
    let word = |pixel: &[u8]| pixel.iter().rev().fold(0, |word, &byte| word << 8 | u16::from(byte));
    bytes.chunks(width).map(word).collect()
}

/// One frame as dicom-rs's adapters want to see it.
struct CodedFrame<'a> {
    header: &'a SliceHeader,
    head: StreamHead,
    data: &'a [u8],
}

impl PixelDataObject for CodedFrame<'_> {
    fn transfer_syntax_uid(&self) -> &str {
        &self.header.transfer_syntax
    }
    fn rows(&self) -> Option<u16> {
        u16::try_from(self.head.rows).ok()
    }
    fn cols(&self) -> Option<u16> {
        u16::try_from(self.head.columns).ok()
    }
    fn samples_per_pixel(&self) -> Option<u16> {
        Some(1)
    }
    fn bits_allocated(&self) -> Option<u16> {
        Some(if self.head.precision > 8 { 16 } else { 8 })
    }
    fn bits_stored(&self) -> Option<u16> {
        Some(self.head.precision)
    }
    fn photometric_interpretation(&self) -> Option<&str> {
        Some("MONOCHROME2")
    }
    fn number_of_frames(&self) -> Option<u32> {
        Some(1)
    }
    fn number_of_fragments(&self) -> Option<u32> {
        Some(1)
    }
    fn fragment(&self, fragment: usize) -> Option<Cow<'_, [u8]>> {
        (fragment == 0).then_some(Cow::Borrowed(self.data))
    }
    fn offset_table(&self) -> Option<Cow<'_, [u32]>> {
        Some(Cow::Borrowed(&[]))
    }
    fn raw_pixel_data(&self) -> Option<RawPixelData> {
        let mut fragments = C::new();
        fragments.push(self.data.to_vec());
        Some(RawPixelData { fragments, offset_table: C::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_above_the_stored_ones_are_cleared_or_filled_with_the_sign() {
        // Formula of PS3.5 section 8.1.1 on 12 bits, with an overlay bit in bit 15.
        let mut values = [0x8fff_u16 as i16, 0x0800, 0x07ff];
        extend(&mut values, 12, true);
        assert_eq!(values, [-1, -2048, 2047]);
        let mut values = [0x8fff_u16 as i16, 0x0800, 0x07ff];
        extend(&mut values, 12, false);
        assert_eq!(values, [4095, 2048, 2047]);
        let mut values = [-32_768, 32_767];
        extend(&mut values, 16, true);
        assert_eq!(values, [-32_768, 32_767]);
    }

    #[test]
    fn what_is_not_decoded_is_named() {
        for uid in [".4.201", ".4.202", ".4.203", ".4.100", ".9"] {
            assert!(coding(&format!("1.2.840.10008.1.2{uid}")).is_err(), "{uid}");
        }
        assert!(coding("1.2.840.113619.5.2").is_err());
        assert_eq!(coding("1.2.840.10008.1.2"), Ok(Coding::Native));
    }
}
