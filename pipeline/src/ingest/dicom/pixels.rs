//! Stored values of one slice.

use std::path::Path;

use dicom::dictionary_std::tags;
use dicom::object::open_file;
use dicom_pixeldata::{PixelDecoder, PixelRepresentation};
use schemas::reason::Reason;

use super::super::error::IngestError;
use super::header::file_name;

/// Decodes the one frame of the file at `path` to stored values, sign-extended from BitsStored
/// (PS3.5 section 8.1.1), without any lookup table.
pub(super) fn stored_values(path: &Path, count: usize) -> Result<Vec<i32>, IngestError> {
    let refuse = |reason, problem: &dyn std::fmt::Display| {
        IngestError::new(reason, format!("`{}`: {problem}", file_name(path)))
    };
    let object = open_file(path).map_err(|error| refuse(Reason::VolumeCorrupt, &error))?;
    if object.element_opt(tags::MODALITY_LUT_SEQUENCE).ok().flatten().is_some() {
        return Err(refuse(
            Reason::VolumeUnsupported,
            &"intensity is a modality lookup table, not a slope and intercept",
        ));
    }
    let decoded =
        object.decode_pixel_data().map_err(|error| refuse(Reason::VolumeUnsupported, &error))?;
    let signed = decoded.pixel_representation() == PixelRepresentation::Signed;
    let shift = 32_u32.saturating_sub(u32::from(decoded.bits_stored().clamp(1, 32)));
    let extend = |value: u32| {
        if signed { ((value << shift) as i32) >> shift } else { ((value << shift) >> shift) as i32 }
    };
    let bytes = decoded.data();
    let values: Vec<i32> = match decoded.bits_allocated() {
        8 => bytes.iter().map(|&byte| extend(u32::from(byte))).collect(),
        // The decoder gives little-endian words whatever the transfer syntax was.
        16 => bytes
            .chunks_exact(2)
            .map(|pair| extend(u32::from(u16::from_le_bytes([pair[0], pair[1]]))))
            .collect(),
        other => {
            return Err(refuse(
                Reason::VolumeUnsupported,
                &format!("BitsAllocated {other} is not read"),
            ));
        }
    };
    if values.len() < count {
        return Err(refuse(
            Reason::VolumeTruncated,
            &format!("holds {} of {count} pixels", values.len()),
        ));
    }
    Ok(values[..count].to_vec())
}
