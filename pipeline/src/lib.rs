//! From a corpus of 3D volumes and radiology reports to a sealed release, and from a release to
//! batches.
//!
//! # Brief overview
//!
//! - [`plan`] lists the corpus and cuts it into units; [`execute::curate`] runs them and seals a
//!   release, resuming what an earlier run left.
//! - [`ingest`] reads NIfTI and DICOM series as a [`volume::Volume`]; [`volume::make_view`] makes a
//!   tensor of it by a recipe.
//! - [`report::ReportParser`] reads a report into sections, sentences and a graph; [`graph`] relates
//!   sentences of different patients.
//! - [`shard`] writes bytes, [`release`] seals and verifies, [`loader::Loader`] hands out batches.
//!
//! ```
//! use radloom_pipeline::report::{ReportDocument, ReportParser};
//!
//! let parser = ReportParser::builtin()?;
//! let document = ReportDocument::from_text("r1", "No pleural effusion is seen.");
//! let report = parser.parse(&document);
//! assert_eq!(report.sentences.len(), 1);
//! # Ok::<(), radloom_pipeline::report::LexiconError>(())
//! ```

mod draws;
pub mod execute;
pub mod files;
pub mod graph;
pub mod ingest;
pub mod loader;
mod memory;
pub mod phantom;
pub mod plan;
pub mod quality;
pub mod release;
pub mod report;
pub mod shard;
pub mod store;
pub mod volume;
