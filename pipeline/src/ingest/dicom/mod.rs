//! DICOM: files in any order and under any name become series, series stacks, and a stack a volume or
//! a refusal.
//!
//! - [`SliceHeader::read`] reads what grouping, geometry and intensity need, without the pixels.
//! - [`group`] sorts files into series by SeriesInstanceUID; [`DicomSeries::volumes`] divides a series
//!   into stacks and judges each.
//! - [`read`] does all of it and decodes the pixels under a geometry policy.
//!
//! `format` reads the file format, `header` what a file and each of its frames say of themselves,
//! `stack` judges where frames lie, `pixels` decodes them, `padding` and `units` make voxels of them.
//!
//! The parser is ours and not dicom-rs's, since real archives hold files that break the standard in
//! small ways: what can be read of them is read, what cannot is missing, and nothing panics. The
//! dictionary of tags and the decoders of JPEG and JPEG 2000 are dicom-rs's.

mod format;
mod header;
mod padding;
mod pixels;
mod read;
mod stack;
mod units;

pub(crate) use format::looks_like_dicom;
pub use header::SliceHeader;
pub use read::read;
pub(crate) use read::read_with_sums;
pub use stack::{DicomFiles, DicomSeries, DicomVolume, Frame, Stack, group};

#[cfg(test)]
mod tests;
