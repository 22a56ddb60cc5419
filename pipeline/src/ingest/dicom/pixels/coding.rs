//! How the pixels of a transfer syntax are coded, and whether they can be read at all.

use schemas::reason::Reason;

use crate::ingest::IngestError;
use crate::ingest::dicom::format::file_name;
use crate::ingest::dicom::header::{Cell, PixelLocation, SliceHeader};

/// Families of transfer syntaxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Native,
    /// Native pixels in fragments.
    Encapsulated,
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
}

/// How the pixels of a transfer syntax are coded, or why they are not read.
pub(crate) fn coding(uid: &str) -> Result<Coding, String> {
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

pub(crate) fn refuse(header: &SliceHeader, reason: Reason, problem: &str) -> IngestError {
    IngestError::new(reason, format!("`{}`: {problem}", file_name(&header.path)))
}

/// Whether the pixels of a file can be read at all, told from its header.
///
/// # Errors
///
/// [`Reason::NotAVolume`] for colours and files without pixels, else [`Reason::VolumeUnsupported`].
pub(crate) fn check(header: &SliceHeader) -> Result<PixelLocation, IngestError> {
    let fail = |reason, problem: &str| Err(refuse(header, reason, problem));
    let Some(pixels) = header.pixels else {
        return fail(Reason::NotAVolume, "has no pixels");
    };
    if let Some(kind) = header.is_no_image() {
        let problem = format!("is {kind} (SOP class `{}`), not an image", header.sop_class);
        return fail(Reason::NotAVolume, &problem);
    }
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
    let needed = (header.rows * header.columns) as u64 * u64::from(allocated / 8);
    let needed = needed.saturating_mul(pixels.declared_frames);
    if !pixels.encapsulated && pixels.present < needed {
        let problem = format!("holds {} of {needed} bytes of pixels", pixels.present);
        return fail(Reason::VolumeTruncated, &problem);
    }
    if pixels.declared_frames > header.frames() as u64 {
        let problem =
            format!("is too short for the {} frames that it claims", pixels.declared_frames);
        return fail(Reason::VolumeTruncated, &problem);
    }
    if pixels.big_endian && allocated == 8 {
        return fail(Reason::VolumeUnsupported, "8-bit pixels in big endian are not read");
    }
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_decoded_is_named() {
        for uid in [".4.201", ".4.202", ".4.203", ".4.100", ".9"] {
            assert!(coding(&format!("1.2.840.10008.1.2{uid}")).is_err(), "{uid}");
        }
        assert!(coding("1.2.840.113619.5.2").is_err());
        assert_eq!(coding("1.2.840.10008.1.2"), Ok(Coding::Native));
    }
}
