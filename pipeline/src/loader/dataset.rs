//! A release as the trainer sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::ids::{PatientKey, SampleId, StudyId};
use schemas::manifest::train::{InputSection, LabelSource};
use schemas::manifest::{Manifest, Recipe};
use schemas::split::Split;
use schemas::study::{
    Block, BlockPosition, SentenceClaim, SeriesRecord, SideInputs, StudyRecord, Validity,
    VoxelFormat,
};

use super::claims::Claims;
use super::similarity::Similarities;
use super::texts::Texts;
use crate::draws::Draws;
use crate::files::sha256_bytes;
use crate::release::{Contents, ReleaseError, TableReader};
use crate::shard::{Tensor, VoxelReader, VoxelReaderError};
use crate::volume::BODY_HOUNSFIELD;

/// A release that cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// A table, the lock or the sums cannot be read.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// A shard cannot be mapped.
    #[error(transparent)]
    Shard(#[from] VoxelReaderError),
    /// The release has no such view.
    #[error("release `{path}` has no view `{view}`; available: {found}")]
    View {
        /// The release.
        path: PathBuf,
        /// The view asked for.
        view: String,
        /// The views there are.
        found: String,
    },
    /// The split is empty.
    #[error("release `{path}` has no sample of view `{view}` in split `{split}`")]
    Empty {
        /// The release.
        path: PathBuf,
        /// The view asked for.
        view: String,
        /// The split asked for.
        split: &'static str,
    },
    /// Shapes differ from sample to sample.
    #[error(
        "view `{view}` has no fixed shape (`{sample}` has another than the first): give it a `resize` or `crop` size to train from it"
    )]
    Shape {
        /// The view.
        view: String,
        /// The first sample that differs.
        sample: String,
    },
    /// Series have different numbers of blocks.
    #[error("view `{view}`: `{sample}` has {found} blocks, and the first sample has {expected}")]
    Blocks {
        /// The view.
        view: String,
        /// The sample that differs.
        sample: String,
        /// Its blocks.
        found: usize,
        /// Blocks of the first sample.
        expected: usize,
    },
}

/// One series of the release in one view, and where its voxels lie.
#[derive(Debug, Clone)]
pub struct StoredSeries {
    /// The series and its blocks.
    pub record: Arc<SeriesRecord>,
    /// Number of the shard in [`Dataset::shards`].
    pub shard: usize,
    /// First byte in the shard.
    pub offset: u64,
    /// Length in bytes.
    pub length: u64,
    /// XXH3-64 of the bytes.
    pub xxh3: u64,
}

/// One study of the release with its series in the view.
#[derive(Debug, Clone)]
pub struct StoredStudy {
    /// The study and its report.
    pub record: Arc<StudyRecord>,
    /// Its series (at least one), sorted by sample id.
    pub series: Vec<StoredSeries>,
}

/// The samples of one view and split, with their reports.
#[derive(Debug)]
pub struct Dataset {
    /// Identity of the release.
    pub release_id: String,
    /// Hash of the samples and their voxels; it does not depend on how they are sharded.
    pub fingerprint: String,
    /// Shards, mapped.
    pub shards: Vec<VoxelReader>,
    /// Studies, sorted by id.
    pub studies: Vec<StoredStudy>,
    /// Names of the labels.
    pub labels: Vec<String>,
    view: Arc<str>,
    channels: usize,
    /// Stored value above which a voxel of the first channel is body.
    pub(super) body_level: f64,
    similarities: Similarities,
    claims: Claims,
}

impl Dataset {
    /// Opens the samples of `view` in `split` of the release at `path`.
    ///
    /// # Errors
    ///
    /// [`DatasetError`], which names the table, view or shard at fault.
    pub fn open(path: &Path, view: &str, split: Split) -> Result<Self, DatasetError> {
        Self::open_labelled(path, view, split, LabelSource::Reports)
    }

    /// As [`Self::open`], with the labels that `source` says.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_labelled(
        path: &Path,
        view: &str,
        split: Split,
        source: LabelSource,
    ) -> Result<Self, DatasetError> {
        let contents = Contents::read(path)?;
        let index = TableReader::open(path, "index")?;
        let views = index.texts("view")?;
        if !views.iter().any(|name| name == view) {
            let found: BTreeSet<&str> = views.iter().map(String::as_str).collect();
            return Err(DatasetError::View {
                path: path.to_owned(),
                view: view.to_owned(),
                found: found.into_iter().collect::<Vec<_>>().join(", "),
            });
        }
        let manifest = manifest(path)?;
        let layout = Layout::new(view, &recipe(&manifest, view)?);
        let splits = index.texts("split")?;
        let (samples, studies) = (index.texts("sample_id")?, index.texts("study_id")?);
        let (patients, shards) = (index.texts("patient_key")?, index.texts("shard")?);
        let (offsets, lengths) = (index.u64s("offset")?, index.u64s("length")?);
        let (hashes, shapes) = (index.u64s("xxh3")?, index.u32_triples("shape")?);
        let (affines, starts) = (index.f64_arrays("affine")?, index.i64_lists("crop_starts")?);
        let mut names: Vec<String> = Vec::new();
        let mut by_study: BTreeMap<&str, (&str, Vec<StoredSeries>)> = BTreeMap::new();
        for row in 0..index.rows() {
            if views[row] != view || splits[row] != split.name() {
                continue;
            }
            let shard = names.iter().position(|name| *name == shards[row]).unwrap_or_else(|| {
                names.push(shards[row].clone());
                names.len() - 1
            });
            let record = SeriesRecord {
                sample_id: SampleId(samples[row].clone()),
                view: Arc::clone(&layout.view),
                blocks: layout.blocks(shapes[row], &affines[row], &starts[row]),
            };
            if record.bytes() as u64 != lengths[row] {
                let what = format!(
                    "gives `{}` {} bytes, but its blocks have {}",
                    samples[row],
                    lengths[row],
                    record.bytes()
                );
                return Err(
                    ReleaseError::Damaged { file: "tables/index.parquet".into(), what }.into()
                );
            }
            let series = StoredSeries {
                record: Arc::new(record),
                shard,
                offset: offsets[row],
                length: lengths[row],
                xxh3: hashes[row],
            };
            let entry = by_study.entry(&studies[row]);
            entry.or_insert_with(|| (&patients[row], Vec::new())).1.push(series);
        }
        if by_study.is_empty() {
            return Err(DatasetError::Empty {
                path: path.to_owned(),
                view: view.to_owned(),
                split: split.name(),
            });
        }
        let mut texts = Texts::read(path, |study| by_study.contains_key(study), source)?;
        let studies: Vec<StoredStudy> = by_study
            .into_iter()
            .map(|(study, (patient, mut series))| {
                series.sort_by(|a, b| a.record.sample_id.cmp(&b.record.sample_id));
                let text = texts.by_study.remove(study).unwrap_or_default();
                let record = StudyRecord {
                    study_id: StudyId::from(study),
                    patient_key: PatientKey::from(patient),
                    sentences: text.sentences,
                    labels: text.labels,
                    names_side: text.names_side,
                    mirrored: false,
                };
                StoredStudy { record: Arc::new(record), series }
            })
            .collect();
        let listing: String = studies
            .iter()
            .flat_map(|study| &study.series)
            .map(|series| format!("{} {:016x}\n", series.record.sample_id, series.xxh3))
            .collect();
        Ok(Self {
            release_id: contents.release_id,
            fingerprint: sha256_bytes(listing.as_bytes()),
            shards: names
                .iter()
                .map(|name| VoxelReader::open(&path.join(name)))
                .collect::<Result<_, _>>()?,
            studies,
            labels: texts.labels,
            view: layout.view,
            channels: layout.channels,
            body_level: layout.body_level,
            similarities: Similarities::read(path, &manifest.graph)?,
            claims: Claims::read(path)?,
        })
    }

    /// The data set with the sentences of every study given to another, as `seed` has it; labels stay. With one study
    /// nothing changes.
    #[must_use]
    pub fn with_shuffled_reports(mut self, seed: u64) -> Self {
        let order = Draws::new("reports", seed, 0).permutation(self.studies.len() as u32);
        let records: Vec<Arc<StudyRecord>> =
            self.studies.iter().map(|study| Arc::clone(&study.record)).collect();
        // Along the ring of a random order no study keeps its own.
        for (place, &study) in order.iter().enumerate() {
            let other = &records[order[(place + 1) % order.len()] as usize];
            let record = Arc::make_mut(&mut self.studies[study as usize].record);
            record.sentences.clone_from(&other.sentences);
            record.names_side = other.names_side;
        }
        self
    }

    /// These studies, in these shards.
    #[cfg(test)]
    pub(super) fn of_studies(studies: Vec<StoredStudy>, shards: Vec<VoxelReader>) -> Self {
        Self {
            release_id: "release".to_owned(),
            fingerprint: "fingerprint".to_owned(),
            shards,
            studies,
            labels: Vec::new(),
            view: "v".into(),
            channels: 1,
            body_level: 0.0,
            similarities: Similarities::default(),
            claims: Claims::default(),
        }
    }

    /// Channels, depth, height and width that every block has, for systems that take one fixed box.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Shape`], naming the first sample that differs.
    pub(super) fn fixed_block(&self) -> Result<[usize; 4], DatasetError> {
        let mut all = self.studies.iter().flat_map(|study| &study.series).flat_map(|series| {
            series.record.blocks.iter().map(|block| (&series.record, block.shape))
        });
        let Some((_, shape)) = all.next() else { return Ok([0; 4]) };
        match all.find(|(_, other)| *other != shape) {
            None => Ok(shape),
            Some((record, _)) => Err(DatasetError::Shape {
                view: self.view.to_string(),
                sample: record.sample_id.to_string(),
            }),
        }
    }

    /// Blocks that every series has, for systems that take a fixed number.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Blocks`], naming the first sample that differs.
    fn fixed_block_count(&self) -> Result<usize, DatasetError> {
        let mut all = self.studies.iter().flat_map(|study| &study.series);
        let Some(first) = all.next() else { return Ok(0) };
        let count = first.record.blocks.len();
        match all.find(|series| series.record.blocks.len() != count) {
            None => Ok(count),
            Some(other) => Err(DatasetError::Blocks {
                view: self.view.to_string(),
                sample: other.record.sample_id.to_string(),
                found: other.record.blocks.len(),
                expected: count,
            }),
        }
    }

    /// Blocks of a sample, and channels, depth, height and width that each has, when samples are made as `input`
    /// says: for systems that take one fixed box or a fixed number of them.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Shape`] and [`DatasetError::Blocks`], naming the first sample that differs.
    pub fn fixed_input(&self, input: &InputSection) -> Result<(usize, [usize; 4]), DatasetError> {
        let Some(draw) = input.crops else {
            return Ok((self.fixed_block_count()?, self.fixed_block()?));
        };
        let [depth, height, width] = draw.shape();
        Ok((draw.count as usize, [self.channels, depth, height, width]))
    }

    /// The voxels of a series.
    pub(super) fn voxels(&self, series: &StoredSeries) -> Result<Tensor<'_>, VoxelReaderError> {
        self.shards[series.shard].tensor(series.offset, series.length, series.xxh3)
    }

    /// Compares the hash that was `found` of the voxels of a series.
    pub(super) fn compare(
        &self,
        series: &StoredSeries,
        found: u64,
    ) -> Result<(), VoxelReaderError> {
        self.shards[series.shard].compare(series.offset, found, series.xxh3)
    }
}

impl SideInputs for Dataset {
    /// The table is sparse: of a pair that is not stored it is known that it shares little, or that both claim
    /// the same and others crowded it out. Boilerplate gives `[0, 1]`.
    fn sentence_similarity(&self, a: u64, b: u64) -> [f32; 2] {
        self.similarities.bounds(a, b)
    }

    fn claims(&self, sentence_type: u64) -> &[SentenceClaim] {
        self.claims.of(sentence_type)
    }
}

/// What all samples of a view have in common.
struct Layout {
    view: Arc<str>,
    channels: usize,
    format: VoxelFormat,
    body_level: f64,
}

impl Layout {
    fn new(view: &str, recipe: &Recipe) -> Self {
        // Only `u8` and `f16` take several windows, and their scale does not depend on the window.
        let window = recipe.first_window();
        let (scale, offset) = recipe.dtype.normalisation(window);
        // Air, lung and foam lie below, tissue above.
        let body = (BODY_HOUNSFIELD.max(window[0]) - window[0]) / (window[1] - window[0]);
        Self {
            view: view.into(),
            channels: recipe.windows.len(),
            body_level: (body - offset) / scale,
            format: VoxelFormat { dtype: recipe.dtype, scale: scale as f32, offset: offset as f32 },
        }
    }

    /// The blocks of a sample: one per crop, or one where there is no crop.
    fn blocks(&self, shape: [u32; 3], affine: &[f64; 16], crop_starts: &[i64]) -> Vec<Block> {
        let [depth, height, width] = shape.map(|length| length as usize);
        let block = |start: [i64; 3], validity| Block {
            shape: [self.channels, depth, height, width],
            format: self.format,
            position: BlockPosition::new(affine, start),
            validity,
        };
        if crop_starts.is_empty() {
            return vec![block([0; 3], Validity::Whole)];
        }
        let starts = crop_starts.as_chunks::<3>().0.iter();
        starts.map(|&start| block(start, validity(start, [depth, height, width]))).collect()
    }
}

/// Which voxels of a crop that begins at `start` (x, y, z) are of the image.
fn validity(start: [i64; 3], [depth, height, width]: [usize; 3]) -> Validity {
    if start.iter().all(|&index| index >= 0) {
        return Validity::Whole;
    }
    let inside = |start: i64, length: usize| -> Range<usize> {
        usize::try_from(-start).unwrap_or(0).min(length)..length
    };
    let [x, y, z] = start;
    Validity::Within([inside(z, depth), inside(y, height), inside(x, width)])
}

fn damaged(what: String) -> ReleaseError {
    ReleaseError::Damaged { file: "manifest.resolved.json".into(), what }
}

fn manifest(path: &Path) -> Result<Manifest, ReleaseError> {
    let file = path.join("manifest.resolved.json");
    let text =
        std::fs::read(&file).map_err(|source| ReleaseError::Io { path: file.clone(), source })?;
    serde_json::from_slice(&text).map_err(|error| damaged(format!("is unreadable: {error}")))
}

fn recipe(manifest: &Manifest, view: &str) -> Result<Recipe, ReleaseError> {
    manifest
        .view
        .iter()
        .find(|section| section.name == view)
        .ok_or_else(|| damaged(format!("has no view `{view}`")))?
        .resolve()
        .map_err(|error| damaged(error.to_string()))
}
