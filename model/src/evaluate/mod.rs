//! Evaluation of a checkpoint on a split: retrieval, AUROC and average precision of zero-shot and probe, masked-image
//! error.
//!
//! The unit is the study: reconstructions of one study are merged by the mean of their features. Intervals
//! come from resampling patients.

mod bootstrap;
mod error;
mod features;
mod measure;
mod probe;
mod ranking;
mod retrieval;

pub use bootstrap::Resamples;
pub use error::EvaluateError;
pub use measure::{EvaluateJob, EvaluateReport, Metric, Skipped, evaluate, evaluate_on};
pub use probe::LinearProbe;
pub use ranking::Ranking;
pub use retrieval::ranks;
