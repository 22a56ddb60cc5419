//! Draws the edges of one sentence by word order: what modifies what, where findings are, what
//! they suggest, and what was measured.

use super::heads::{ClauseHeads, LocalEdge, members};
use super::location::locate;
use super::modifier::modify;
use super::side::{lend_sides, open_with_side, share_sides, side_from_neighbour, side_from_places};
use super::size::{change_from_sizes, measure_all};
use super::suggestion::{place_suggested, suggest};
use crate::report::lexicon::Lexicon;
use crate::report::mention::Analysis;

/// The edges of a sentence and, for each size, the mention it measures.
pub(crate) struct Relations {
    pub(crate) edges: Vec<LocalEdge>,
    pub(crate) measured: Vec<Option<usize>>,
}

/// A sentence while its mentions are related.
struct Relating<'a> {
    lexicon: &'a Lexicon,
    analysis: &'a mut Analysis,
    heads: ClauseHeads,
    edges: Vec<LocalEdge>,
    measured: Vec<Option<usize>>,
}

/// The steps in their order: each sees what those before it found.
const STEPS: [fn(&mut Relating<'_>); 11] = [
    |s| {
        s.each_clause(|s, clause| {
            modify(s.lexicon, s.analysis, members(s.analysis, clause), &mut s.edges);
        });
    },
    |s| s.each_clause(|s, clause| share_sides(s.lexicon, s.analysis, s.heads.of(clause))),
    |s| open_with_side(s.analysis),
    |s| lend_sides(s.lexicon, s.analysis),
    |s| s.each_clause(|s, clause| locate(s.lexicon, s.analysis, &s.heads, clause, &mut s.edges)),
    |s| suggest(s.analysis, &mut s.edges),
    |s| place_suggested(s.analysis, &mut s.edges),
    |s| side_from_places(s.analysis, &s.edges),
    |s| side_from_neighbour(s.lexicon, s.analysis),
    |s| s.measured = measure_all(s.analysis),
    |s| change_from_sizes(s.analysis, &s.measured),
];

impl Relating<'_> {
    fn each_clause(&mut self, step: fn(&mut Self, usize)) {
        for clause in 0..self.analysis.clauses.len() {
            step(self, clause);
        }
    }
}

/// Relates the mentions of a sentence and completes their sides.
pub(crate) fn relate(lexicon: &Lexicon, analysis: &mut Analysis) -> Relations {
    let heads = ClauseHeads::new(analysis);
    let mut sentence =
        Relating { lexicon, analysis, heads, edges: Vec::new(), measured: Vec::new() };
    for step in STEPS {
        step(&mut sentence);
    }
    let Relating { mut edges, measured, .. } = sentence;
    // Of two rules that draw the same edge the one whose id comes first in the alphabet is named.
    edges.sort_by_key(|edge| (edge.source, edge.target, edge.relation, edge.rule.name()));
    edges.dedup_by_key(|edge| (edge.source, edge.target, edge.relation));
    Relations { edges, measured }
}
