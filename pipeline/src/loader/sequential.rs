//! Every sample of a release once, in order, without threads: for evaluation.

use std::sync::Arc;
use std::time::Instant;

use schemas::manifest::train::InputSection;

use super::batch::Batch;
use super::config::LoaderError;
use super::dataset::Dataset;
use super::order::Place;
use super::ring::Slot;
use super::sample::Sampler;

/// Hands out the samples of a split one batch after another.
#[derive(Debug)]
pub struct Sequential {
    dataset: Arc<Dataset>,
    sampler: Sampler,
    places: Vec<Place>,
    batch: usize,
    next: usize,
}

impl Sequential {
    /// Batches of at most `batch` samples, made as `input` says but that nothing is drawn: boxes are spread evenly
    /// over each volume, and voxels stay as they are. With `together`, a sample is a study with all its series.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Input`] where `input` does not go with the view.
    pub fn new(
        dataset: Arc<Dataset>,
        batch: usize,
        input: InputSection,
        together: bool,
    ) -> Result<Self, LoaderError> {
        let studies = dataset.studies.iter().enumerate();
        let places = studies
            .flat_map(|(study, stored)| {
                let count = stored.series.len();
                let length = if together { count } else { 1 };
                (0..count).step_by(length.max(1)).map(move |first| Place {
                    study,
                    series: first..first + length,
                    epoch: None,
                })
            })
            .collect();
        let sampler = Sampler::new(&dataset, input, 0)?;
        Ok(Self { dataset, sampler, places, batch: batch.max(1), next: 0 })
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
        let (studies, cost) = self.sampler.fill(&self.dataset, places, &mut slot)?;
        let number = (self.next / self.batch) as u64;
        self.next = end;
        let (damaged, waited) = (cost.damaged, start.elapsed());
        Ok(Some(Batch { number, studies, slot, damaged, waited }))
    }

    /// What is loaded.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }
}
