//! What a file is that is no image we read, told by its first bytes.

/// First bytes of a file that tell what it is.
pub(crate) const SNIFF_BYTES: u64 = 1024;

/// What the first bytes of a file that is no image we read tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content(&'static str);

impl Content {
    /// Kinds of files that lie beside images, whatever their name.
    const RESOURCE_FORK: Self = Self("is a resource fork of macOS, not the file itself");

    /// What the file is, as the rest of a sentence about it.
    pub(crate) const fn words(self) -> &'static str {
        self.0
    }

    /// Whether a file of this kind may be what is left of a slice.
    pub(crate) fn may_be_a_slice(self) -> bool {
        self != Self::RESOURCE_FORK
    }
}

/// What the first bytes of a file tell of it.
pub(crate) fn content(start: &[u8]) -> Content {
    const MAGIC: [(usize, &[u8], &str); 22] = [
        (
            0,
            b"version https://git-lfs",
            "is a Git LFS pointer, not the file itself: fetch it with `git lfs pull`",
        ),
        (0, b"PK\x03\x04", "is a zip archive under another name"),
        (257, b"ustar", "is a tar archive; a file is read from it under the archive's own name"),
        (0, b"\x1f\x8b", "is a gzip file of something else"),
        (0, b"\x28\xb5\x2f\xfd", "is a Zstandard file of something else"),
        (0, b"BZh", "is a bzip2 file, which is not read: unpack it first"),
        (0, b"\xfd7zXZ", "is an xz file, which is not read: unpack it first"),
        (0, b"7z\xbc\xaf", "is a 7z archive, which is not read: unpack it first"),
        (0, b"Rar!", "is a RAR archive, which is not read: unpack it first"),
        (0, b"NRRD000", "is an NRRD image whose name does not end in `.nrrd` or `.nhdr`"),
        (0, b"ObjectType", "is a MetaImage whose name does not end in `.mha` or `.mhd`"),
        (0, b"NDims", "is a MetaImage whose name does not end in `.mha` or `.mhd`"),
        (0, b"\x89PNG", "is a PNG picture"),
        (0, b"\xff\xd8\xff", "is a JPEG picture"),
        (0, b"GIF8", "is a GIF picture"),
        (0, b"II*\0", "is a TIFF picture"),
        (0, b"MM\0*", "is a TIFF picture"),
        (0, b"%PDF", "is a PDF document"),
        (0, b"\x89HDF", "is an HDF5 file, which is not read"),
        (
            0,
            b"\x93NUMPY",
            "is a NumPy array, which says nothing of spacing or orientation: convert it to NIfTI",
        ),
        (0, b"\xd0\xcf\x11\xe0", "is an Office document"),
        (0, b"\0\x05\x16\x07", Content::RESOURCE_FORK.0),
    ];
    if start.is_empty() {
        return Content("is empty: 0 bytes");
    }
    if let Some((_, _, words)) = MAGIC
        .iter()
        .find(|(at, magic, _)| start.get(*at..).is_some_and(|rest| rest.starts_with(magic)))
    {
        return Content(words);
    }
    if start.iter().all(|byte| *byte == 0) {
        return Content("begins with zeros only");
    }
    let text = String::from_utf8_lossy(start)
        .trim_start_matches('\u{feff}')
        .trim_start()
        .to_ascii_lowercase();
    if text.starts_with("<!doctype html") || text.starts_with("<html") || text.contains("<html") {
        return Content("is a web page (HTML), not the file itself: the download failed");
    }
    if text.starts_with('<') {
        return Content("is an XML document");
    }
    let size = [start.first(), start.get(1), start.get(2), start.get(3)]
        .map(|byte| byte.copied().unwrap_or(0));
    if [i32::from_le_bytes(size), i32::from_be_bytes(size)].contains(&348) {
        return match start.get(344..348) {
            Some(b"n+1\0" | b"ni1\0") => {
                Content("is a NIfTI image whose name does not end in `.nii` or `.nii.gz`")
            }
            _ => Content(ANALYZE),
        };
    }
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    if start.iter().all(is_text) {
        return Content("is a text");
    }
    Content("is of no known kind")
}

/// That a header is of the format that NIfTI came from.
pub(crate) const ANALYZE: &str =
    "is an ANALYZE 7.5 header, which says nothing of orientation: convert it to NIfTI";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_what_they_hold() {
        for (start, word) in [
            (&b""[..], "empty"),
            (&[0; 64], "zeros"),
            (b"\n <!DOCTYPE html><html>", "web page"),
            (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
            (b"PK\x03\x04rest", "zip"),
            (b"NRRD0004\n", "NRRD"),
            (b"some words\n", "a text"),
            (b"\x01\x02\x03\xff", "no known kind"),
        ] {
            assert!(content(start).words().contains(word), "{}", content(start).words());
        }
        assert!(content(b"").may_be_a_slice() && !content(b"\0\x05\x16\x07rest").may_be_a_slice());
    }
}
