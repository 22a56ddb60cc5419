//! The graph of a report under construction.

use super::document::offset;
use super::lexicon::Lexicon;
use super::mention::{Analysis, Size};
use super::parsed::{
    Assertion, Cue, Edge, Measurement, Node, NodeKind, Reference, Relation, SectionKind, Sentence,
};
use super::relation::CarriedPlace;
use super::rule::Rule;

/// How likely a finding is that a section names which does not describe the images.
const OUTSIDE_FINDINGS: f32 = 0.3;

/// The graph under construction.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) sentences: Vec<Sentence>,
    pub(crate) nodes: Vec<Node>,
    /// Concept of each node.
    pub(crate) concepts: Vec<usize>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) measurements: Vec<Measurement>,
    pub(crate) references: Vec<Reference>,
    /// The anatomy spoken of last.
    pub(crate) place: CarriedPlace,
}

/// Node ids of a sentence's mentions and sizes.
pub(crate) struct NodeIds {
    pub(crate) mentions: Vec<u32>,
    pub(crate) sizes: Vec<u32>,
}

impl NodeIds {
    pub(crate) fn mention(&self, mention: usize) -> Option<u32> {
        self.mentions.get(mention).copied()
    }
}

impl Draft {
    pub(crate) fn add_edge(
        &mut self,
        source: Option<u32>,
        target: Option<u32>,
        relation: Relation,
        rule: Rule,
    ) {
        if let (Some(source), Some(target)) = (source, target) {
            self.edges.push(Edge { source, target, relation, rule });
        }
    }

    /// Adds mentions and sizes as nodes, merged in text order.
    pub(crate) fn add_nodes(
        &mut self,
        lexicon: &Lexicon,
        analysis: &Analysis,
        section: SectionKind,
        sentence: u32,
        measured: &[Option<usize>],
    ) -> NodeIds {
        let mut ids = NodeIds { mentions: Vec::new(), sizes: Vec::new() };
        let size_concept = lexicon.by_id.get("measurement").copied().unwrap_or_default();
        let severity = lexicon.by_id.get("severity").copied();
        let mut sizes = analysis.sizes.iter().zip(measured).peekable();
        for mention in &analysis.mentions {
            let (start, end) = analysis.folded.span(mention.start, mention.end);
            while let Some((sized, _)) = sizes.next_if(|(s, _)| offset(s.size.start) <= start) {
                ids.sizes.push(self.add_size(size_concept, sentence, &sized.size));
            }
            let (id, preferred) = lexicon
                .concepts
                .get(mention.concept)
                .map_or((String::new(), String::new()), |c| (c.id.clone(), c.preferred.clone()));
            let mut node = Node {
                id: offset(self.nodes.len()),
                sentence,
                kind: mention.kind,
                start,
                end,
                concept: id,
                preferred,
                assertion: None,
                certainty: 1.0,
                side: mention.side,
                most: mention.most,
                change: mention.change,
                cue: None,
                rule: Rule::Lexicon,
                is_grade: severity.is_some_and(|severity| lexicon.is_a(mention.concept, severity)),
                organ: lexicon.organs.get(mention.concept).copied().flatten(),
            };
            if let Some(verdict) = &mention.verdict {
                node.assertion = Some(verdict.assertion);
                node.certainty = verdict.likelihood;
                let rule = verdict.rule;
                node.rule = rule;
                node.cue = verdict.cue.map(|(from, to)| {
                    let (start, end) = analysis.folded.span(from, to);
                    Cue { start, end, rule }
                });
                if verdict.assertion == Assertion::Present && !section.describes_images() {
                    node.assertion = Some(Assertion::Uncertain);
                    node.certainty = OUTSIDE_FINDINGS;
                    node.rule = Rule::SectionScope;
                }
            }
            ids.mentions.push(node.id);
            self.nodes.push(node);
            self.concepts.push(mention.concept);
        }
        for (sized, _) in sizes {
            ids.sizes.push(self.add_size(size_concept, sentence, &sized.size));
        }
        ids
    }

    fn add_size(&mut self, concept: usize, sentence: u32, size: &Size) -> u32 {
        let id = offset(self.nodes.len());
        self.nodes.push(Node {
            id,
            sentence,
            kind: NodeKind::Modifier,
            start: offset(size.start),
            end: offset(size.end),
            concept: "measurement".to_owned(),
            preferred: "measurement".to_owned(),
            assertion: None,
            certainty: 1.0,
            side: None,
            most: None,
            change: None,
            cue: None,
            rule: Rule::Measurement,
            is_grade: false,
            organ: None,
        });
        self.concepts.push(concept);
        id
    }
}
