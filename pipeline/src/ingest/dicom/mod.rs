//! DICOM: files in any order and under any name become series, and a series a volume or a refusal.
//!
//! - [`SliceHeader::read`] reads what geometry and intensity need, without the pixels.
//! - [`group`] sorts files into series by SeriesInstanceUID.
//! - [`order_slices`] puts a series in order along its normal and judges the geometry.
//! - [`read`] does both and decodes the pixels.

mod geometry;
mod header;
mod pixels;
mod series;

pub use geometry::{OrderedSeries, order_slices};
pub use header::SliceHeader;
pub use series::{DicomSeries, group, is_dicom, read};
