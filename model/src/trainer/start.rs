//! How a run begins: from nothing, or from its checkpoint.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use burn::tensor::backend::{AutodiffBackend, Backend};
use schemas::manifest::train::{TrainSection, is_below};

use super::error::TrainError;
use super::job::TrainJob;
use super::optimizer::Optimizer;
use super::same_run::check_same_run;
use crate::system::System;
use crate::system::registry::{check, read};
use crate::text::ReportTokenizer;
use crate::weights::{ParamPath, initialise};

/// A run between two steps.
pub(super) struct State<S: System, B: AutodiffBackend> {
    pub(super) model: S::Model<B>,
    pub(super) optimizer: Optimizer<B>,
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
    check_groups::<B, _>(&model, section)?;
    Ok((system, tokenizer, State { model, optimizer: Optimizer::new(&section.optimizer), step: 0 }))
}

/// Refuses groups of parameters that name no module of the model.
fn check_groups<B: AutodiffBackend, M: Module<B>>(
    model: &M,
    section: &TrainSection,
) -> Result<(), TrainError> {
    let mut names = Names::default();
    model.visit(&mut names);
    let modules = section.optimizer.groups.iter().flat_map(|group| &group.modules);
    for module in modules {
        if !names.found.iter().any(|name| is_below(name, module)) {
            let tops: BTreeSet<&str> =
                names.found.iter().filter_map(|name| name.split('.').next()).collect();
            let modules = tops.into_iter().collect::<Vec<_>>().join("`, `");
            return Err(TrainError::Group { module: module.clone(), modules });
        }
    }
    Ok(())
}

/// Dotted names of all parameters.
#[derive(Default)]
struct Names {
    path: ParamPath,
    found: Vec<String>,
}

impl<B: Backend> ModuleVisitor<B> for Names {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, _: &Param<Tensor<B, D>>) {
        self.found.push(self.path.dotted());
    }
}
