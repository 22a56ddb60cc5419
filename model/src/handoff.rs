//! From the loader to training: batches of a release as [`StudyBatch`]es.
//!
//! The one place where the loader and burn meet. Voxels are copied once from the mapped shard into a slot of
//! the loader's ring, and once more into the upload.

use std::sync::Arc;

use pipeline::loader::{
    Batch, Dataset, Loader, LoaderConfig, LoaderError, ResumeToken, Sample, SentenceRef, Shard,
    TokenError,
};
use schemas::manifest::VoxelType as StoredType;

use crate::batch::{
    BatchSource, SentenceText, SourceError, StudyBatch, StudySample, VoxelBlock, VoxelType,
};

/// Shuffled batches of a release for training, without end.
#[derive(Debug)]
pub struct ReleaseSource {
    loader: Loader,
    first_step: u64,
}

/// Why a release cannot be a source.
#[derive(Debug, thiserror::Error)]
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
    /// Seed of the order.
    pub seed: u64,
    /// Samples a step.
    pub batch: usize,
    /// Threads that fetch.
    pub threads: usize,
    /// Memory of the ring in bytes.
    pub ring_bytes: usize,
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
        let config = |position| LoaderConfig {
            seed: options.seed,
            batch: options.batch,
            shard: Shard::WHOLE,
            threads: options.threads,
            ring_bytes: options.ring_bytes,
            position,
            batches: None,
        };
        let Some(token) = token else {
            return Ok(Self { loader: Loader::start(dataset, config(0))?, first_step: 0 });
        };
        let token = ResumeToken::from_json(token)?;
        let loader = Loader::start(dataset, config(token.position))?;
        token.check(&loader.token())?;
        Ok(Self { loader, first_step: token.position / options.batch.max(1) as u64 })
    }
}

impl BatchSource for ReleaseSource {
    fn next_batch(&mut self) -> Result<Option<StudyBatch>, SourceError> {
        let fetched =
            self.loader.next_batch().map_err(|error| SourceError { message: error.to_string() })?;
        Ok(fetched.map(|batch| {
            let Batch { number, samples, slot, waited } = batch;
            let voxels = slot.bytes().to_vec();
            let step = self.first_step + number;
            study_batch(self.loader.dataset(), step, &samples, voxels, waited.as_secs_f64())
        }))
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
pub struct SplitSource {
    dataset: Arc<Dataset>,
    samples: Vec<Sample>,
    batch: usize,
    next: usize,
}

impl SplitSource {
    /// Batches of at most `batch` samples.
    pub fn new(dataset: Arc<Dataset>, batch: usize) -> Self {
        let samples = dataset.studies.iter().flatten().cloned().collect();
        Self { dataset, samples, batch: batch.max(1), next: 0 }
    }
}

impl BatchSource for SplitSource {
    fn next_batch(&mut self) -> Result<Option<StudyBatch>, SourceError> {
        let end = (self.next + self.batch).min(self.samples.len());
        let samples = &self.samples[self.next..end];
        if samples.is_empty() {
            return Ok(None);
        }
        let mut voxels = Vec::with_capacity(samples.len() * self.dataset.sample_bytes());
        for sample in samples {
            let bytes = self.dataset.shards[sample.shard]
                .verified(sample.offset, sample.length, sample.xxh3)
                .map_err(|error| SourceError { message: error.to_string() })?;
            voxels.extend_from_slice(bytes);
        }
        let step = (self.next / self.batch) as u64;
        let batch = study_batch(&self.dataset, step, samples, voxels, 0.0);
        self.next = end;
        Ok(Some(batch))
    }

    fn token(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn commit(&mut self) {}
}

fn study_batch(
    dataset: &Dataset,
    step: u64,
    samples: &[Sample],
    data: Vec<u8>,
    data_wait_s: f64,
) -> StudyBatch {
    let texts: Vec<_> = samples.iter().map(|sample| dataset.text(&sample.study_id)).collect();
    let sentences: Vec<&SentenceRef> = texts.iter().flat_map(|text| &text.sentences).collect();
    let similarity = sentences
        .iter()
        .flat_map(|a| {
            sentences.iter().map(|b| dataset.similarity(a.sentence_type, b.sentence_type))
        })
        .collect();
    let studies = samples
        .iter()
        .zip(&texts)
        .map(|(sample, text)| StudySample {
            sample_id: sample.sample_id.clone(),
            study_id: sample.study_id.clone(),
            patient_key: sample.patient_key.clone(),
            sentences: text
                .sentences
                .iter()
                .map(|sentence| SentenceText {
                    text: sentence.text.clone(),
                    impression: sentence.impression,
                    breaks: sentence.breaks.iter().map(|&at| at as usize).collect(),
                    entities: sentence
                        .entities
                        .iter()
                        .map(|entity| entity.start as usize..entity.end as usize)
                        .collect(),
                })
                .collect(),
            labels: text.labels.clone(),
        })
        .collect();
    let dtype = match dataset.dtype {
        StoredType::U8 => VoxelType::U8,
        StoredType::I16 => VoxelType::I16,
        StoredType::F16 => VoxelType::F16,
    };
    let [depth, height, width] = dataset.shape;
    let (scale, offset) = dataset.normalisation;
    StudyBatch {
        step,
        samples: studies,
        voxels: VoxelBlock {
            data,
            dtype,
            shape: [samples.len(), dataset.blocks, depth, height, width],
            scale: scale as f32,
            offset: offset as f32,
        },
        similarity,
        data_wait_s,
    }
}
