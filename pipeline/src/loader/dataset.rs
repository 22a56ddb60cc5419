//! A release as the trainer sees it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemas::manifest::{Manifest, Recipe, VoxelType};

use super::similarity::Similarities;
use crate::files::sha256_bytes;
use crate::release::{Contents, ReleaseError, TableReader};
use crate::shard::{VoxelReader, VoxelReaderError};
use schemas::split::Split;

/// A release that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A table, the lock or the sums cannot be read.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// A shard cannot be mapped.
    #[error(transparent)]
    Shard(#[from] VoxelReaderError),
    /// The release has no such view.
    #[error("release `{path}` has no view `{view}`: it has {found}")]
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
}

/// One tensor of the release.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The sample.
    pub sample_id: String,
    /// The study.
    pub study_id: String,
    /// The person.
    pub patient_key: String,
    /// Number of the shard in [`Dataset::shards`].
    pub shard: usize,
    /// First byte in the shard.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// XXH3-64 of the bytes.
    pub xxh3: u64,
}

/// Where an entity stands in its sentence. Mentions that share text count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityRef {
    /// Its row in `nodes`; of mentions that share text, the first.
    pub node: u32,
    /// First byte in the sentence's text.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

/// One sentence of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentenceRef {
    /// Its text.
    pub text: String,
    /// Whether it stands in the impression.
    pub impression: bool,
    /// Its sentence type.
    pub sentence_type: u64,
    /// Bytes of its text at which it can end early; none in releases of revision 1.
    pub breaks: Vec<u32>,
    /// Its entities, in order and apart from each other.
    pub entities: Vec<EntityRef>,
}

/// The report of a study.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StudyText {
    /// Sentences of findings and impression, in order.
    pub sentences: Vec<SentenceRef>,
    /// One value for each of [`Dataset::labels`].
    pub labels: Vec<i8>,
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
    /// Samples of each study, sorted; a study's reconstructions stand together.
    pub studies: Vec<Vec<Sample>>,
    /// Depth, height, width of a block.
    pub shape: [usize; 3],
    /// Blocks of a sample: crops × channels.
    pub blocks: usize,
    /// Voxel type.
    pub dtype: VoxelType,
    /// `normalised = stored * scale + offset` takes a voxel to 0..1.
    pub normalisation: (f64, f64),
    /// Names of the labels.
    pub labels: Vec<String>,
    texts: BTreeMap<String, StudyText>,
    similarities: Similarities,
}

impl Dataset {
    /// Opens the samples of `view` in `split` of the release at `path`.
    ///
    /// # Errors
    ///
    /// [`DatasetError`], which names the table, view or shard at fault.
    pub fn open(path: &Path, view: &str, split: Split) -> Result<Self, DatasetError> {
        let contents = Contents::read(path)?;
        let index = TableReader::open(path, "index")?;
        let views = index.texts("view")?;
        if !views.iter().any(|name| name == view) {
            let found: std::collections::BTreeSet<_> = views.iter().cloned().collect();
            return Err(DatasetError::View {
                path: path.to_owned(),
                view: view.to_owned(),
                found: found.into_iter().collect::<Vec<_>>().join(", "),
            });
        }
        let splits = index.texts("split")?;
        let (samples, studies) = (index.texts("sample_id")?, index.texts("study_id")?);
        let (patients, shards) = (index.texts("patient_key")?, index.texts("shard")?);
        let (offsets, lengths) = (index.u64s("offset")?, index.u64s("length")?);
        let (hashes, shapes) = (index.u64s("xxh3")?, index.u32_triples("shape")?);
        let mut names: Vec<String> = Vec::new();
        let mut by_study: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
        let mut shape = None;
        for row in 0..index.rows() {
            if views[row] != view || splits[row] != split.name() {
                continue;
            }
            if *shape.get_or_insert(shapes[row]) != shapes[row] {
                return Err(DatasetError::Shape {
                    view: view.to_owned(),
                    sample: samples[row].clone(),
                });
            }
            let shard = names.iter().position(|name| *name == shards[row]).unwrap_or_else(|| {
                names.push(shards[row].clone());
                names.len() - 1
            });
            by_study.entry(studies[row].clone()).or_default().push(Sample {
                sample_id: samples[row].clone(),
                study_id: studies[row].clone(),
                patient_key: patients[row].clone(),
                shard,
                offset: offsets[row],
                length: lengths[row],
                xxh3: hashes[row],
            });
        }
        let Some(shape) = shape else {
            return Err(DatasetError::Empty {
                path: path.to_owned(),
                view: view.to_owned(),
                split: split.name(),
            });
        };
        let mut studies: Vec<Vec<Sample>> = by_study.into_values().collect();
        for samples in &mut studies {
            samples.sort_by(|a, b| a.sample_id.cmp(&b.sample_id));
        }
        let listing: String = studies
            .iter()
            .flatten()
            .map(|sample| format!("{} {:016x}\n", sample.sample_id, sample.xxh3))
            .collect();
        let manifest = manifest(path)?;
        let recipe = recipe(&manifest, view)?;
        let (texts, labels) = texts(path)?;
        let similarities = Similarities::read(path, &manifest.graph)?;
        Ok(Self {
            release_id: contents.release_id,
            fingerprint: sha256_bytes(listing.as_bytes()),
            shards: names
                .iter()
                .map(|name| VoxelReader::open(&path.join(name)))
                .collect::<Result<_, _>>()?,
            studies,
            shape: shape.map(|size| size as usize),
            blocks: recipe.blocks(),
            dtype: recipe.dtype,
            normalisation: recipe.dtype.normalisation(recipe.first_window()),
            labels,
            texts,
            similarities,
        })
    }

    /// Bytes of one tensor.
    pub fn sample_bytes(&self) -> usize {
        self.blocks * self.shape.iter().product::<usize>() * self.dtype.size()
    }

    /// The report of a study; empty where it has none.
    pub fn text(&self, study_id: &str) -> StudyText {
        self.texts.get(study_id).cloned().unwrap_or_default()
    }

    /// The least and the most that the similarity of two sentence types can be, in 0..1: equal for a pair that
    /// is stored and for one type, `[0, 1]` where boilerplate makes the pair say nothing. The table is sparse:
    /// of a pair that is not stored it is known that it shares little, or that both claim the same and others
    /// crowded it out.
    pub fn similarity(&self, a: u64, b: u64) -> [f32; 2] {
        self.similarities.bounds(a, b)
    }
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

type Texts = (BTreeMap<String, StudyText>, Vec<String>);

fn texts(path: &Path) -> Result<Texts, ReleaseError> {
    let mut texts: BTreeMap<String, StudyText> = BTreeMap::new();
    let reports = TableReader::open(path, "reports")?;
    let bodies: BTreeMap<String, String> =
        reports.texts("study_id")?.into_iter().zip(reports.texts("text")?).collect();
    let sentences = TableReader::open(path, "sentences")?;
    let (studies, sections) = (sentences.texts("study_id")?, sentences.texts("section")?);
    let (starts, ends) = (sentences.u32s("start")?, sentences.u32s("end")?);
    let (types, numbers) = (sentences.u64s("sentence_type")?, sentences.u32s("sentence")?);
    let breaks = sentences.u32_lists("breaks").unwrap_or_default();
    let nodes = TableReader::open(path, "nodes")?;
    let mentions = Mentions::read(&nodes)?;
    for row in 0..sentences.rows() {
        // Indication and technique say what was asked and done, not what is seen.
        if matches!(sections[row].as_str(), "clinical_information" | "technique") {
            continue;
        }
        let body = bodies.get(&studies[row]).map_or("", String::as_str);
        let text = body.get(starts[row] as usize..ends[row] as usize).unwrap_or_default();
        texts.entry(studies[row].clone()).or_default().sentences.push(SentenceRef {
            text: text.to_owned(),
            impression: sections[row] == "impression",
            sentence_type: types[row],
            breaks: breaks
                .get(row)
                .into_iter()
                .flatten()
                .filter_map(|at| at.checked_sub(starts[row]))
                .collect(),
            entities: mentions.entities(&studies[row], numbers[row], starts[row], ends[row]),
        });
    }
    let labels = TableReader::open(path, "labels")?;
    let (studies, policies) = (labels.texts("study_id")?, labels.texts("policy")?);
    let (names, values) = (labels.texts("label")?, labels.i8s("value")?);
    let mut order: Vec<String> = Vec::new();
    let first_policy = policies.first().cloned().unwrap_or_default();
    for row in 0..labels.rows() {
        if policies[row] != first_policy {
            continue;
        }
        if !order.contains(&names[row]) {
            order.push(names[row].clone());
        }
        texts.entry(studies[row].clone()).or_default().labels.push(values[row]);
    }
    Ok((texts, order))
}

/// The spans of all nodes, by study.
struct Mentions {
    by_study: BTreeMap<String, Vec<Mention>>,
}

/// Sentence, first byte, byte after the last and number of a node.
type Mention = (u32, u32, u32, u32);

impl Mentions {
    fn read(nodes: &TableReader) -> Result<Self, ReleaseError> {
        let (sentences, numbers) = (nodes.u32s("sentence")?, nodes.u32s("node")?);
        let (starts, ends) = (nodes.u32s("start")?, nodes.u32s("end")?);
        let mut by_study: BTreeMap<String, Vec<Mention>> = BTreeMap::new();
        for (row, study) in nodes.texts("study_id")?.into_iter().enumerate() {
            let mention = (sentences[row], starts[row], ends[row], numbers[row]);
            by_study.entry(study).or_default().push(mention);
        }
        for mentions in by_study.values_mut() {
            mentions.sort_unstable();
        }
        Ok(Self { by_study })
    }

    /// The entities of a sentence that stands at `from..to` of its report.
    fn entities(&self, study: &str, sentence: u32, from: u32, to: u32) -> Vec<EntityRef> {
        let Some(all) = self.by_study.get(study) else { return Vec::new() };
        let first = all.partition_point(|mention| mention.0 < sentence);
        let mut entities: Vec<EntityRef> = Vec::new();
        for &(_, start, end, node) in all[first..].iter().take_while(|m| m.0 == sentence) {
            if start < from || end > to || start >= end {
                continue;
            }
            let (start, end) = (start - from, end - from);
            match entities.last_mut() {
                Some(last) if start < last.end => last.end = last.end.max(end),
                _ => entities.push(EntityRef { node, start, end }),
            }
        }
        entities
    }
}
