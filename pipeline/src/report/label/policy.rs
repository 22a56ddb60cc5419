//! Label policies: how the nodes of a report become the labels of a label set.

use std::sync::Arc;

use serde::Deserialize;

use crate::report::lexicon::{Lexicon, LexiconError};
use crate::report::parsed::SectionKind;

/// What an uncertain mention is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UncertainPolicy {
    /// It counts as present.
    Positive,
    /// It counts as absent.
    Negative,
    /// It makes the label -1.
    Uncertain,
}

/// One way for a label to be true.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRule {
    /// Concepts, or ancestors of concepts, that count.
    pub concepts: Vec<String>,
    /// The finding must be at one of these anatomies (or parts of them).
    #[serde(default)]
    pub require_anatomy: Vec<String>,
    /// The finding must not be at any of these.
    #[serde(default)]
    pub exclude_anatomy: Vec<String>,
    /// Whether a finding with no place at all satisfies `require_anatomy`.
    #[serde(default)]
    pub unlocated: bool,
    /// Whether a finding with a side and no place in its own sentence satisfies `require_anatomy`.
    #[serde(default)]
    pub sided: bool,
    /// Whether what is said to be normal or not enlarged (`lymph nodes are normal in size`) does not count.
    #[serde(default)]
    pub unless_normal: bool,
    /// One of these must modify the finding.
    #[serde(default)]
    pub require_modifier: Vec<String>,
    /// None of these may modify the finding.
    #[serde(default)]
    pub exclude_modifier: Vec<String>,
    /// The finding must not be read as a sign of any of these (`density consistent with a scar`).
    #[serde(default)]
    pub exclude_suggested: Vec<String>,
}

/// A label and the ways for it to be true.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelDefinition {
    /// Name of the label.
    pub name: Arc<str>,
    /// Any of these suffices.
    #[serde(default)]
    pub any: Vec<LabelRule>,
    /// Turns the label round: it holds when none of these does (`No Finding`).
    #[serde(default)]
    pub none: Vec<LabelRule>,
}

/// A label set: policy, not code.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelPolicy {
    /// Name of the label set.
    pub name: String,
    /// Sections whose nodes count.
    pub sections: Vec<SectionKind>,
    /// What an uncertain mention is worth.
    pub uncertain: UncertainPolicy,
    /// Uncertain mentions less likely than this count as not mentioned.
    pub least_certainty: f32,
    /// The labels, in output order.
    #[serde(rename = "label")]
    pub labels: Vec<LabelDefinition>,
}

/// A policy with its concept names looked up.
pub(crate) struct CompiledPolicy {
    pub(crate) policy: LabelPolicy,
    /// For each concept, the labels it may decide and the rule that says how.
    pub(crate) by_concept: Vec<Vec<(usize, CompiledRule)>>,
}

#[derive(Debug, Clone)]
pub(crate) struct CompiledRule {
    pub(crate) require_anatomy: Vec<usize>,
    pub(crate) exclude_anatomy: Vec<usize>,
    pub(crate) unlocated: bool,
    pub(crate) sided: bool,
    pub(crate) unless_normal: bool,
    pub(crate) require_modifier: Vec<usize>,
    pub(crate) exclude_modifier: Vec<usize>,
    pub(crate) exclude_suggested: Vec<usize>,
}

impl CompiledPolicy {
    /// Reads a policy file and looks its concepts up.
    pub(crate) fn load(text: &str, lexicon: &Lexicon) -> Result<Self, LexiconError> {
        let policy: LabelPolicy =
            toml::from_str(text).map_err(|error| LexiconError::Policy(error.to_string()))?;
        let mut by_concept = vec![Vec::new(); lexicon.concepts.len()];
        for (index, label) in policy.labels.iter().enumerate() {
            if label.any.is_empty() == label.none.is_empty() {
                return Err(LexiconError::Policy(format!(
                    "label `{}` of `{}` needs either `any` or `none`",
                    label.name, policy.name
                )));
            }
            let look_up = |names: &[String]| {
                names
                    .iter()
                    .map(|name| {
                        lexicon.by_id.get(name).copied().ok_or_else(|| {
                            LexiconError::UnknownConcept {
                                policy: policy.name.clone(),
                                label: label.name.to_string(),
                                concept: name.clone(),
                            }
                        })
                    })
                    .collect::<Result<Vec<usize>, LexiconError>>()
            };
            for rule in label.any.iter().chain(&label.none) {
                let concepts = look_up(&rule.concepts)?;
                let compiled = CompiledRule {
                    require_anatomy: look_up(&rule.require_anatomy)?,
                    exclude_anatomy: look_up(&rule.exclude_anatomy)?,
                    unlocated: rule.unlocated,
                    sided: rule.sided,
                    unless_normal: rule.unless_normal,
                    require_modifier: look_up(&rule.require_modifier)?,
                    exclude_modifier: look_up(&rule.exclude_modifier)?,
                    exclude_suggested: look_up(&rule.exclude_suggested)?,
                };
                for (concept, rules) in by_concept.iter_mut().enumerate() {
                    if concepts.iter().any(|&wanted| lexicon.is_a(concept, wanted)) {
                        rules.push((index, compiled.clone()));
                    }
                }
            }
        }
        Ok(Self { policy, by_concept })
    }
}
