//! Frames coded as JPEG, JPEG-LS or JPEG 2000 streams, by the decoders of other crates.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom::core::value::C;
use dicom::encoding::TransferSyntaxIndex;
use dicom::encoding::adapters::{PixelDataObject, RawPixelData};
use dicom::transfer_syntax::TransferSyntaxRegistry;
use schemas::reason::Reason;

use super::coding::{Coding, refuse};
use super::fragments::{StreamHead, jpeg_2000_head, jpeg_head};
use super::native::extend;
use crate::ingest::IngestError;
use crate::ingest::dicom::header::SliceHeader;

/// A frame's JPEG, JPEG-LS or JPEG 2000 stream.
pub(crate) fn code_stream(
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
