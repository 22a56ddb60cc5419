//! What relations are drawn between: the mentions of a clause, and those of them that are nouns.

use std::ops::Range;

use super::gap::kind;
use crate::report::mention::Analysis;
use crate::report::parsed::{NodeKind, Relation};
use crate::report::rule::Rule;

/// An edge between two mentions of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LocalEdge {
    pub(crate) source: usize,
    pub(crate) target: usize,
    pub(crate) relation: Relation,
    pub(crate) rule: Rule,
}

/// The mentions of a clause in text order; mentions are sorted by place and so by clause.
pub(crate) fn members(analysis: &Analysis, clause: usize) -> Range<usize> {
    let begin = analysis.mentions.partition_point(|m| m.clause < clause);
    let end = analysis.mentions.partition_point(|m| m.clause <= clause);
    begin..end
}

/// The mentions that are no modifiers, by clause.
pub(crate) struct ClauseHeads {
    all: Vec<usize>,
    /// For each clause, where its heads end in `all`.
    ends: Vec<usize>,
}

impl ClauseHeads {
    pub(crate) fn new(analysis: &Analysis) -> Self {
        let mut heads = Self {
            all: Vec::with_capacity(analysis.mentions.len()),
            ends: Vec::with_capacity(analysis.clauses.len()),
        };
        for clause in 0..analysis.clauses.len() {
            let own = members(analysis, clause);
            heads.all.extend(own.filter(|&m| kind(analysis, m) != Some(NodeKind::Modifier)));
            heads.ends.push(heads.all.len());
        }
        heads
    }

    /// The heads of one clause in text order.
    pub(crate) fn of(&self, clause: usize) -> &[usize] {
        let end = self.ends.get(clause).copied().unwrap_or_default();
        let start = clause.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        self.all.get(start.unwrap_or_default()..end).unwrap_or_default()
    }
}
