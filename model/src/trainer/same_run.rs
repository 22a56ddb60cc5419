//! Whether a checkpoint belongs to the run that would go on from it.

use schemas::manifest::ManifestOrigin;
use schemas::manifest::train::ScheduleKind;

use super::checkpoint::Checkpoint;
use super::error::TrainError;
use super::job::TrainJob;
use crate::system::{System, SystemTables};

/// Refuses a checkpoint whose run would not go on as it was. What it writes may change, and
/// its length where that changes no rate or the manifest says so.
pub(super) fn check_same_run<S: System>(
    job: &TrainJob<'_>,
    checkpoint: &Checkpoint,
) -> Result<(), TrainError> {
    let (ours, theirs) = (job.section, &checkpoint.info.config);
    let own = S::comparable(&SystemTables::read(ours, job.origin)?);
    let kept = S::comparable(&SystemTables::read(theirs, &ManifestOrigin::default())?);
    let checks = [
        ("release", job.release_id == checkpoint.info.release_id),
        ("view shape", job.input == checkpoint.info.input()),
        ("system", ours.system == theirs.system),
        ("view", ours.view == theirs.view),
        ("seed", ours.seed == theirs.seed),
        ("shuffle_reports", ours.shuffle_reports == theirs.shuffle_reports),
        ("batch", ours.batch == theirs.batch),
        ("precision", ours.precision == theirs.precision),
        ("optimizer", ours.optimizer == theirs.optimizer),
        ("schedule", ours.schedule == theirs.schedule),
        ("model", own.model == kept.model),
        ("objectives", own.objectives == kept.objectives),
    ];
    if let Some((field, _)) = checks.into_iter().find(|(_, same)| !same) {
        return Err(TrainError::Mismatch { field });
    }
    if ours.steps != theirs.steps && ours.schedule.kind != ScheduleKind::Constant && !ours.extend {
        return Err(TrainError::Steps { ours: ours.steps, theirs: theirs.steps });
    }
    Ok(())
}
