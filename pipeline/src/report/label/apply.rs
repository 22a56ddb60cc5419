//! Applies label policies to the graph of a report.

use std::sync::Arc;

use super::evidence::{Evidence, Graph, Surroundings, is_said_normal};
use super::policy::{CompiledPolicy, CompiledRule, LabelPolicy, UncertainPolicy};
use crate::report::lexicon::Lexicon;
use crate::report::parsed::{Assertion, Confidence, LabelValue, Node, PolicyLabels, Relation};

/// Applies the policies to a report's graph.
pub(crate) fn label(
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
    let normal = ["normal", "enlargement"].map(|name| lexicon.by_id.get(name).copied());
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
                around.has_side = node.side.is_some();
                around.normal = is_said_normal(lexicon, graph, node, normal);
                read = true;
            }
            let slot = match value {
                1 => 0,
                -1 => 1,
                _ => 2,
            };
            for (label, rule) in rules {
                if let Some(evidence) = found.get_mut(*label).and_then(|slots| slots.get_mut(slot))
                    && let Some(confidence) = rule.matches(lexicon, concept, &around)
                {
                    match evidence.last_mut() {
                        Some((last, known)) if *last == node.id => *known = confidence.max(*known),
                        _ => evidence.push((node.id, confidence)),
                    }
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
            LabelValue {
                label: Arc::clone(&definition.name),
                value,
                confidence: evidence.iter().map(|(_, confidence)| *confidence).max(),
                evidence: evidence.into_iter().map(|(node, _)| node).collect(),
            }
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
    /// Whether a finding is what the rule is about, and how sure that is: of a finding that names no place it is a guess
    /// where it is.
    fn matches(
        &self,
        lexicon: &Lexicon,
        concept: usize,
        around: &Surroundings,
    ) -> Option<Confidence> {
        let any = |concept: usize, wanted: &[usize]| {
            wanted.iter().any(|&wanted| lexicon.is_a(concept, wanted))
        };
        let has_organ = lexicon.concepts.get(concept).is_some_and(|entry| entry.has_organ);
        let at = |wanted: &[usize], guesses: bool| {
            let mut places = around.places.iter().filter(|(_, guess)| guesses || !guess);
            places.any(|&(place, _)| any(place, wanted)) || has_organ && any(concept, wanted)
        };
        let required = &self.require_anatomy;
        let assumed =
            || (self.unlocated || self.sided && around.has_side) && !around.placed && !has_organ;
        let confidence = if required.is_empty() || at(required, false) {
            Confidence::Stated
        } else if at(required, true) || assumed() {
            Confidence::Guessed
        } else {
            return None;
        };
        let excluded = !self.exclude_anatomy.is_empty() && at(&self.exclude_anatomy, true);
        let with =
            |wanted: &[usize]| around.attributes.iter().any(|&attribute| any(attribute, wanted));
        let spared = excluded || self.unless_normal && around.normal;
        let matches = !spared
            && (self.require_modifier.is_empty() || with(&self.require_modifier))
            && !with(&self.exclude_modifier)
            && !around.suggested.iter().any(|&sign| any(sign, &self.exclude_suggested));
        matches.then_some(confidence)
    }
}
