//! What is an archive, by its name.

use std::path::Path;

/// How an archive is written, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Zip,
    Tar,
    PackedTar,
}

pub(super) fn kind_of(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends(&[".zip"]) {
        Some(Kind::Zip)
    } else if ends(&[".tar"]) {
        Some(Kind::Tar)
    } else if ends(&[".tar.gz", ".tgz", ".tar.zst", ".tzst"]) {
        Some(Kind::PackedTar)
    } else {
        None
    }
}

/// Whether `path` is an archive, by its name.
pub(crate) fn is_archive(path: &Path) -> bool {
    kind_of(path).is_some()
}

/// Whether `path` names one file that is packed by itself, other than a NIfTI image, which its reader unpacks.
pub(super) fn is_packed_single(path: &Path) -> bool {
    let Some(name) = path.file_name() else { return false };
    let name = name.to_string_lossy().to_ascii_lowercase();
    let Some(stem) = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")) else {
        return false;
    };
    ![".nii", ".img", ".hdr", ".tar"].iter().any(|ending| stem.ends_with(ending))
}

/// The archive on disk that `path` leads through, where it does; a plain file leads through none.
pub fn archive_of(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find(|ancestor| is_archive(ancestor) && ancestor.is_file())
}
