//! How a run begins: from nothing, or from its checkpoint.

use burn::tensor::backend::AutodiffBackend;

use super::adamw::AdamW;
use super::error::TrainError;
use super::job::TrainJob;
use super::same_run::check_same_run;
use crate::system::System;
use crate::system::registry::{check, read};
use crate::text::ReportTokenizer;
use crate::weights::initialise;

/// A run between two steps.
pub(super) struct State<S: System, B: AutodiffBackend> {
    pub(super) model: S::Model<B>,
    pub(super) optimizer: AdamW<B>,
    pub(super) step: u64,
}

/// Makes the system, the tokenizer and the state of a new run, or reads those of a resumed one.
pub(super) fn start<S: System, B: AutodiffBackend>(
    job: &TrainJob<'_>,
    device: &B::Device,
) -> Result<(S, ReportTokenizer, State<S, B>), TrainError> {
    let section = job.section;
    let tables = read::<S>(section, job.origin)?;
    if let Some(checkpoint) = job.resume {
        check_same_run::<S>(job, checkpoint)?;
        let system = checkpoint.system::<S>(section.seed)?;
        let state = State {
            model: checkpoint.model(&system, device)?,
            optimizer: checkpoint.optimizer(device)?,
            step: checkpoint.info.step,
        };
        return Ok((system, checkpoint.tokenizer()?, state));
    }
    check::<S>(&tables, job.input, job.origin)?;
    let (plan, tokenizer) = S::plan(&tables, job.input, job.vocabulary)?;
    let system = S::new(tables, plan, section.seed);
    let model = system.load_pretrained(initialise(system.init::<B>(device), section.seed))?;
    Ok((system, tokenizer, State { model, optimizer: AdamW::new(&section.optimizer), step: 0 }))
}
