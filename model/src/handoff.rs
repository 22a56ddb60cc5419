//! From the loader to training: batches of a release as [`StudyBatch`]es.
//!
//! The one place where the loader and the models meet. It copies neither voxels nor texts: the slot becomes the
//! bytes of the batch and goes back to its ring when the last tensor that refers to it is dropped, and studies are
//! referred to.

use std::sync::Arc;

use pipeline::loader::{
    Batch, Dataset, Loader, LoaderConfig, LoaderError, OrderPlan, RankShare, ResumeToken,
    Sequential, TokenError,
};

use schemas::manifest::train::{InputSection, SeriesPerEpoch, TrainSection};

use crate::batch::{BatchSource, SourceError, StudyBatch, Voxels};

/// Why a release cannot be a source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandoffError {
    /// The loader cannot start.
    #[error(transparent)]
    Loader(#[from] LoaderError),
    /// The checkpoint was made with other data.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// How to load.
#[derive(Debug, Clone, Copy)]
pub struct SourceOptions {
    /// What the order is a function of.
    pub plan: OrderPlan,
    /// What a sample is made of.
    pub input: InputSection,
    /// Threads that fetch.
    pub threads: usize,
    /// Memory of the ring in bytes.
    pub ring_bytes: usize,
}

/// Shuffled batches of a release for training, without end.
#[derive(Debug)]
pub struct ReleaseSource {
    loader: Loader,
    first_step: u64,
}

impl ReleaseSource {
    /// Batches of `dataset` from the beginning, or from where the checkpoint's `token` stands.
    ///
    /// # Errors
    /// [`HandoffError::Token`] when the token is of other data; it is never ignored.
    pub fn new(
        dataset: Arc<Dataset>,
        options: SourceOptions,
        token: Option<&serde_json::Value>,
    ) -> Result<Self, HandoffError> {
        let SourceOptions { plan, input, threads, ring_bytes } = options;
        let token = token.map(ResumeToken::from_json).transpose()?;
        let position = token.as_ref().map_or(0, |token| token.position);
        let share = RankShare::WHOLE;
        let config =
            LoaderConfig { plan, input, share, threads, ring_bytes, position, batches: None };
        let loader = Loader::start(dataset, config)?;
        if let Some(token) = token {
            token.check(&loader.token())?;
        }
        Ok(Self { loader, first_step: position / plan.batch.max(1) as u64 })
    }
}

impl BatchSource for ReleaseSource {
    fn next_batch(&mut self) -> Result<Option<StudyBatch>, SourceError> {
        let batch = self.loader.next_batch().map_err(|error| SourceError(error.into()))?;
        Ok(batch.map(|batch| study_batch(batch, self.first_step, self.loader.dataset())))
    }

    fn token(&self) -> serde_json::Value {
        serde_json::to_value(self.loader.token()).unwrap_or_default()
    }

    fn commit(&mut self) {
        self.loader.commit();
    }
}

/// Every sample of a release once, in order, for evaluation.
#[derive(Debug)]
pub struct SplitSource(Sequential);

impl SplitSource {
    /// Batches as training with `section` has them but that nothing is drawn.
    ///
    /// # Errors
    /// [`HandoffError::Loader`] where the section does not go with the view.
    pub fn new(dataset: Arc<Dataset>, section: &TrainSection) -> Result<Self, HandoffError> {
        let together = section.order.series == SeriesPerEpoch::Together;
        Ok(Self(Sequential::new(dataset, section.batch, section.input, together)?))
    }
}

impl BatchSource for SplitSource {
    fn next_batch(&mut self) -> Result<Option<StudyBatch>, SourceError> {
        let batch = self.0.next_batch().map_err(|error| SourceError(error.into()))?;
        Ok(batch.map(|batch| study_batch(batch, 0, self.0.dataset())))
    }

    fn token(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn commit(&mut self) {}
}

fn study_batch(batch: Batch, first_step: u64, dataset: &Arc<Dataset>) -> StudyBatch {
    StudyBatch {
        step: first_step + batch.number,
        studies: batch.studies,
        voxels: Voxels::shared(batch.slot),
        side_inputs: Arc::clone(dataset) as _,
        damaged: batch.damaged,
        data_wait_s: batch.waited.as_secs_f64(),
    }
}
