//! NIfTI-1 and NIfTI-2 files, plain or gzip (told by content, not by name).
//!
//! NRRD and `MetaImage` files are read by the same way once their headers, which are texts, are parsed.
//!
//! The header is the `nifti` crate's for version 1; decoding is ours, because a corpus reader must
//! read gzip of several members, verify checksums by reading to the end, cap what a header may ask
//! for, and treat a NaN scale as no scale.

mod decode;
mod detached;
mod header;
mod input;
mod metaimage;
mod nrrd;
mod pair;
mod read;
mod slabs;
mod stream;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use decode::replace_not_finite;
pub(crate) use header::{same_spacing, written};
pub(crate) use read::OpenedNifti;
pub use read::{NiftiImage, read};
pub use slabs::read_slabs;
pub use write::write;

/// The file beside the header at `path` that its voxels lie in, where it names one.
pub(crate) fn data_file(path: &std::path::Path) -> Option<std::path::PathBuf> {
    let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
    if !["mhd", "nhdr"].contains(&ending.as_str()) {
        return None;
    }
    let input = input::Input::open(path, detached::MAX_TEXT_BYTES as u64, None).ok()?;
    let start = input.start();
    let header =
        if ending == "nhdr" { nrrd::parse(path, start) } else { metaimage::parse(path, start) };
    header.ok()?.data_file
}
