//! Data sets of raw bytes in shards of this test's own.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use schemas::ids::SampleId;
use schemas::study::{Block, BlockPosition, SeriesRecord, StudyRecord, Validity, VoxelFormat};
use tempfile::NamedTempFile;

use crate::files::xxh3_64;
use crate::loader::{Dataset, StoredSeries, StoredStudy};
use crate::shard::VoxelReader;

/// A data set that is being written. Its files are there as long as it is; what has them mapped keeps them.
pub(in crate::loader) struct Stored {
    files: Vec<NamedTempFile>,
    /// Bytes of the last file.
    length: u64,
    studies: Vec<StoredStudy>,
}

impl Stored {
    /// No study, and one empty shard.
    pub(in crate::loader) fn new() -> Self {
        let mut stored = Self { files: Vec::new(), length: 0, studies: Vec::new() };
        stored.next_shard();
        stored
    }

    /// Begins another shard.
    pub(in crate::loader) fn next_shard(&mut self) {
        self.files.push(NamedTempFile::new().expect("a file"));
        self.length = 0;
    }

    /// Writes a series to the last shard.
    pub(in crate::loader) fn series(
        &mut self,
        sample_id: String,
        blocks: Vec<Block>,
        bytes: &[u8],
    ) -> StoredSeries {
        self.files.last_mut().expect("one").write_all(bytes).expect("writes");
        let record = SeriesRecord { sample_id: SampleId(sample_id), view: "v".into(), blocks };
        let series = StoredSeries {
            record: Arc::new(record),
            shard: self.files.len() - 1,
            offset: self.length,
            length: bytes.len() as u64,
            xxh3: xxh3_64(bytes),
        };
        self.length += series.length;
        series
    }

    /// Adds a study of these series.
    pub(in crate::loader) fn study(&mut self, record: StudyRecord, series: Vec<StoredSeries>) {
        self.studies.push(StoredStudy { record: Arc::new(record), series });
    }

    /// Changes a byte of the first series of a study.
    pub(in crate::loader) fn damage(&mut self, study: usize, at: u64, byte: u8) {
        let series = &self.studies[study].series[0];
        let file = &mut self.files[series.shard];
        file.seek(SeekFrom::Start(series.offset + at)).expect("is there");
        file.write_all(&[byte]).expect("writes");
    }

    /// The first shard.
    pub(in crate::loader) fn file(&self) -> &Path {
        self.files[0].path()
    }

    /// What was written, as a loader sees it.
    pub(in crate::loader) fn dataset(&self) -> Arc<Dataset> {
        self.dataset_of(self.studies.clone())
    }

    /// These studies, whose series are of this data set.
    pub(in crate::loader) fn dataset_of(&self, studies: Vec<StoredStudy>) -> Arc<Dataset> {
        let shards = self.files.iter().map(|file| VoxelReader::open(file.path()).expect("maps"));
        Arc::new(Dataset::of_studies(studies, shards.collect()))
    }
}

/// A whole block at the origin of a grid with this affine.
pub(in crate::loader) fn block(
    shape: [usize; 4],
    format: VoxelFormat,
    affine: &[f64; 16],
) -> Block {
    let position = BlockPosition::new(affine, [0; 3]);
    Block { shape, format, position, validity: Validity::Whole }
}
