//! Applies label policies to the graph of a report.

use std::sync::Arc;

use super::evidence::{Evidence, Graph, Surroundings, is_said_normal};
use super::policy::{CompiledPolicy, CompiledRule, LabelPolicy, UncertainPolicy};
use crate::report::lexicon::Lexicon;
use crate::report::parsed::{Assertion, LabelValue, Node, PolicyLabels, Relation};

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
            LabelValue { label: Arc::clone(&definition.name), value, evidence }
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
            || (self.unlocated || self.sided && around.has_side) && !around.placed && !has_organ;
        let excluded = !self.exclude_anatomy.is_empty() && at(&self.exclude_anatomy);
        let with =
            |wanted: &[usize]| around.attributes.iter().any(|&attribute| any(attribute, wanted));
        placed
            && !excluded
            && !(self.unless_normal && around.normal)
            && (self.require_modifier.is_empty() || with(&self.require_modifier))
            && !with(&self.exclude_modifier)
            && !around.suggested.iter().any(|&sign| any(sign, &self.exclude_suggested))
    }
}
