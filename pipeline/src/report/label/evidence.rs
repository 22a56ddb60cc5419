//! The graph as labels need it.

use crate::report::lexicon::Lexicon;
use crate::report::parsed::{
    Assertion, Confidence, Edge, Node, NodeKind, Relation, Section, SectionKind, Sentence,
};
use crate::report::rule::Rule;

/// The graph as labels need it; `concepts` runs parallel to `nodes`.
pub(crate) struct Graph<'a> {
    pub(crate) sections: &'a [Section],
    pub(crate) sentences: &'a [Sentence],
    pub(crate) nodes: &'a [Node],
    pub(crate) concepts: &'a [usize],
    pub(crate) edges: &'a [Edge],
}

impl Graph<'_> {
    /// Whether no sentence stands in the findings or the impression, while one of another section names a finding.
    pub(crate) fn lacks_findings(&self) -> bool {
        let describes = |sentence: &Sentence| {
            self.sections.get(sentence.section as usize).is_some_and(|section| {
                matches!(section.kind, SectionKind::Findings | SectionKind::Impression)
            })
        };
        !self.sentences.iter().any(describes)
            && self.nodes.iter().any(|node| node.kind == NodeKind::Observation)
    }
}

/// Places and attributes of a node and what it is a sign of, as concept positions.
#[derive(Default)]
pub(crate) struct Surroundings {
    /// Places, each with whether the text leaves it to be guessed that the finding is there.
    pub(crate) places: Vec<(usize, bool)>,
    /// Whether a place stands in the finding's own sentence.
    pub(crate) placed: bool,
    pub(crate) has_side: bool,
    /// Whether the finding is said to be normal or not enlarged.
    pub(crate) normal: bool,
    pub(crate) attributes: Vec<usize>,
    pub(crate) suggested: Vec<usize>,
}

impl Surroundings {
    /// Reads what stands around a node; `attributes` are nodes and the concepts that modify them,
    /// sorted by node, and edges are sorted by source.
    pub(crate) fn read(&mut self, graph: &Graph<'_>, attributes: &[(u32, usize)], node: u32) {
        self.places.clear();
        self.placed = false;
        self.suggested.clear();
        self.attributes.clear();
        let from = graph.edges.partition_point(|edge| edge.source < node);
        let own = graph.edges.get(from..).unwrap_or_default();
        for edge in own.iter().take_while(|edge| edge.source == node) {
            let Some(&concept) = graph.concepts.get(edge.target as usize) else { continue };
            match edge.relation {
                Relation::LocatedAt => {
                    self.places.push((concept, edge.rule.is_guess()));
                    self.placed |= edge.rule != Rule::EarlierSentence;
                }
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

/// Whether the next finding of the sentence says that this one is normal, or denies that it is enlarged. `normal` and
/// `enlargement` are positions of concepts.
pub(crate) fn is_said_normal(
    lexicon: &Lexicon,
    graph: &Graph<'_>,
    node: &Node,
    [normal, enlargement]: [Option<usize>; 2],
) -> bool {
    let next = node.id as usize + 1;
    let rest =
        graph.nodes.get(next..).unwrap_or_default().iter().zip(graph.concepts.iter().skip(next));
    let predicate = rest
        .take_while(|(other, _)| other.sentence == node.sentence)
        .find(|(other, _)| other.assertion.is_some());
    predicate.is_some_and(|(other, &concept)| {
        let is = |wanted: Option<usize>| wanted.is_some_and(|wanted| lexicon.is_a(concept, wanted));
        is(normal) && other.assertion == Some(Assertion::Present)
            || is(enlargement) && other.assertion == Some(Assertion::Absent)
    })
}

/// The nodes that decide one label, those that say present, uncertain and absent, each with how sure it is that it speaks
/// of the label.
pub(crate) type Evidence = [Vec<(u32, Confidence)>; 3];
