//! Draws the edges of one sentence by word order: what modifies what, where findings are, what
//! they suggest, and what was measured.

use super::heads::{ClauseHeads, LocalEdge, members};
use super::location::locate;
use super::modifier::modify;
use super::side::{lend_sides, share_sides, side_from_neighbour, side_from_places};
use super::size::{change_from_sizes, measure};
use super::suggestion::{place_suggested, suggest};
use crate::report::lexicon::Lexicon;
use crate::report::mention::Analysis;

/// The edges of a sentence and, for each size, the mention it measures.
pub(crate) struct Relations {
    pub(crate) edges: Vec<LocalEdge>,
    pub(crate) measured: Vec<Option<usize>>,
}

/// Relates the mentions of a sentence and completes their sides.
pub(crate) fn relate(lexicon: &Lexicon, analysis: &mut Analysis) -> Relations {
    let mut edges = Vec::new();
    let clauses = analysis.clauses.len();
    for clause in 0..clauses {
        modify(lexicon, analysis, members(analysis, clause), &mut edges);
    }
    let heads = ClauseHeads::new(analysis);
    for clause in 0..clauses {
        share_sides(lexicon, analysis, heads.of(clause));
    }
    lend_sides(lexicon, analysis);
    for clause in 0..clauses {
        locate(lexicon, analysis, &heads, clause, &mut edges);
    }
    suggest(analysis, &mut edges);
    place_suggested(analysis, &mut edges);
    side_from_places(analysis, &edges);
    side_from_neighbour(lexicon, analysis);
    let measured = analysis.sizes.iter().map(|sized| measure(analysis, sized.token, sized.clause));
    let measured: Vec<Option<usize>> = measured.collect();
    change_from_sizes(analysis, &measured);
    edges.sort();
    edges.dedup_by_key(|edge| (edge.source, edge.target, edge.relation));
    Relations { edges, measured }
}
