//! Label policies: how the nodes of a report become the labels of a label set.

use serde::Deserialize;

use super::lexicon::Lexicon;
use super::lexicon_error::LexiconError;
use super::types::{
    Assertion, Edge, LabelValue, Node, PolicyLabels, Relation, Section, SectionKind, Sentence,
};

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
    pub name: String,
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
pub(super) struct CompiledPolicy {
    pub(super) policy: LabelPolicy,
    /// For each concept, the labels it may decide and the rule that says how.
    by_concept: Vec<Vec<(usize, CompiledRule)>>,
}

#[derive(Debug, Clone)]
struct CompiledRule {
    require_anatomy: Vec<usize>,
    exclude_anatomy: Vec<usize>,
    unlocated: bool,
    require_modifier: Vec<usize>,
    exclude_modifier: Vec<usize>,
    exclude_suggested: Vec<usize>,
}

impl CompiledPolicy {
    /// Reads a policy file and looks its concepts up.
    pub(super) fn load(text: &str, lexicon: &Lexicon) -> Result<Self, LexiconError> {
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
                                label: label.name.clone(),
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

/// The graph as labels need it; `concepts` runs parallel to `nodes`.
pub(super) struct Graph<'a> {
    pub(super) sections: &'a [Section],
    pub(super) sentences: &'a [Sentence],
    pub(super) nodes: &'a [Node],
    pub(super) concepts: &'a [usize],
    pub(super) edges: &'a [Edge],
}

/// Places and attributes of a node and what it is a sign of, as concept positions.
#[derive(Default)]
struct Surroundings {
    places: Vec<usize>,
    attributes: Vec<usize>,
    suggested: Vec<usize>,
}

impl Surroundings {
    /// Reads what stands around a node; `attributes` are nodes and the concepts that modify them,
    /// sorted by node, and edges are sorted by source.
    fn read(&mut self, graph: &Graph<'_>, attributes: &[(u32, usize)], node: u32) {
        self.places.clear();
        self.suggested.clear();
        self.attributes.clear();
        let from = graph.edges.partition_point(|edge| edge.source < node);
        let own = graph.edges.get(from..).unwrap_or_default();
        for edge in own.iter().take_while(|edge| edge.source == node) {
            let Some(&concept) = graph.concepts.get(edge.target as usize) else { continue };
            match edge.relation {
                Relation::LocatedAt => self.places.push(concept),
                Relation::SuggestiveOf => self.suggested.push(concept),
                Relation::Modify | Relation::MeasureOf => {}
            }
        }
        let from = attributes.partition_point(|(target, _)| *target < node);
        let own = attributes.get(from..).unwrap_or_default();
        let own = own.iter().take_while(|(target, _)| *target == node);
        self.attributes.extend(own.map(|(_, concept)| *concept));
    }
}

/// The nodes that decide one label: those that say present, uncertain and absent.
type Evidence = [Vec<u32>; 3];

/// Applies the policies to a report's graph.
pub(super) fn label(
    policies: &[CompiledPolicy],
    lexicon: &Lexicon,
    graph: &Graph<'_>,
) -> Vec<PolicyLabels> {
    let modifies = graph.edges.iter().filter(|edge| edge.relation == Relation::Modify);
    let mut attributes: Vec<(u32, usize)> = modifies
        .filter_map(|edge| Some((edge.target, *graph.concepts.get(edge.source as usize)?)))
        .collect();
    attributes.sort_unstable();
    let mut found: Vec<Vec<Evidence>> = policies
        .iter()
        .map(|compiled| vec![Evidence::default(); compiled.policy.labels.len()])
        .collect();
    let mut around = Surroundings::default();
    for (node, &concept) in graph.nodes.iter().zip(graph.concepts) {
        let mut read = false;
        for (compiled, found) in policies.iter().zip(&mut found) {
            let rules = compiled.by_concept.get(concept).map(Vec::as_slice).unwrap_or_default();
            if rules.is_empty() {
                continue;
            }
            let Some(value) = worth(&compiled.policy, node) else { continue };
            if !counts(&compiled.policy, graph, node) {
                continue;
            }
            if !read {
                around.read(graph, &attributes, node.id);
                read = true;
            }
            let slot = match value {
                1 => 0,
                -1 => 1,
                _ => 2,
            };
            for (label, rule) in rules {
                if let Some(evidence) = found.get_mut(*label).and_then(|slots| slots.get_mut(slot))
                    && evidence.last() != Some(&node.id)
                    && rule.matches(lexicon, concept, &around)
                {
                    evidence.push(node.id);
                }
            }
        }
    }
    policies.iter().zip(found).map(|(compiled, found)| decide(&compiled.policy, found)).collect()
}

fn decide(policy: &LabelPolicy, found: Vec<Evidence>) -> PolicyLabels {
    let values = policy
        .labels
        .iter()
        .zip(found)
        .map(|(definition, [present, uncertain, absent])| {
            let turned = !definition.none.is_empty();
            let (value, evidence) = if !present.is_empty() {
                (1, present)
            } else if !uncertain.is_empty() {
                (-1, uncertain)
            } else {
                (0, absent)
            };
            let value = match value {
                0 if turned => 1,
                1 if turned => 0,
                other => other,
            };
            LabelValue { label: definition.name.clone(), value, evidence }
        })
        .collect();
    PolicyLabels { policy: policy.name.clone(), values }
}

/// The label value a mention speaks for; `None` when it says nothing.
fn worth(policy: &LabelPolicy, node: &Node) -> Option<i8> {
    match node.assertion? {
        Assertion::Present => Some(1),
        Assertion::Absent => Some(0),
        Assertion::Uncertain if node.certainty < policy.least_certainty => None,
        Assertion::Uncertain => Some(match policy.uncertain {
            UncertainPolicy::Positive => 1,
            UncertainPolicy::Negative => 0,
            UncertainPolicy::Uncertain => -1,
        }),
    }
}

fn counts(policy: &LabelPolicy, graph: &Graph<'_>, node: &Node) -> bool {
    graph
        .sentences
        .get(node.sentence as usize)
        .and_then(|sentence| graph.sections.get(sentence.section as usize))
        .is_some_and(|section| policy.sections.contains(&section.kind))
}

impl CompiledRule {
    fn matches(&self, lexicon: &Lexicon, concept: usize, around: &Surroundings) -> bool {
        let any = |concept: usize, wanted: &[usize]| {
            wanted.iter().any(|&wanted| lexicon.is_a(concept, wanted))
        };
        let has_organ = lexicon.concepts.get(concept).is_some_and(|entry| entry.has_organ);
        let at = |wanted: &[usize]| {
            around.places.iter().any(|&place| any(place, wanted))
                || has_organ && any(concept, wanted)
        };
        let placed = self.require_anatomy.is_empty()
            || at(&self.require_anatomy)
            || self.unlocated && around.places.is_empty() && !has_organ;
        let excluded = !self.exclude_anatomy.is_empty() && at(&self.exclude_anatomy);
        let with =
            |wanted: &[usize]| around.attributes.iter().any(|&attribute| any(attribute, wanted));
        placed
            && !excluded
            && (self.require_modifier.is_empty() || with(&self.require_modifier))
            && !with(&self.exclude_modifier)
            && !around.suggested.iter().any(|&sign| any(sign, &self.exclude_suggested))
    }
}
