//! The plan room: a manifest and a corpus become a list of studies and a list of units.
//!
//! - [`layout`] holds what is known of each kind of corpus, one file per layout.
//! - [`survey`] lists the corpus: studies with their series and reports, and what is left out before
//!   a voxel is read.
//! - [`split_of`] decides a patient's split as a pure function.
//! - [`cut_units`] cuts the studies into units; one unit is one shard of each view, and the unit is
//!   what resuming, retrying and distributing count in.

mod corpus_tables;
mod error;
mod fingerprint;
pub mod layout;
mod matching;
mod reports;
mod split;
mod study;
mod survey;
mod unit;
mod view;

pub use error::PlanError;
pub use fingerprint::StageRevision;
pub use reports::{OpenReports, ReportFiles, ReportPlace, ReportTexts};
pub use split::split_of;
pub use study::{SeriesPlan, StudyPlan};
pub use survey::{Survey, survey};
pub use unit::{Unit, cut_units};
pub use view::View;
