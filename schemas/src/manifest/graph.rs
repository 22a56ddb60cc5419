//! `[graph]`: how sentences of different patients are related.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
