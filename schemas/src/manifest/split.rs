//! `[split]`: how patients are divided.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
