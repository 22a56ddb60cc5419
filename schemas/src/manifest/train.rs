//! The `[train]` and `[evaluate]` sections of a manifest.
//!
//! [`TrainSection`] holds what all training systems share. The tables `[train.model]` and `[train.objectives]` belong
//! to the system: they pass through here as they stand, and the system reads them by types of its own.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::input::{AugmentSection, CropDraw, CropPlace, Damaged, InputSection, Verify};
pub use super::order::{Distinct, OrderSection, SeriesPerEpoch, Tail};

/// What to train, for how long and how often to save.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainSection {
    /// Training system; `radloom list systems` names them. Default: `mg3d`.
    pub system: String,
    /// Release to train from: a folder, or an address such as `s3://bucket/release`. Default: that of `[release] out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<PathBuf>,
    /// Name of the `[[view]]` whose tensor is the image input. Default: `main`.
    pub view: String,
    /// Seed of the initial weights, the sample order and the masks. Default: 0.
    pub seed: u64,
    /// Optimizer steps. Default: 1000.
    pub steps: u64,
    /// Whether a run may go on from a checkpoint that was made for another number of steps. A rate that falls then takes the
    /// course of the new number, which a run that was never stopped would have taken from the start. Default: false.
    pub extend: bool,
    /// Studies a step, over all devices. Default: 4.
    pub batch: usize,
    /// Which samples stand in a batch, and how an epoch ends.
    pub order: OrderSection,
    /// What a sample is made of when it is loaded.
    pub input: InputSection,
    /// Gives every study the report of another, as a control: what a model then learns of the pairs is chance.
    /// Default: false.
    pub shuffle_reports: bool,
    /// Number format of weights and activations. Default: `f32`.
    pub precision: Precision,
    /// Optimizer.
    pub optimizer: OptimizerSection,
    /// Learning-rate schedule.
    pub schedule: ScheduleSection,
    /// Steps between checkpoints; the last step always writes one. Default: 500.
    pub checkpoint_every: u64,
    /// Newest checkpoints kept on disk. Default: 2.
    pub keep_checkpoints: usize,
    /// Steps between lines of the log. Default: 1.
    pub log_every: u64,
    /// Architecture; its keys are the system's.
    pub model: SystemTable,
    /// Weights and constants of the objectives; its keys are the system's.
    pub objectives: SystemTable,
}

impl Default for TrainSection {
    fn default() -> Self {
        Self {
            system: DEFAULT_SYSTEM.to_owned(),
            release: None,
            view: "main".to_owned(),
            seed: 0,
            steps: 1000,
            extend: false,
            batch: 4,
            order: OrderSection::default(),
            input: InputSection::default(),
            shuffle_reports: false,
            precision: Precision::F32,
            optimizer: OptimizerSection::default(),
            schedule: ScheduleSection::default(),
            checkpoint_every: 500,
            keep_checkpoints: 2,
            log_every: 1,
            model: SystemTable::default(),
            objectives: SystemTable::default(),
        }
    }
}

/// The training system of a `[train]` section that names none.
pub const DEFAULT_SYSTEM: &str = "mg3d";

/// A table whose keys belong to the training system.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SystemTable(pub serde_json::Map<String, serde_json::Value>);

/// Number format of weights and activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// IEEE 754 single precision.
    F32,
}

/// Optimizer and its constants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerSection {
    /// Update rule. Default: `adamw`.
    pub kind: OptimizerKind,
    /// Peak learning rate. Default: 1e-4.
    pub lr: f64,
    /// Weight decay of matrices; biases, norms, embeddings and position tables get none. Default: 0.01.
    pub weight_decay: f64,
    /// Decay rates of the first and second moment. Default: [0.9, 0.999].
    pub betas: [f64; 2],
    /// Added to the root of the second moment. Default: 1e-8.
    pub epsilon: f64,
    /// Share of the last change that `sgd` keeps. Default: 0.9.
    pub momentum: f64,
    /// Largest Euclidean norm of all gradients together; 0 turns clipping off. Default: 1.0.
    pub gradient_clip: f64,
    /// Modules with a rate or a decay of their own; of several that hold a parameter, the first counts. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<OptimizerGroup>,
}

/// Modules whose parameters are updated in their own way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptimizerGroup {
    /// Modules or parameters by their names in a checkpoint, such as `language_encoder` or
    /// `vision_encoder.patch_embed`; all below them belong to the group.
    pub modules: Vec<String>,
    /// Factor of the learning rate; 0 leaves the group as it is. Default: 1.
    #[serde(default = "one")]
    pub lr_factor: f64,
    /// Weight decay of the group's matrices. Default: that of all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
}

fn one() -> f64 {
    1.0
}

impl OptimizerGroup {
    /// Whether a parameter of this dotted name belongs to the group.
    pub fn holds(&self, parameter: &str) -> bool {
        self.modules.iter().any(|module| is_below(parameter, module))
    }
}

/// Whether `parameter` is `module` or stands below it.
pub fn is_below(parameter: &str, module: &str) -> bool {
    parameter.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Default for OptimizerSection {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::Adamw,
            lr: 1e-4,
            weight_decay: 0.01,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            momentum: 0.9,
            gradient_clip: 1.0,
            groups: Vec::new(),
        }
    }
}

/// Update rule of the optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay, arXiv 1711.05101.
    Adamw,
    /// Adam, arXiv 1412.6980, with the decay added to the gradient.
    Adam,
    /// Stochastic gradient descent with momentum, the decay added to the gradient.
    Sgd,
}

/// Learning rate as a function of the step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleSection {
    /// Steps over which the rate rises linearly from 0 to its peak. Default: 100.
    pub warmup_steps: u64,
    /// Course after the warm-up; a falling one would reach its floor on the step after the last. Default:
    /// `cosine`.
    pub kind: ScheduleKind,
    /// Power of the course `polynomial`. Default: 0.9.
    pub power: f64,
    /// Share of the peak that a falling course reaches at the end. Default: 0.
    pub floor: f64,
}

impl Default for ScheduleSection {
    fn default() -> Self {
        Self { warmup_steps: 100, kind: ScheduleKind::Cosine, power: 0.9, floor: 0.0 }
    }
}

/// Course of the learning rate after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// Falls in a straight line.
    Linear,
    /// Falls along half a cosine.
    Cosine,
    /// Falls as a power of what is left of the run, as nnU-Net has it.
    Polynomial,
    /// Stays at the peak.
    Constant,
}

/// What to measure on a trained model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluateSection {
    /// Split that is measured. Default: `test`.
    pub split: String,
    /// Metrics. Default: all of them.
    pub metrics: Vec<MetricKind>,
    /// Whose labels are the truth. Default: `reports`.
    pub labels: LabelSource,
    /// Prompts of `zero-shot`: pairs of a sentence with the finding and one without it, `{label}` standing for its
    /// name; the vectors of several pairs are averaged. Default: "{label}.", "{label} is seen.", "there is {label}."
    /// with "no" before.
    pub prompts: Vec<[String; 2]>,
    /// Bootstrap resamples of patients for the 95 % intervals. Default: 1000.
    pub bootstrap: usize,
    /// Seed of the bootstrap and of the evaluation masks. Default: 0.
    pub seed: u64,
}

impl Default for EvaluateSection {
    fn default() -> Self {
        Self {
            split: "test".to_owned(),
            metrics: vec![
                MetricKind::Retrieval,
                MetricKind::ZeroShot,
                MetricKind::LinearProbe,
                MetricKind::MaskedImage,
            ],
            labels: LabelSource::Reports,
            prompts: [
                ["{label}.", "no {label}."],
                ["{label} is seen.", "no {label} is seen."],
                ["there is {label}.", "there is no {label}."],
            ]
            .map(|pair| pair.map(str::to_owned))
            .to_vec(),
            bootstrap: 1000,
            seed: 0,
        }
    }
}

impl EvaluateSection {
    /// What of the section makes no sense: the key, and why.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        if self.prompts.is_empty() {
            return Some(("prompts", "is empty: give at least one pair".to_owned()));
        }
        let without = self.prompts.iter().flatten().find(|form| !form.contains("{label}"))?;
        Some(("prompts", format!("`{without}` lacks `{{label}}`, where the name of a label goes")))
    }
}

/// Where the true labels of studies come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LabelSource {
    /// What the parser read in the reports, by the first label policy of the release.
    #[default]
    Reports,
    /// The corpus's own tables of labels; unknown where they do not name the study.
    Corpus,
}

/// A family of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetricKind {
    /// Recall at 1, 5 and 10, of many studies at 50 and 100, text to image and image to text, studies as units.
    Retrieval,
    /// Area under the ROC curve and average precision of each label from pairs of prompts.
    #[serde(alias = "zero_shot")]
    ZeroShot,
    /// Area under the ROC curve and average precision of each label from a logistic regression on frozen image features.
    #[serde(alias = "linear_probe")]
    LinearProbe,
    /// Mean squared error of masked voxels.
    #[serde(alias = "masked_image")]
    MaskedImage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_field_is_refused() {
        let error = serde_json::from_str::<TrainSection>(r#"{"stepps": 3}"#)
            .expect_err("a misspelt field must not be ignored");
        assert!(error.to_string().contains("stepps"), "{error}");
    }

    #[test]
    fn an_empty_section_equals_the_defaults() {
        let parsed: TrainSection = serde_json::from_str("{}").expect("empty section");
        assert_eq!(parsed, TrainSection::default());
        let parsed: EvaluateSection = serde_json::from_str("{}").expect("empty section");
        assert_eq!(parsed, EvaluateSection::default());
    }

    #[test]
    fn the_tables_of_a_system_pass_as_they_stand() {
        let parsed: TrainSection =
            serde_json::from_str(r#"{"model": {"own": {"key": [3, 5]}}}"#).expect("a section");
        assert_eq!(parsed.model.0["own"]["key"][1], 5);
    }
}
