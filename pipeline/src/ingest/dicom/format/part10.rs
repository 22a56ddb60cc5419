//! Files: preamble, meta group, transfer syntax, and where the data set begins (PS3.10 chapter 7).
//!
//! Files without preamble or meta group, and files whose meta group is faulty, are read by what the
//! first element looks like, as pydicom's `force` does.

use std::io::Read;
use std::path::Path;

use dicom::dictionary_std::tags;
use flate2::read::DeflateDecoder;
use schemas::reason::Reason;

use super::dataset::{DataSet, Encoding, number};
use super::name::file_name;
use crate::ingest::IngestError;
use crate::ingest::archive::Files;
use crate::ingest::content::content;
use crate::ingest::error::reason_of;

const TRANSFER_SYNTAX: u32 = number(tags::TRANSFER_SYNTAX_UID);
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";
/// Most headers end within these bytes; where one does not, the whole file is read.
const START_BYTES: u64 = 1 << 16;
/// Largest file whose header may need the whole of it (deflated, or with megabytes of private data).
const MAX_HEADER_FILE_BYTES: u64 = 1 << 30;

/// The bytes of a file from its beginning, with what its meta group says.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    /// Bytes of the file, inflated where it is deflated.
    pub(crate) bytes: Vec<u8>,
    /// Length of the whole file (of the inflated bytes).
    pub(crate) length: u64,
    /// Where the data set begins.
    pub(crate) data_set: usize,
    pub(crate) encoding: Encoding,
    /// Transfer Syntax UID; where the file has none, the one it is read by.
    pub(crate) transfer_syntax: String,
    pub(crate) deflated: bool,
    /// What was wrong with the meta group.
    pub(crate) warning: Option<String>,
}

impl Opened {
    /// The elements up to Pixel Data.
    pub(crate) fn data_set(&self) -> DataSet<'_> {
        DataSet::parse(&self.bytes, self.data_set, self.encoding)
    }
}

/// Reads as much of the file as its header takes.
///
/// # Errors
///
/// [`Reason::VolumeCorrupt`] where the file is no DICOM.
pub(crate) fn open(files: &Files<'_>, path: &Path) -> Result<Opened, IngestError> {
    let refuse = |problem: String| {
        IngestError::new(Reason::VolumeCorrupt, format!("`{}` {problem}", file_name(path)))
    };
    let unreadable = |error: std::io::Error| {
        let problem = format!("`{}` cannot be read: {error}", file_name(path));
        IngestError::new(reason_of(&error), problem)
    };
    let (bytes, length) = files.start(path, START_BYTES).map_err(unreadable)?;
    let opened = interpret(bytes, length).map_err(refuse)?;
    let complete = {
        let set = opened.data_set();
        set.pixels.is_some() && !set.cut
    };
    if complete || (opened.length <= opened.bytes.len() as u64 && !opened.deflated) {
        return Ok(opened);
    }
    whole(files, path, MAX_HEADER_FILE_BYTES)
}

/// Reads the whole file, inflated where it is deflated, of at most `limit` bytes.
pub(crate) fn whole(files: &Files<'_>, path: &Path, limit: u64) -> Result<Opened, IngestError> {
    let refuse = |problem: String| {
        IngestError::new(Reason::VolumeCorrupt, format!("`{}` {problem}", file_name(path)))
    };
    let (bytes, length) = files.start(path, limit).map_err(|error| {
        let problem = format!("`{}` cannot be read: {error}", file_name(path));
        IngestError::new(reason_of(&error), problem)
    })?;
    if length > limit {
        return Err(IngestError::new(
            Reason::TooLarge,
            format!("`{}` takes {length} bytes, above the limit of {limit}", file_name(path)),
        ));
    }
    let mut opened = interpret(bytes, length).map_err(refuse)?;
    if opened.deflated {
        let mut inflated = Vec::new();
        let compressed = opened.bytes.get(opened.data_set..).unwrap_or_default();
        let result = DeflateDecoder::new(compressed)
            .take(limit.saturating_add(1))
            .read_to_end(&mut inflated);
        if inflated.len() as u64 > limit {
            return Err(IngestError::new(
                Reason::TooLarge,
                format!("`{}` inflates to more than {limit} bytes", file_name(path)),
            ));
        }
        if let Err(error) = result
            && inflated.is_empty()
        {
            return Err(refuse(format!("cannot be inflated: {error}")));
        }
        opened.length = inflated.len() as u64;
        opened.bytes = inflated;
        opened.data_set = 0;
    }
    Ok(opened)
}

/// Whether `start`, the first bytes of a file, look like a DICOM file, with or without preamble.
pub(crate) fn looks_like_dicom(start: &[u8]) -> bool {
    if start.get(128..132) == Some(b"DICM") || start.starts_with(b"DICM") {
        return true;
    }
    // Without preamble a file begins with group 2 or, without meta group, with group 8.
    let encoding = guess(start, 0);
    let (set, _) = DataSet::parse_while(start, 0, encoding, |tag| {
        matches!(tag >> 16, 0x0002 | 0x0008..=0x0028)
    });
    let first = if encoding.big_endian { [0x00, 0x08] } else { [0x08, 0x00] };
    (start.starts_with(&first) || start.starts_with(&[0x02, 0x00])) && set.len() >= 3
}

fn interpret(bytes: Vec<u8>, length: u64) -> Result<Opened, String> {
    if !looks_like_dicom(&bytes) {
        return Err(format!("{}, no DICOM file", content(&bytes).words()));
    }
    let start = if bytes.get(128..132) == Some(b"DICM") {
        132
    } else if bytes.starts_with(b"DICM") {
        4
    } else {
        0
    };
    // The meta group is explicit little endian whatever follows. Its length element is not
    // believed: the group ends where another begins.
    let (meta, data_set) =
        DataSet::parse_while(&bytes, start, Encoding::EXPLICIT_LITTLE, |tag| tag >> 16 == 2);
    let declared = meta.text(TRANSFER_SYNTAX);
    let deflated = declared.as_deref() == Some(DEFLATED);
    let found = guess(&bytes, data_set);
    let (encoding, transfer_syntax, warning) = match declared {
        _ if deflated => (Encoding::EXPLICIT_LITTLE, DEFLATED.to_owned(), None),
        Some(uid) => {
            let expected = match uid.as_str() {
                IMPLICIT_LITTLE => Encoding::IMPLICIT_LITTLE,
                EXPLICIT_BIG => Encoding::EXPLICIT_BIG,
                _ => Encoding::EXPLICIT_LITTLE,
            };
            let warning = (found != expected)
                .then(|| format!("elements are written otherwise than transfer syntax {uid} says"));
            let native = [IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG].contains(&uid.as_str());
            let uid = if native { syntax_of(found).to_owned() } else { uid };
            (found, uid, warning)
        }
        None => {
            let uid = syntax_of(found);
            (found, uid.to_owned(), Some(format!("no transfer syntax: read as {uid}")))
        }
    };
    Ok(Opened { bytes, length, data_set, encoding, transfer_syntax, deflated, warning })
}

fn syntax_of(encoding: Encoding) -> &'static str {
    if encoding.big_endian {
        EXPLICIT_BIG
    } else if encoding.explicit {
        EXPLICIT_LITTLE
    } else {
        IMPLICIT_LITTLE
    }
}

/// How the element at `at` is written: a representation of two capital letters means explicit, a
/// group of 256 or more (read as little endian) big endian.
fn guess(bytes: &[u8], at: usize) -> Encoding {
    let Some(head) = bytes.get(at..at.saturating_add(6)) else {
        return Encoding::EXPLICIT_LITTLE;
    };
    let explicit = head[4..6].iter().all(u8::is_ascii_uppercase);
    let big_endian = head[0] == 0 && head[1] != 0;
    match (explicit, big_endian) {
        (true, true) => Encoding::EXPLICIT_BIG,
        (true, false) => Encoding::EXPLICIT_LITTLE,
        (false, _) => Encoding::IMPLICIT_LITTLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn implicit(group: u16, element: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(group.to_le_bytes());
        bytes.extend(element.to_le_bytes());
        bytes.extend((value.len() as u32).to_le_bytes());
        bytes.extend(value);
        bytes
    }

    #[test]
    fn a_file_without_preamble_or_meta_group_is_told_from_other_files() {
        let bare: Vec<u8> = [
            implicit(8, 0x16, b"1.2.840.10008.5.1.4.1.1.2\0"),
            implicit(8, 0x60, b"CT"),
            implicit(0x10, 0x20, b"p1"),
        ]
        .concat();
        assert!(looks_like_dicom(&bare));
        let opened = interpret(bare.clone(), bare.len() as u64).expect("is read");
        assert_eq!(opened.transfer_syntax, IMPLICIT_LITTLE);
        assert_eq!(opened.data_set().text(number(tags::MODALITY)).as_deref(), Some("CT"));
        assert!(!looks_like_dicom(b"\x5c\x01\0\0nifti"));
        assert!(!looks_like_dicom(b"NRRD0004"));
        assert!(!looks_like_dicom(b"\x08\0"));
        assert!(!looks_like_dicom(&[8, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    }
}
