//! The graph as labels need it.

use crate::report::parsed::{Edge, Node, Relation, Section, Sentence};

/// The graph as labels need it; `concepts` runs parallel to `nodes`.
pub(crate) struct Graph<'a> {
    pub(crate) sections: &'a [Section],
    pub(crate) sentences: &'a [Sentence],
    pub(crate) nodes: &'a [Node],
    pub(crate) concepts: &'a [usize],
    pub(crate) edges: &'a [Edge],
}

/// Places and attributes of a node and what it is a sign of, as concept positions.
#[derive(Default)]
pub(crate) struct Surroundings {
    pub(crate) places: Vec<usize>,
    pub(crate) attributes: Vec<usize>,
    pub(crate) suggested: Vec<usize>,
}

impl Surroundings {
    /// Reads what stands around a node; `attributes` are nodes and the concepts that modify them,
    /// sorted by node, and edges are sorted by source.
    pub(crate) fn read(&mut self, graph: &Graph<'_>, attributes: &[(u32, usize)], node: u32) {
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
pub(crate) type Evidence = [Vec<u32>; 3];
