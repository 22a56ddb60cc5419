//! Batches from memory.

use std::sync::Arc;

use schemas::ids::SampleId;
use schemas::study::{
    BatchSeries, BatchStudy, Block, BlockPosition, SeriesRecord, StudyRecord, Validity, VoxelFormat,
};

use super::source::{BatchSource, SourceError};
use super::study::StudyBatch;

/// Batches from memory.
#[derive(Debug, Clone, Default)]
pub struct ListSource {
    batches: Vec<StudyBatch>,
    next: usize,
    consumed: usize,
}

impl ListSource {
    /// Hands out `batches` in order.
    pub fn new(batches: Vec<StudyBatch>) -> Self {
        Self { batches, next: 0, consumed: 0 }
    }

    /// Moves to a position that [`BatchSource::token`] gave.
    #[must_use]
    pub fn seek(mut self, token: &serde_json::Value) -> Self {
        let position = token.get("position").and_then(serde_json::Value::as_u64).unwrap_or(0);
        self.next = (position as usize).min(self.batches.len());
        self.consumed = self.next;
        self
    }
}

impl BatchSource for ListSource {
    fn next_batch(&mut self) -> Result<Option<StudyBatch>, SourceError> {
        let batch = self.batches.get(self.next).cloned();
        self.next += usize::from(batch.is_some());
        Ok(batch)
    }

    fn token(&self) -> serde_json::Value {
        serde_json::json!({ "position": self.consumed })
    }

    fn commit(&mut self) {
        self.consumed += 1;
    }
}

/// Studies with one series of one block of `shape` each, for voxels that lie one after another.
pub fn single_blocks(
    records: Vec<StudyRecord>,
    shape: [usize; 4],
    format: VoxelFormat,
) -> Vec<BatchStudy> {
    let block = Block {
        shape,
        format,
        position: BlockPosition { origin_mm: [0.0; 3], steps_mm: [[0.0; 3]; 3] },
        validity: Validity::Whole,
    };
    let studies = records.into_iter().enumerate().map(|(index, record)| {
        let sample_id = SampleId(format!("{}_1", record.study_id));
        let series = SeriesRecord { sample_id, view: "main".into(), blocks: vec![block.clone()] };
        let offset = index * block.bytes();
        let series = vec![BatchSeries { record: Arc::new(series), blocks: None, offset }];
        BatchStudy { record: Arc::new(record), epoch: 0, series }
    });
    studies.collect()
}
