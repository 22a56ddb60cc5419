//! The character set of a text without a declaration: by its mark, by the shape of its bytes, or refused.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// First bytes of files that hold no text, and what they are.
const BINARY: [(&[u8], &str); 10] = [
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive or an office document"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"PAR1", "a Parquet file"),
    (b"{\\rtf", "a rich text document"),
];
/// Where a DICOM file says what it is.
const DICOM_MARK: usize = 128;
/// Of so many characters at most one may be a control character.
const CHARACTERS_PER_CONTROL: usize = 12;
/// Bytes that are looked at for the shape of UTF-16.
const SAMPLE: usize = 4096;

/// The character set of bytes that are no UTF-8.
pub(super) const SINGLE_BYTES: &str = "windows-1252";

/// A text and the character set that its bytes were read in, where that is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) encoding: Option<&'static str>,
}

/// Decodes a text: by its byte order mark, as UTF-16 where every other byte is zero, as UTF-8, else as Windows-1252, which
/// holds Latin-1.
///
/// # Errors
/// What the bytes are, when they are no text.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    if let Some((_, what)) = BINARY.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return Err(format!("is {what} and no text"));
    }
    if bytes.get(DICOM_MARK..DICOM_MARK + 4) == Some(b"DICM") {
        return Err("is a DICOM file and no text".to_owned());
    }
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let encoding = marked.or_else(|| utf_16(bytes));
    if let Some(encoding) = encoding {
        let (text, _, _) = encoding.decode(bytes);
        let name = (encoding != encoding_rs::UTF_8).then(|| encoding.name());
        return told(text.into_owned(), name);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => told(text.to_owned(), None),
        Err(_) => told(decode_single_bytes(bytes), Some(SINGLE_BYTES)),
    }
}

/// The text of bytes that are no UTF-8, each a character of Windows-1252.
pub(super) fn decode_single_bytes(bytes: &[u8]) -> String {
    WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
}

/// UTF-16 without a mark: nearly every second byte of a text in Latin letters is zero, and nearly none of the others.
fn utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = bytes.get(..SAMPLE.min(bytes.len() & !1))?;
    let zeros =
        |first: usize| sample.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let half = sample.len() / 2;
    let (even, odd) = (zeros(0), zeros(1));
    let most = |count: usize| count * 10 >= half * 7;
    let few = |count: usize| count * 20 <= half;
    if half > 1 && most(odd) && few(even) {
        return Some(UTF_16LE);
    }
    (half > 1 && most(even) && few(odd)).then_some(UTF_16BE)
}

/// The text, unless too much of it is control characters.
fn told(text: String, encoding: Option<&'static str>) -> Result<Decoded, String> {
    let control = |c: &char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}');
    let controls = text.chars().filter(control).count();
    if controls * CHARACTERS_PER_CONTROL > text.chars().count().max(CHARACTERS_PER_CONTROL) {
        return Err("is binary and no text".to_owned());
    }
    Ok(Decoded { text, encoding })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_sets_are_told_by_mark_and_shape() {
        let text = "No effusion. 12 mm.";
        let utf_16 =
            |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), None),
            ([b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat(), None),
            (utf_16(u16::to_le_bytes), Some("UTF-16LE")),
            (utf_16(u16::to_be_bytes), Some("UTF-16BE")),
            ([b"\xff\xfe".to_vec(), utf_16(u16::to_le_bytes)].concat(), Some("UTF-16LE")),
        ] {
            let decoded = decode(&bytes).expect("a text");
            assert_eq!((decoded.text.as_str(), decoded.encoding), (text, encoding));
        }
        let decoded = decode(b"12 \xd7 9 mm, M\xfcller \x96 5 mm").expect("a text");
        assert_eq!(decoded.text, "12 \u{d7} 9 mm, M\u{fc}ller \u{2013} 5 mm");
        assert_eq!(decoded.encoding, Some("windows-1252"));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in [b"\x89PNG\r\n".as_slice(), b"%PDF-1.7", &all] {
            let reason = decode(bytes).expect_err("no text");
            assert!(reason.contains("no text"), "{reason}");
        }
        assert!(decode(b"FINDINGS: No effusion.\0 Emphysema in both lungs.\0\0").is_ok());
        assert!(decode(b"").is_ok());
    }
}
