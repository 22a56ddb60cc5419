//! NIfTI-1 and NIfTI-2 files, plain or gzip (told by content, not by name).
//!
//! The header is the `nifti` crate's for version 1; decoding is ours, because a corpus reader must
//! read gzip of several members, verify checksums by reading to the end, cap what a header may ask
//! for, and treat a NaN scale as no scale.

mod decode;
mod header;
mod input;
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
