//! The plan room: a manifest and a corpus become a list of studies and a list of units.
//!
//! - [`survey`] lists the corpus: studies with their series and reports, and what is left out before
//!   a voxel is read.
//! - [`split_of`] decides a patient's split as a pure function.
//! - [`cut_units`] cuts the studies into units; one unit is one shard of each view, and the unit is
//!   what resuming, retrying and distributing count in.

mod ct_rate;
mod dicom_tree;
mod fingerprint;
mod reports;
mod split;
mod survey;
mod unit;

pub use fingerprint::StageRevision;
pub use reports::{ReportFiles, ReportPlace, ReportTexts};
pub use split::split_of;
pub use survey::{PlanError, SeriesPlan, StudyPlan, Survey, survey};
pub use unit::{Unit, View, cut_units};
