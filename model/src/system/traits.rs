//! The trait that makes a training system.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use schemas::manifest::ManifestOrigin;
use schemas::study::StudyRecord;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::{PrepareError, StartError};
use super::input_shape::InputShape;
use super::language::Vocabulary;
use super::tables::{SystemTables, Table};
use crate::batch::StudyBatch;
use crate::encoder::TextEncoderConfig;
use crate::text::{ReportTokenizer, TokenCache};

/// Everything that a model's modules follow from, with all presets resolved. A checkpoint keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelPlan<A> {
    /// What it gets of each study.
    pub input: InputShape,
    /// The numbers of the system's modules.
    pub architecture: A,
    /// Text encoder; its vocabulary is the tokenizer's.
    pub text: TextEncoderConfig,
}

/// Losses of one step, each `[1]`; a loss without anything to compare, or with weight 0, is absent.
#[derive(Debug, Clone)]
pub struct Losses<B: Backend> {
    /// Weighted sum.
    pub total: Tensor<B, 1>,
    /// Losses by name, before weights, in a fixed order.
    pub parts: Vec<(&'static str, Tensor<B, 1>)>,
}

/// What evaluation asks of the studies of a batch.
#[derive(Debug, Clone)]
pub struct Embedding<B: Backend> {
    /// Features of the image that a probe sees, `[B, F]`.
    pub pooled: Tensor<B, 2>,
    /// Vector of the image in the space shared with reports, `[B, P]`, not normalised.
    pub image: Tensor<B, 2>,
    /// Vector of the report in that space, `[B, P]`, not normalised.
    pub report: Tensor<B, 2>,
    /// Squared error of hidden voxels, `[B]`; none where the system reconstructs no image.
    pub image_error: Option<Tensor<B, 1>>,
}

/// A training system: what its tables may say, its modules, and one step.
///
/// A value of the type holds what a run needs beside the weights. The order of calls in a run is [`Self::check`]
/// before anything is read, [`Self::plan`] and [`Self::init`] (or a checkpoint), [`Self::new`], and per step
/// [`Self::host`] on a thread beside the training, then [`Self::upload`], [`Self::losses`], [`Self::after_step`].
pub trait System: Sized + Send + Sync + 'static {
    /// Name in manifests, checkpoints and lists.
    const NAME: &'static str;
    /// What it is, in one line, with its source.
    const DOC: &'static str;

    /// Keys of `[train.model]`.
    type ModelTable: Table;
    /// Keys of `[train.objectives]`.
    type ObjectiveTable: Table;
    /// The numbers of its modules, with all presets resolved.
    type Architecture: Serialize + DeserializeOwned;
    /// The module that the optimizer updates and a checkpoint stores.
    type Model<B: Backend>: Module<B>;
    /// What is prepared of a batch without a device.
    type Host: Send;
    /// Tensors of one step.
    type Input<B: Backend>;

    /// Makes paths in the tables lead where the manifest says.
    ///
    /// # Errors
    /// Where nothing is there.
    fn locate(
        _tables: &mut SystemTables<Self::ModelTable, Self::ObjectiveTable>,
        _origin: &ManifestOrigin,
    ) -> Result<(), StartError> {
        Ok(())
    }

    /// The tables without what may change between a run and its continuation, such as where files lie.
    fn comparable(
        tables: &SystemTables<Self::ModelTable, Self::ObjectiveTable>,
    ) -> SystemTables<Self::ModelTable, Self::ObjectiveTable> {
        tables.clone()
    }

    /// Says what of the tables does not fit together or does not fit the input; what it says completes
    /// "`train.model` is refused: …".
    ///
    /// # Errors
    /// The first problem, in words.
    fn check(
        tables: &SystemTables<Self::ModelTable, Self::ObjectiveTable>,
        input: InputShape,
    ) -> Result<(), String>;

    /// Decides everything about a new model, and makes its tokenizer.
    ///
    /// # Errors
    /// When pretrained weights or the vocabulary cannot be read.
    fn plan(
        tables: &SystemTables<Self::ModelTable, Self::ObjectiveTable>,
        input: InputShape,
        vocabulary: Vocabulary<'_>,
    ) -> Result<(ModelPlan<Self::Architecture>, ReportTokenizer), StartError>;

    /// The run-time part of the system; `seed` is that of its masks and draws.
    fn new(
        tables: SystemTables<Self::ModelTable, Self::ObjectiveTable>,
        plan: ModelPlan<Self::Architecture>,
        seed: u64,
    ) -> Self;

    /// The model with unspecified weights; [`initialise`](crate::weights::initialise) draws them.
    fn init<B: Backend>(&self, device: &B::Device) -> Self::Model<B>;

    /// Loads the weights that a new run starts from, where the tables name some.
    ///
    /// # Errors
    /// When they cannot be read or do not fit.
    fn load_pretrained<B: Backend>(
        &self,
        model: Self::Model<B>,
    ) -> Result<Self::Model<B>, StartError> {
        Ok(model)
    }

    /// What the model was planned as.
    fn model_plan(&self) -> &ModelPlan<Self::Architecture>;

    /// Longest token sequence of a report.
    fn max_tokens(&self) -> usize;

    /// The part of the preparation that needs no device.
    ///
    /// # Errors
    /// When a report cannot be tokenised or the voxels are not those of the model.
    fn host(&self, batch: &StudyBatch, tokens: &TokenCache<'_>)
    -> Result<Self::Host, PrepareError>;

    /// What the log should count of a prepared batch, by name.
    fn counters(_host: &Self::Host) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }

    /// The tensors of the step of `batch`, which is the one that `host` was made of.
    ///
    /// # Errors
    /// When the voxels do not form the tensors.
    fn upload<B: Backend>(
        &self,
        host: Self::Host,
        batch: &StudyBatch,
        device: &B::Device,
    ) -> Result<Self::Input<B>, PrepareError>;

    /// Losses of one batch; `step` counts from 0.
    fn losses<B: Backend>(
        &self,
        model: &Self::Model<B>,
        input: &Self::Input<B>,
        step: u64,
    ) -> Losses<B>;

    /// Changes the model after an update without a gradient, as a moving average of weights does. What it needs
    /// from step to step lies in the model, so that a checkpoint holds it.
    fn after_step<B: Backend>(&self, model: Self::Model<B>, _step: u64) -> Self::Model<B> {
        model
    }

    /// Vectors of the studies of a batch.
    fn embed<B: Backend>(&self, model: &Self::Model<B>, input: &Self::Input<B>) -> Embedding<B>;

    /// Vectors of texts without an image in the space shared with images, `[N, P]`, not normalised.
    ///
    /// # Errors
    /// When a text cannot be tokenised.
    fn embed_texts<B: Backend>(
        &self,
        model: &Self::Model<B>,
        texts: &[StudyRecord],
        tokens: &TokenCache<'_>,
        device: &B::Device,
    ) -> Result<Tensor<B, 2>, PrepareError>;
}
