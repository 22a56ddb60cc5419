//! The manifest as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::corpus::CorpusSection;
use super::graph::GraphSection;
use super::limits::LimitsSection;
use super::origin::ManifestOrigin;
use super::release::ReleaseSection;
use super::report::ReportSection;
use super::shard::ShardSection;
use super::split::SplitSection;
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
    /// The file and what the command line changed of it, for errors that name their line.
    #[serde(skip)]
    #[schemars(skip)]
    pub origin: ManifestOrigin,
}
