//! Whether a checkpoint belongs to the run that would go on from it.

use std::path::Path;

use schemas::manifest::train::{Mg3dModel, TrainSection};

use super::checkpoint::Checkpoint;
use super::error::TrainError;
use super::job::TrainJob;

/// The model of a run, wherever its starting weights lie.
fn model_of(section: &TrainSection) -> Mg3dModel {
    let mut model = section.model.clone();
    if let Some(folder) = &mut model.text.pretrained {
        let name = Path::new(folder.as_str()).file_name();
        *folder = name.unwrap_or_default().to_string_lossy().into_owned();
    }
    model
}

/// Refuses a checkpoint whose run would not go on as it was. The length of the run and what it writes may change.
pub(super) fn check_same_run(
    job: &TrainJob<'_>,
    checkpoint: &Checkpoint,
) -> Result<(), TrainError> {
    let (ours, theirs) = (job.section, &checkpoint.info.config);
    let checks = [
        ("release", job.release_id == checkpoint.info.release_id),
        ("view shape", job.volume == checkpoint.info.volume),
        ("system", ours.system == theirs.system),
        ("view", ours.view == theirs.view),
        ("seed", ours.seed == theirs.seed),
        ("batch", ours.batch == theirs.batch),
        ("precision", ours.precision == theirs.precision),
        ("optimizer", ours.optimizer == theirs.optimizer),
        ("schedule", ours.schedule == theirs.schedule),
        ("model", model_of(ours) == model_of(theirs)),
        ("objectives", ours.objectives == theirs.objectives),
    ];
    match checks.into_iter().find(|(_, same)| !same) {
        Some((field, _)) => Err(TrainError::Mismatch { field }),
        None => Ok(()),
    }
}
