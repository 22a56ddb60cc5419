//! `radloom train`, and the training part of `run`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::device::DeviceChoice;
use model::handoff::{ReleaseSource, SourceOptions};
use model::system::{InputShape, Vocabulary};
use model::trainer::{Checkpoint, Missed, Outcome, StepReport, TrainJob, train_on};
use pipeline::execute::{Cancel, Observer};
use pipeline::loader::{Dataset, OrderPlan};
use pipeline::release::release_at;
use schemas::manifest::Manifest;
use schemas::split::Split;

use crate::cli::{Common, ManifestArgs};
use crate::failure::{DONE, Failure};
use crate::progress::{Progress, print};
use crate::settings;

pub(super) fn run(args: &ManifestArgs, common: &Common) -> Result<u8, Failure> {
    let manifest = settings::manifest(args, common)?;
    let device: DeviceChoice = args.device.parse()?;
    let progress = Progress::new(common.quiet);
    let cancel = settings::cancel_on_signal();
    let json = common.json;
    let trained = train(&manifest, device, &progress, &cancel, &mut |report| {
        if json {
            print(&serde_json::to_string(report).unwrap_or_default());
        }
    })?;
    if !common.json && !common.quiet {
        print(&trained.line());
    }
    Ok(DONE)
}

/// What training came to.
pub(super) struct Trained {
    /// Steps done in all.
    pub(super) step: u64,
    /// The last checkpoint.
    pub(super) checkpoint: PathBuf,
    /// Steps that were done by an earlier run.
    pub(super) resumed_from: u64,
}

impl Trained {
    pub(super) fn line(&self) -> String {
        match self.resumed_from {
            0 => {
                format!("trained   {} steps, checkpoint `{}`", self.step, self.checkpoint.display())
            }
            from if from == self.step => {
                format!(
                    "trained   {from} steps before; nothing to do, `{}`",
                    self.checkpoint.display()
                )
            }
            from => format!(
                "trained   to step {} from step {from}, checkpoint `{}`",
                self.step,
                self.checkpoint.display()
            ),
        }
    }
}

/// Folder of checkpoints and log.
pub(super) fn folder(manifest: &Manifest) -> PathBuf {
    manifest.release.out.join("train")
}

/// The release that a run trains from.
pub(super) fn release(manifest: &Manifest) -> Result<PathBuf, Failure> {
    let named = manifest.train.as_ref().and_then(|section| section.release.as_ref());
    Ok(release_at(named.unwrap_or(&manifest.release.out))?)
}

/// Refuses a `[train]` section that cannot be trained, as far as the manifest alone shows it: an unknown system, keys
/// that its system does not have, numbers that do not fit together or do not fit the view.
pub(super) fn check(manifest: &Manifest) -> Result<(), Failure> {
    let Some(section) = &manifest.train else { return Ok(()) };
    let origin = &manifest.origin;
    let counts = [("batch", section.batch as u64), ("steps", section.steps)];
    for (key, count) in counts {
        if count == 0 {
            return Err(origin.error(&format!("train.{key}"), "is 0: at least 1 is needed").into());
        }
    }
    if let Some((key, problem)) = section.order.problem() {
        return Err(origin.error(&format!("train.order.{key}"), problem).into());
    }
    if let Some((key, problem)) = section.input.problem() {
        return Err(origin.error(&format!("train.input.{key}"), problem).into());
    }
    let view = manifest.view.iter().find(|view| view.name == section.view);
    let recipe = view.and_then(|view| view.resolve().ok());
    if section.input.crops.is_some() && recipe.as_ref().is_some_and(|recipe| recipe.crops.is_some())
    {
        let problem = "draws boxes out of a view that holds boxes: take a view without `crops`";
        return Err(origin.error("train.input.crops", problem).into());
    }
    let input = recipe.and_then(|recipe| InputShape::of_view(&recipe, &section.input));
    let system = model::system::info(&section.system, origin)?;
    system.check(section, origin, input)?;
    Ok(())
}

/// Whether training waited for data, in words: `waited` and `worked` are in seconds.
fn verdict(waited: f64, worked: f64) -> String {
    /// Share of the time, in percent, from which on training is slower for its data.
    const DATA_BOUND_PERCENT: f64 = 5.0;
    let stall = 100.0 * waited / (waited + worked);
    let bound = if stall < DATA_BOUND_PERCENT { "compute-bound" } else { "data-bound" };
    format!("{bound}, stall {stall:.1} %")
}

/// Trains from the release of `manifest`, going on from its last checkpoint.
pub(super) fn train(
    manifest: &Manifest,
    device: DeviceChoice,
    progress: &Progress,
    cancel: &Cancel,
    on_step: &mut dyn FnMut(&StepReport),
) -> Result<Trained, Failure> {
    let section = manifest
        .train
        .as_ref()
        .ok_or_else(|| Failure::Usage("the manifest has no `[train]` section".into()))?;
    check(manifest)?;
    let release = release(manifest)?;
    let dataset = Dataset::open(&release, &section.view, Split::Train)?;
    let dataset = Arc::new(if section.shuffle_reports {
        dataset.with_shuffled_reports(section.seed)
    } else {
        dataset
    });
    let out = folder(manifest);
    let checkpoint = Checkpoint::latest(&out)?;
    let resumed_from = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.info.step);
    if let Some(checkpoint) = &checkpoint
        && checkpoint.info.step >= section.steps
        && checkpoint.info.release_id == dataset.release_id
    {
        let checkpoint = checkpoint.folder.clone();
        return Ok(Trained { step: resumed_from, checkpoint, resumed_from });
    }
    let options = SourceOptions {
        plan: OrderPlan { seed: section.seed, batch: section.batch, rules: section.order },
        input: section.input,
        threads: settings::thread_count(manifest.limits.threads),
        ring_bytes: (manifest.limits.loader_mib as usize) << 20,
    };
    let token = checkpoint.as_ref().map(|checkpoint| &checkpoint.info.loader_token);
    let mut source = ReleaseSource::new(Arc::clone(&dataset), options, token)?;
    let texts = texts(&dataset);
    let (blocks, block) = dataset.fixed_input(&section.input)?;
    let job = TrainJob {
        section,
        origin: &manifest.origin,
        out: &out,
        release_id: &dataset.release_id,
        input: InputShape { blocks, block },
        vocabulary: Vocabulary::Texts(&texts),
        resume: checkpoint.as_ref(),
        cancel: cancel.flag(),
    };
    progress.begin_titled(&format!("training on {device}"), section.steps);
    progress.advance(resumed_from);
    let mut last = resumed_from;
    let mut lines = Lines::new(section.steps);
    let (mut waited, mut worked) = (0.0, 0.0);
    let summary = train_on(device, &job, &mut source, &mut |report| {
        progress.detail(&format!("step {} loss {:.4}", report.step, report.loss));
        progress.advance(report.step - last);
        last = report.step;
        waited += report.data_wait_s;
        worked += report.step_s;
        if lines.due(report.step) {
            progress.line(&format!(
                "  step {:>5}  loss {:.4}  {:.2} s",
                report.step, report.loss, report.step_s
            ));
        }
        on_step(report);
    })?;
    progress.end();
    if waited + worked > 0.0 {
        progress.line(&format!("  {}", verdict(waited, worked)));
    }
    let Missed { damaged_series, steps } = summary.missed;
    if damaged_series > 0 {
        progress.line(&format!("  {damaged_series} times a damaged series was left out"));
    }
    if steps > 0 {
        progress.line(&format!("  {steps} short batches had nothing to compare"));
    }
    match summary.outcome {
        Outcome::Interrupted => Err(Failure::Interrupted),
        Outcome::Finished | Outcome::Exhausted => {
            Ok(Trained { step: summary.step, checkpoint: summary.checkpoint, resumed_from })
        }
    }
}

/// Which steps get a line of their own: about ten in a run.
struct Lines {
    every: u64,
}

impl Lines {
    fn new(steps: u64) -> Self {
        Self { every: (steps / 10).max(1) }
    }

    fn due(&mut self, step: u64) -> bool {
        step == 1 || step.is_multiple_of(self.every)
    }
}

/// Every sentence of the training split, for the vocabulary of a new run.
fn texts(dataset: &Dataset) -> Vec<String> {
    let sentences = dataset.studies.iter().flat_map(|study| &study.record.sentences);
    sentences.map(|sentence| sentence.text.clone()).collect()
}

/// The steps that a training log holds.
pub(super) fn logged_steps(out: &Path) -> Vec<serde_json::Value> {
    std::fs::read_to_string(out.join("train.jsonl"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_names_what_training_waits_for() {
        assert_eq!(verdict(0.3, 99.7), "compute-bound, stall 0.3 %");
        assert_eq!(verdict(1.0, 3.0), "data-bound, stall 25.0 %");
    }
}
