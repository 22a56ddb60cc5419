//! DICOM: files in any order and under any name become series, series stacks, and a stack a volume or
//! a refusal.
//!
//! - [`SliceHeader::read`] reads what grouping, geometry and intensity need, without the pixels.
//! - [`group`] sorts files into series by SeriesInstanceUID; [`DicomSeries::volumes`] divides a series
//!   into stacks and judges each.
//! - [`read`] does all of it and decodes the pixels under a geometry policy.
//!
//! `dataset` and `part10` read the file format, `plane` what one frame says of itself, `stacks` and
//! `geometry` where frames lie, `codec`, `fragments` and `rle` their pixels.

mod codec;
mod dataset;
mod fragments;
mod geometry;
mod header;
mod part10;
mod plane;
mod read;
mod rle;
mod series;
mod stacks;

pub use geometry::{Frame, Stack};
pub use header::SliceHeader;
pub use read::read;
pub use series::{DicomSeries, DicomVolume, dicom_files, group, is_dicom};

#[cfg(test)]
mod tests;
