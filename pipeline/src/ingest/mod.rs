//! The ingest room: files of a corpus become volumes and tables, or a refusal with a reason.
//!
//! - [`nifti::read`] reads one NIfTI file; [`dicom`] groups files into series and reads one.
//! - [`read_series`] reads either, whichever a source is.
//! - [`csv::KeyedCsv`] holds one of the corpus's csv files; [`csv::CsvRecords`] reads one row after row.
//! - [`ReportReader`] reads the reports of a file one after the other.

mod archive;
mod content;
pub mod csv;
pub mod dicom;
mod error;
mod files;
mod geometry;
mod intensity;
pub mod nifti;
mod once;
mod read;
mod reports;
mod series;
mod sorted;
mod sums;

pub use archive::archive_of;
pub use error::IngestError;
pub use files::{CorpusFiles, corpus_files, files_below};
pub(crate) use geometry::remedy_tilt;
pub use intensity::{Acquisition, decide_rescale};
pub use read::read_series;
pub(crate) use read::{constant, fill_value, nifti_image, nifti_series, read_with_sums};
pub use reports::{
    GivenSection, LabelTable, RejectedRow, ReportDocument, ReportReader, SectionKind, SourceError,
    SourceReport, is_placeholder,
};
pub(crate) use reports::{given, offset};
pub use series::{
    GeometryFacts, ReadOptions, SeriesFacts, SeriesGeometry, SeriesImage, SeriesSource,
};
pub use sorted::{IGNORED, NamePatterns, SortedFiles, is_image_name, sort_files};
pub use sums::SourceSums;

/// Revision of this room's code. Raise it when a source is read into other voxels or other facts, or is refused for
/// another reason: it is part of the fingerprint of every unit and of the lock of every release.
pub const REVISION: u32 = 2;
