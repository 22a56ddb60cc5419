//! The manifest as a whole and its smaller sections.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::corpus::CorpusSection;
use super::train::{EvaluateSection, TrainSection};
use super::view::ViewSection;

/// A run: what goes in, what is made of it, and what is trained on the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the manifest format: 1.
    pub version: u32,
    /// Name of the run, used in titles and messages.
    pub name: String,
    /// Where volumes, reports and tables lie.
    pub corpus: CorpusSection,
    /// Tensors made from every series, at least one.
    pub view: Vec<ViewSection>,
    /// How reports are read.
    #[serde(default)]
    pub report: ReportSection,
    /// How sentences of different patients are related.
    #[serde(default)]
    pub graph: GraphSection,
    /// How patients are divided.
    #[serde(default)]
    pub split: SplitSection,
    /// How voxels are stored.
    #[serde(default)]
    pub shard: ShardSection,
    /// The release and its card.
    #[serde(default)]
    pub release: ReleaseSection,
    /// Pre-training; left out, the run stops at the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<TrainSection>,
    /// Evaluation of the last checkpoint; left out, none is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluate: Option<EvaluateSection>,
    /// What the run may use of the machine. Changes no byte of the release, but that `decompressed_mib`
    /// leaves volumes out.
    #[serde(default)]
    pub limits: LimitsSection,
}

impl Manifest {
    /// The part of the manifest that decides the release's bytes: without `[train]`, `[evaluate]`,
    /// most of `[limits]`, the output folder and the places where the corpus, the user's lexicon and the sentence
    /// encoder happen to lie. What these files hold is in the lock.
    #[must_use]
    pub fn curation(&self) -> Self {
        let mut curation = self.clone();
        curation.train = None;
        curation.evaluate = None;
        let decompressed_mib = self.limits.decompressed_mib;
        curation.limits = LimitsSection { decompressed_mib, ..LimitsSection::default() };
        curation.release.out = ReleaseSection::default().out;
        curation.corpus.root = PathBuf::from(".");
        for path in [&mut curation.report.lexicon, &mut curation.graph.encoder] {
            // A path that ends in `..` has no name; where it leads is a matter of the machine.
            *path = path.take().map(|path| path.file_name().map_or("..".into(), PathBuf::from));
        }
        curation
    }
}

/// `[report]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReportSection {
    /// Label policies to apply, by name. Default: `["ct_rate_18"]`.
    pub policies: Vec<String>,
    /// A lexicon of the user's own that layers over the built-in one, relative to the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lexicon: Option<PathBuf>,
    /// Whether a study without a report is kept. Default: false, it is excluded with a reason.
    pub keep_without_report: bool,
}

impl Default for ReportSection {
    fn default() -> Self {
        Self { policies: vec!["ct_rate_18".into()], lexicon: None, keep_without_report: false }
    }
}

/// `[graph]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GraphSection {
    /// Similar sentence types kept for each sentence type. Default: 32.
    pub similar: u32,
    /// Similarities below this are not stored, 0..1. Default: 0.3.
    pub threshold: f64,
    /// A sentence type counts as boilerplate from this share of reports on, 0..1, once it stands in
    /// at least three reports. Default: 0.05.
    pub boilerplate: f64,
    /// Folder of a sentence encoder as Hugging Face keeps it, relative to the manifest: a BERT
    /// (`config.json`, `tokenizer.json`, `model.safetensors`), pooled as `1_Pooling/config.json` says and
    /// by the mean of its tokens where there is none. The cosine of its vectors takes the place of that of
    /// TF-IDF; the graph gates either. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<PathBuf>,
    /// Whether the mean of all sentence vectors is taken from each before cosines. Vectors of BERT lie in a
    /// narrow cone, so that without it unrelated sentences have cosines near 1 (Mu and Viswanath, arXiv
    /// 1702.01417). Only with `encoder`. Default: true.
    pub centre: bool,
}

impl Default for GraphSection {
    fn default() -> Self {
        Self { similar: 32, threshold: 0.3, boilerplate: 0.05, encoder: None, centre: true }
    }
}

/// How a patient's split is decided; always by patient, never by study or volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SplitMethod {
    /// A keyed hash of the patient against `fractions`, so that patients added later never move
    /// those already there.
    #[default]
    Hash,
    /// The corpus's own split, where its layout has one (CT-RATE's `train` and `valid`).
    Corpus,
}

/// `[split]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitSection {
    /// `hash` or `corpus`.
    pub method: SplitMethod,
    /// Share of patients in each split, with `hash`.
    pub fractions: SplitFractions,
    /// Key of the hash.
    pub seed: u64,
}

impl Default for SplitSection {
    fn default() -> Self {
        Self { method: SplitMethod::Hash, fractions: SplitFractions::default(), seed: 0 }
    }
}

/// Shares of patients; they sum to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitFractions {
    /// Training.
    pub train: f64,
    /// Validation.
    pub val: f64,
    /// Test.
    pub test: f64,
}

impl Default for SplitFractions {
    fn default() -> Self {
        Self { train: 0.8, val: 0.1, test: 0.1 }
    }
}

/// `[shard]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShardSection {
    /// Size at which a shard is closed, in MiB. A shard is the unit of resuming. Default: 512.
    pub target_mib: u32,
    /// Studies in a shard at most, whatever their size. Default: 256.
    pub max_studies: u32,
}

impl Default for ShardSection {
    fn default() -> Self {
        Self { target_mib: 512, max_studies: 256 }
    }
}

/// `[release]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReleaseSection {
    /// The output folder, relative to the manifest. Default: `out`.
    pub out: PathBuf,
    /// Semantic version of the data. Default: `1.0.0`.
    pub version: String,
    /// Title on the card; the manifest's name where empty.
    pub title: String,
    /// What the release is for, on the card.
    pub description: String,
    /// SPDX expression or sentence; the corpus's licence where empty.
    pub licence: String,
}

impl Default for ReleaseSection {
    fn default() -> Self {
        Self {
            out: PathBuf::from("out"),
            version: "1.0.0".into(),
            title: String::new(),
            description: String::new(),
            licence: String::new(),
        }
    }
}

/// `[limits]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    /// Worker threads; 0 means one for each processor. Default: 0.
    pub threads: u32,
    /// Largest decoded size of one volume, in MiB; a larger one is excluded. Default: 4096.
    pub decompressed_mib: u32,
    /// Decoded size of a NIfTI volume, in MiB, above which it is read slab by slab, twice, and never
    /// held whole. Default: 2048.
    pub slab_above_mib: u32,
    /// Memory of the loader's ring of batches, in MiB. Default: 512.
    pub loader_mib: u32,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self { threads: 0, decompressed_mib: 4096, slab_above_mib: 2048, loader_mib: 512 }
    }
}

/// The manifest's JSON Schema, as kept in `schemas/json/manifest.schema.json`.
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(Manifest);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_json_schema_is_the_generated_one() {
        let committed = include_str!("../../json/manifest.schema.json");
        assert!(
            committed == super::json_schema(),
            "schemas/json/manifest.schema.json is stale: run `just schemas`"
        );
    }
}
