//! Every sample of a release once, in order, without threads: for evaluation.

use std::sync::Arc;
use std::time::Instant;

use super::batch::{Batch, fill};
use super::config::LoaderError;
use super::dataset::Dataset;
use super::ring::Slot;

/// Hands out the samples of a split one batch after another.
#[derive(Debug)]
pub struct Sequential {
    dataset: Arc<Dataset>,
    places: Vec<(usize, usize)>,
    batch: usize,
    next: usize,
}

impl Sequential {
    /// Batches of at most `batch` samples.
    pub fn new(dataset: Arc<Dataset>, batch: usize) -> Self {
        let studies = dataset.studies.iter().enumerate();
        let places = studies
            .flat_map(|(study, stored)| (0..stored.series.len()).map(move |series| (study, series)))
            .collect();
        Self { dataset, places, batch: batch.max(1), next: 0 }
    }

    /// The next batch; none after the last.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Shard`] where a tensor is damaged.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, LoaderError> {
        let start = Instant::now();
        let end = (self.next + self.batch).min(self.places.len());
        let places = &self.places[self.next..end];
        if places.is_empty() {
            return Ok(None);
        }
        let mut slot = Slot::unowned(0);
        let (studies, _) = fill(&self.dataset, places, &mut slot)?;
        let number = (self.next / self.batch) as u64;
        self.next = end;
        Ok(Some(Batch { number, studies, slot, waited: start.elapsed() }))
    }

    /// What is loaded.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }
}
