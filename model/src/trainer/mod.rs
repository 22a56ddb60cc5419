//! Training: the step loop, its optimizer, schedule, log and checkpoints.

mod checkpoint;
mod error;
mod job;
mod log;
mod optimizer;
mod run;
mod same_run;
mod schedule;
mod start;
#[cfg(test)]
mod tests;

pub use checkpoint::{Checkpoint, CheckpointError, CheckpointInfo};
pub use error::TrainError;
pub use job::TrainJob;
pub use log::StepReport;
pub use optimizer::{Optimizer, OptimizerError};
pub use run::{Missed, Outcome, TrainSummary, train, train_on};
pub use schedule::learning_rate;
