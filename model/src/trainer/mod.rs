//! Training: the step loop, its optimizer, schedule, log and checkpoints.

mod checkpoint;
mod log;
mod optimizer;
mod run;
mod schedule;
#[cfg(test)]
mod tests;

pub use checkpoint::{Checkpoint, CheckpointError, CheckpointInfo};
pub use log::StepReport;
pub use optimizer::{AdamW, OptimizerError};
pub use run::{Outcome, TrainError, TrainJob, TrainSummary, Vocabulary, train, train_on};
pub use schedule::learning_rate;
