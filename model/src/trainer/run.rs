//! The step loop.
//!
//! All randomness follows from the seed and the step number, so a run that stops and goes on from its
//! checkpoint gives the same losses, bit for bit on one machine, as one that never stopped.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn::tensor::backend::AutodiffBackend;
use schemas::manifest::train::{Mg3dModel, TrainSection};
use thiserror::Error;

use super::checkpoint::{Checkpoint, CheckpointError, CheckpointInfo};
use super::log::{Log, StepReport};
use super::optimizer::AdamW;
use super::schedule::learning_rate;
use crate::batch::{BatchError, BatchSource, SourceError};
use crate::device::{BackendJob, DeviceChoice, DeviceError, dispatch};
use crate::encoder::TextEncoderConfig;
use crate::system::{InputConfig, Mg3d, Mg3dConfig, Mg3dConfigError};
use crate::text::{ReportTokenizer, TokenizeError, build_vocabulary};
use crate::weights::{PretrainedError, PretrainedText, initialise};

/// What to train.
#[derive(Debug, Clone)]
pub struct TrainJob<'a> {
    /// Section of the manifest.
    pub section: &'a TrainSection,
    /// Folder of `checkpoints/` and `train.jsonl`.
    pub out: &'a Path,
    /// Release that the batches come from.
    pub release_id: &'a str,
    /// Volume of the view as `[channels, depth, height, width]`.
    pub volume: [usize; 4],
    /// Where the tokenizer of a new run comes from.
    pub vocabulary: Vocabulary<'a>,
    /// Checkpoint to go on from. The source must stand at its `loader_token`.
    pub resume: Option<&'a Checkpoint>,
    /// Checked before every step; when set, the run writes a checkpoint and ends.
    pub cancel: Arc<AtomicBool>,
}

/// Where a new run's tokenizer comes from. A pretrained text encoder brings its own.
#[derive(Debug, Clone, Copy)]
pub enum Vocabulary<'a> {
    /// Built from these texts.
    Texts(&'a [String]),
    /// This `tokenizer.json`.
    Definition(&'a str),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainSummary {
    /// Steps done in all.
    pub step: u64,
    /// Why it ended.
    pub outcome: Outcome,
    /// Its last checkpoint.
    pub checkpoint: PathBuf,
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

/// Why training failed.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The device is not available.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The model cannot be built.
    #[error(transparent)]
    Config(#[from] Mg3dConfigError),
    /// The pretrained text encoder cannot be used.
    #[error(transparent)]
    Pretrained(#[from] PretrainedError),
    /// A report cannot be tokenised.
    #[error(transparent)]
    Tokenize(#[from] TokenizeError),
    /// A batch is not usable.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A batch could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log could not be written.
    #[error("write training log `{path}`: {source}")]
    Log {
        /// File.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The checkpoint belongs to another run.
    #[error(
        "resume training: `{field}` differs from the checkpoint's; start in another folder or restore it"
    )]
    Mismatch {
        /// Field that differs.
        field: &'static str,
    },
    /// The source does not stand where the run does.
    #[error("train: the loader gave the batch of step {found}, step {expected} was due")]
    Order {
        /// Step of the batch.
        found: u64,
        /// Step of the run.
        expected: u64,
    },
    /// Numbers overflowed.
    #[error(
        "train: step {step} gave a {what} that is not a finite number; lower the learning rate or check the images"
    )]
    NotFinite {
        /// Steps done, this one included.
        step: u64,
        /// Loss or gradient.
        what: &'static str,
    },
    /// There is nothing to learn from.
    #[error("train: every objective has weight 0 or nothing to compare in step {step}")]
    NoLoss {
        /// Steps done, this one included.
        step: u64,
    },
}

/// A run between two steps.
struct State<B: AutodiffBackend> {
    config: Mg3dConfig,
    model: Mg3d<B>,
    optimizer: AdamW<B>,
    tokenizer: ReportTokenizer,
    step: u64,
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
            train::<B>(self.job, self.source, self.progress, device)
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
pub fn train<B: AutodiffBackend>(
    job: &TrainJob<'_>,
    source: &mut dyn BatchSource,
    progress: &mut dyn FnMut(&StepReport),
    device: &B::Device,
) -> Result<TrainSummary, TrainError> {
    let section = job.section;
    let mut state = start::<B>(job, device)?;
    let input = InputConfig::new(section, &state.config);
    let path = job.out.join("train.jsonl");
    let log_error = |source| TrainError::Log { path: path.display().to_string(), source };
    std::fs::create_dir_all(job.out).map_err(log_error)?;
    let mut log = Log::open(&path, state.step).map_err(log_error)?;
    let mut saved = job.resume.map(|checkpoint| checkpoint.folder.clone());
    let mut saved_step = job.resume.map(|checkpoint| checkpoint.info.step);
    let mut outcome = Outcome::Finished;

    while state.step < section.steps {
        if job.cancel.load(Ordering::Relaxed) {
            outcome = Outcome::Interrupted;
            break;
        }
        let Some(batch) = source.next_batch()? else {
            outcome = Outcome::Exhausted;
            break;
        };
        if batch.step != state.step {
            return Err(TrainError::Order { found: batch.step, expected: state.step });
        }
        batch.validate(job.volume)?;
        let started = Instant::now();
        let data_wait_s = batch.data_wait_s;
        let rate =
            learning_rate(&section.schedule, section.optimizer.lr, state.step, section.steps);
        let prepared = input.prepare::<B>(batch, &state.tokenizer, device)?;
        let (dropped_sentences, dropped_clauses) =
            (prepared.dropped_sentences, prepared.dropped_clauses);
        let done = state.step + 1;
        let update = update(state.model, &mut state.optimizer, &prepared, section, rate, done)?;
        state.model = update.model;
        state.step = done;
        source.commit();

        if done.is_multiple_of(section.log_every.max(1)) || done == section.steps {
            let report = StepReport {
                step: done,
                loss: update.loss,
                losses: update.losses,
                lr: rate,
                data_wait_s,
                step_s: started.elapsed().as_secs_f64(),
                gradient_norm: update.norm,
                dropped_sentences,
                dropped_clauses,
            };
            log.write(&report).map_err(log_error)?;
            progress(&report);
        }
        if done.is_multiple_of(section.checkpoint_every.max(1)) && done < section.steps {
            saved = Some(save(job, &state, source)?);
            saved_step = Some(done);
        }
    }
    let checkpoint = match saved {
        Some(folder) if saved_step == Some(state.step) => folder,
        _ => save(job, &state, source)?,
    };
    Ok(TrainSummary { step: state.step, outcome, checkpoint })
}

/// Result of one update.
struct Updated<B: AutodiffBackend> {
    model: Mg3d<B>,
    loss: f64,
    losses: std::collections::BTreeMap<String, f64>,
    norm: f64,
}

/// One forward pass, backward pass and update.
fn update<B: AutodiffBackend>(
    model: Mg3d<B>,
    optimizer: &mut AdamW<B>,
    input: &crate::system::Mg3dInput<B>,
    section: &TrainSection,
    rate: f64,
    step: u64,
) -> Result<Updated<B>, TrainError> {
    let losses = model.forward(input, &section.objectives);
    if losses.parts.is_empty() {
        return Err(TrainError::NoLoss { step });
    }
    let names: Vec<&str> = losses.parts.iter().map(|(name, _)| *name).collect();
    let values = losses.parts.iter().map(|(_, loss)| loss.clone().detach());
    let values = Tensor::cat(values.chain([losses.total.clone().detach()]).collect(), 0);
    let gradients = GradientsParams::from_grads(losses.total.backward(), &model);
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
fn save<B: AutodiffBackend>(
    job: &TrainJob<'_>,
    state: &State<B>,
    source: &dyn BatchSource,
) -> Result<PathBuf, TrainError> {
    let info =
        CheckpointInfo::new(&state.config, job.section, job.release_id, state.step, source.token());
    let written = Checkpoint::write(
        job.out,
        job.section.keep_checkpoints,
        info,
        &state.model,
        &state.optimizer,
        &state.tokenizer,
    )?;
    Ok(written.folder)
}

/// Makes the state of a new run, or reads that of a resumed one.
fn start<B: AutodiffBackend>(
    job: &TrainJob<'_>,
    device: &B::Device,
) -> Result<State<B>, TrainError> {
    if let Some(checkpoint) = job.resume {
        check_same_run(job, checkpoint)?;
        return Ok(State {
            config: checkpoint.model_config(),
            model: checkpoint.model(device)?,
            optimizer: checkpoint.optimizer(device)?,
            tokenizer: checkpoint.tokenizer()?,
            step: checkpoint.info.step,
        });
    }
    let section = job.section;
    let mut architecture = section.model.resolve();
    let pretrained = match &architecture.text.pretrained {
        Some(folder) => Some(PretrainedText::open(Path::new(folder))?),
        None => None,
    };
    let (tokenizer, text) = if let Some(pretrained) = &pretrained {
        architecture.text.hidden = pretrained.config.hidden_size;
        architecture.text.layers = pretrained.config.num_hidden_layers;
        architecture.text.heads = pretrained.config.num_attention_heads;
        (ReportTokenizer::from_file(&pretrained.tokenizer())?, pretrained.config.clone())
    } else {
        let text = &architecture.text;
        let tokenizer = match job.vocabulary {
            Vocabulary::Definition(definition) => ReportTokenizer::from_json(definition)?,
            Vocabulary::Texts(texts) => ReportTokenizer::from_json(&build_vocabulary(
                texts.iter().map(String::as_str),
                text.vocabulary,
            )?)?,
        };
        let config = TextEncoderConfig::new(
            tokenizer.vocabulary_size(),
            text.hidden,
            text.layers,
            text.heads,
            4 * text.hidden,
            text.max_tokens,
        );
        (tokenizer, config)
    };
    let block = section.objectives.image_mask_block;
    let config = Mg3dConfig { volume: job.volume, architecture, text, block };
    config.validate()?;
    let mut model = initialise(config.init::<B>(device), section.seed);
    if let Some(pretrained) = &pretrained {
        model.language_encoder = pretrained.load(model.language_encoder)?;
    }
    Ok(State { config, model, optimizer: AdamW::new(&section.optimizer), tokenizer, step: 0 })
}

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
fn check_same_run(job: &TrainJob<'_>, checkpoint: &Checkpoint) -> Result<(), TrainError> {
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
