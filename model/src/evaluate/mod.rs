//! Evaluation of a checkpoint on a split: retrieval, zero-shot and probe AUROC, masked-image error.
//!
//! The unit is the study: reconstructions of one study are merged by the mean of their features. Intervals
//! come from resampling patients.

mod auroc;
mod bootstrap;
mod error;
mod features;
mod measure;
mod probe;
mod retrieval;

pub use auroc::Auroc;
pub use bootstrap::Resamples;
pub use error::EvaluateError;
pub use measure::{EvaluateJob, EvaluateReport, Metric, Skipped, evaluate, evaluate_on};
pub use probe::LinearProbe;
pub use retrieval::ranks;
