//! The step loop.
//!
//! All randomness follows from the seed and the step number, so a run that stops and goes on from its
//! checkpoint gives the same losses, bit for bit on one machine, as one that never stopped.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

use burn::module::{AutodiffModule, Module};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn::tensor::backend::AutodiffBackend;

use super::checkpoint::{Checkpoint, CheckpointInfo};
use super::error::TrainError;
use super::job::TrainJob;
use super::log::{Log, StepReport};
use super::optimizer::Optimizer;
use super::schedule::learning_rate;
use super::start::{State, start};
use crate::batch::{BatchSource, Prefetched, StudyBatch, prefetched};
use crate::device::{BackendJob, DeviceChoice, dispatch};
use crate::system::{Losses, System, SystemJob, with_system};
use crate::text::{ReportTokenizer, TokenCache};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainSummary {
    /// Steps done in all.
    pub step: u64,
    /// Why it ended.
    pub outcome: Outcome,
    /// Its last checkpoint.
    pub checkpoint: PathBuf,
    /// What was not trained on.
    pub missed: Missed,
}

/// What a run did not train on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Missed {
    /// Series that were left out because they are not what was written.
    pub damaged_series: usize,
    /// Steps whose batch, being short of studies, had nothing to compare.
    pub steps: u64,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All steps are done.
    Finished,
    /// It was cancelled and can go on from its checkpoint.
    Interrupted,
    /// The source ran out of batches before the last step.
    Exhausted,
}

/// Trains on a device chosen at run time; see [`train`].
///
/// # Errors
/// As [`train`], and when the build lacks the device.
pub fn train_on(
    device: DeviceChoice,
    job: &TrainJob<'_>,
    source: &mut dyn BatchSource,
    progress: &mut dyn FnMut(&StepReport),
) -> Result<TrainSummary, TrainError> {
    struct Run<'r> {
        job: &'r TrainJob<'r>,
        source: &'r mut dyn BatchSource,
        progress: &'r mut dyn FnMut(&StepReport),
    }
    impl BackendJob for Run<'_> {
        type Output = Result<TrainSummary, TrainError>;

        fn run<B: AutodiffBackend>(self, device: &B::Device) -> Self::Output {
            let Self { job, .. } = self;
            with_system::<B, _>(&job.section.system, job.origin, device, self)?
        }
    }
    impl SystemJob for Run<'_> {
        type Output = Result<TrainSummary, TrainError>;

        fn run<S: System, B: AutodiffBackend>(self, device: &B::Device) -> Self::Output
        where
            S::Model<B>: AutodiffModule<B>,
        {
            train::<S, B>(self.job, self.source, self.progress, device)
        }
    }
    dispatch(device, Run { job, source, progress })?
}

/// Trains until the last step, a cancellation or the end of the source, and writes a checkpoint.
///
/// `progress` sees every logged step.
///
/// # Errors
/// See [`TrainError`]. After an error the last written checkpoint is whole.
pub fn train<S: System, B: AutodiffBackend>(
    job: &TrainJob<'_>,
    source: &mut dyn BatchSource,
    progress: &mut dyn FnMut(&StepReport),
    device: &B::Device,
) -> Result<TrainSummary, TrainError>
where
    S::Model<B>: AutodiffModule<B>,
{
    let (system, tokenizer, state) = start::<S, B>(job, device)?;
    let tokens = TokenCache::new(&tokenizer, system.max_tokens());
    let prepare = |batch: &StudyBatch| -> Result<Option<S::Host>, TrainError> {
        if batch.studies.is_empty() {
            return Ok(None);
        }
        Ok(Some(system.host(batch, &tokens)?))
    };
    let run = Run { job, system: &system, tokenizer: &tokenizer };
    prefetched(source, prepare, |batches| steps(&run, state, batches, progress, device))
}

/// What stays the same from step to step.
struct Run<'r, S> {
    job: &'r TrainJob<'r>,
    system: &'r S,
    tokenizer: &'r ReportTokenizer,
}

/// Runs the steps of the prepared batches.
fn steps<S: System, B: AutodiffBackend>(
    run: &Run<'_, S>,
    mut state: State<S, B>,
    batches: &mut Prefetched<Option<S::Host>, TrainError>,
    progress: &mut dyn FnMut(&StepReport),
    device: &B::Device,
) -> Result<TrainSummary, TrainError>
where
    S::Model<B>: AutodiffModule<B>,
{
    let Run { job, system, .. } = run;
    let section = job.section;
    let path = job.out.join("train.jsonl");
    let log_error = |source| TrainError::Log { path: path.display().to_string(), source };
    std::fs::create_dir_all(job.out).map_err(log_error)?;
    let mut log = Log::open(&path, state.step).map_err(log_error)?;
    let mut saved = job.resume.map(|checkpoint| checkpoint.folder.clone());
    let mut saved_step = job.resume.map(|checkpoint| checkpoint.info.step);
    let mut outcome = Outcome::Finished;
    let mut missed = Missed::default();
    // The position of what was consumed; a batch that was drawn and then refused does not count.
    let mut token = batches.token().clone();

    while state.step < section.steps {
        if job.cancel.load(Ordering::Relaxed) {
            outcome = Outcome::Interrupted;
            break;
        }
        let Some((batch, host)) = batches.next_batch()? else {
            outcome = Outcome::Exhausted;
            break;
        };
        if batch.step != state.step {
            return Err(TrainError::Order { found: batch.step, expected: state.step });
        }
        let started = Instant::now();
        let data_wait_s = batch.data_wait_s;
        let rate =
            learning_rate(&section.schedule, section.optimizer.lr, state.step, section.steps);
        missed.damaged_series += batch.damaged;
        let is_short = batch.studies.len() < section.batch;
        let mut counters = host.as_ref().map(S::counters).unwrap_or_default();
        let input = host.map(|host| system.upload::<B>(host, &batch, device)).transpose()?;
        // The loader's slot goes back now rather than after the step.
        drop(batch);
        let losses = input.map(|input| system.losses(&state.model, &input, state.step));
        // A batch that the end of an epoch or damage left short may hold nothing to compare.
        let losses = losses.filter(|losses| !(is_short && losses.parts.is_empty()));
        let done = state.step + 1;
        let updated = match losses {
            Some(losses) => {
                let updated = update(state.model, &mut state.optimizer, losses, rate, done)?;
                state.model = system.after_step(updated.model, state.step);
                Some((updated.loss, updated.losses, updated.norm))
            }
            None => None,
        };
        missed.steps += u64::from(updated.is_none());
        state.step = done;
        token.clone_from(batches.token());

        if let Some((loss, losses, gradient_norm)) = updated
            && (done.is_multiple_of(section.log_every.max(1)) || done == section.steps)
        {
            if missed != Missed::default() {
                counters.insert("damaged_series".into(), missed.damaged_series as u64);
                counters.insert("missed_steps".into(), missed.steps);
            }
            let report = StepReport {
                step: done,
                loss,
                losses,
                lr: rate,
                data_wait_s,
                step_s: started.elapsed().as_secs_f64(),
                gradient_norm,
                counters,
            };
            log.write(&report).map_err(log_error)?;
            progress(&report);
        }
        if done.is_multiple_of(section.checkpoint_every.max(1)) && done < section.steps {
            saved = Some(save(run, &state, &token)?);
            saved_step = Some(done);
        }
    }
    let first = job.resume.map_or(0, |checkpoint| checkpoint.info.step);
    if missed.steps > 0 && missed.steps == state.step - first {
        return Err(TrainError::NoLoss { step: state.step });
    }
    let checkpoint = match saved {
        Some(folder) if saved_step == Some(state.step) => folder,
        _ => save(run, &state, &token)?,
    };
    Ok(TrainSummary { step: state.step, outcome, checkpoint, missed })
}

/// Result of one update.
struct Updated<M> {
    model: M,
    loss: f64,
    losses: std::collections::BTreeMap<String, f64>,
    norm: f64,
}

/// The backward pass of `losses` and one update.
fn update<B: AutodiffBackend, M: AutodiffModule<B>>(
    model: M,
    optimizer: &mut Optimizer<B>,
    losses: Losses<B>,
    rate: f64,
    step: u64,
) -> Result<Updated<M>, TrainError> {
    let Losses { parts, total } = losses;
    if parts.is_empty() {
        return Err(TrainError::NoLoss { step });
    }
    let (names, values): (Vec<&str>, Vec<_>) = parts.into_iter().unzip();
    let values = values.into_iter().chain([total.clone()]).map(Tensor::detach);
    let values = Tensor::cat(values.collect(), 0);
    let gradients = GradientsParams::from_grads(total.backward(), &model);
    // One transfer for all values, after the backward pass is queued.
    let values: Vec<f64> = values.into_data().iter::<f32>().map(f64::from).collect();
    let loss = values.last().copied().unwrap_or(f64::NAN);
    if !loss.is_finite() {
        return Err(TrainError::NotFinite { step, what: "loss" });
    }
    let (model, norm) = optimizer.step(model, gradients, rate);
    if !norm.is_finite() {
        return Err(TrainError::NotFinite { step, what: "gradient" });
    }
    let losses = names.into_iter().map(str::to_owned).zip(values).collect();
    Ok(Updated { model, loss, losses, norm })
}

/// Writes a checkpoint of the state.
fn save<S: System, B: AutodiffBackend>(
    run: &Run<'_, S>,
    state: &State<S, B>,
    token: &serde_json::Value,
) -> Result<PathBuf, TrainError> {
    let Run { job, system, tokenizer } = run;
    // Batch norm keeps its last update aside until somebody asks: without this the file would lack it.
    drop(state.model.clone().into_record());
    let info = CheckpointInfo::new(
        system.model_plan(),
        job.section,
        job.release_id,
        state.step,
        token.clone(),
    )?;
    let written = Checkpoint::write(
        job.out,
        job.section.keep_checkpoints,
        info,
        &state.model,
        &state.optimizer,
        tokenizer,
    )?;
    Ok(written.folder)
}
