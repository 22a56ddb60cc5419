//! What a finding is taken as a sign of.

use super::gap::{LONGEST_LIST, is_finding};
use super::heads::LocalEdge;
use crate::report::mention::Analysis;
use crate::report::parsed::Relation;
use crate::report::rule::Rule;

/// `A compatible with B`, `A (B?)`.
pub(crate) fn suggest(analysis: &Analysis, edges: &mut Vec<LocalEdge>) {
    for scope in analysis.scopes.iter().filter(|scope| scope.suggests) {
        let mut targets = analysis
            .mentions
            .iter()
            .enumerate()
            .filter(|(_, m)| m.is_finding() && scope.covers(m.first, m.last))
            .take(LONGEST_LIST)
            .peekable();
        let Some(&(first_target, target)) = targets.peek() else { continue };
        let limit = scope.cue_first().min(target.first);
        let source = analysis
            .mentions
            .get(..first_target)
            .unwrap_or_default()
            .iter()
            .rposition(|m| m.is_finding() && m.last <= limit);
        let Some(source) = source else { continue };
        edges.extend(targets.map(|(target, _)| LocalEdge {
            source,
            target,
            relation: Relation::SuggestiveOf,
            rule: Rule::Hedge,
        }));
    }
}

/// What a sign is read as lies where the sign lies, unless it has a place of its own.
pub(crate) fn place_suggested(analysis: &Analysis, edges: &mut Vec<LocalEdge>) {
    let placed = |edges: &[LocalEdge], mention: usize| {
        edges.iter().any(|e| e.relation == Relation::LocatedAt && e.source == mention)
    };
    let signs: Vec<LocalEdge> =
        edges.iter().filter(|e| e.relation == Relation::SuggestiveOf).copied().collect();
    let mut found = Vec::new();
    for sign in signs.iter().take(LONGEST_LIST) {
        if is_finding(analysis, sign.target) && !placed(edges, sign.target) {
            let places = edges
                .iter()
                .filter(|e| e.relation == Relation::LocatedAt && e.source == sign.source)
                .take(LONGEST_LIST);
            found.extend(places.map(|place| LocalEdge {
                source: sign.target,
                target: place.target,
                relation: Relation::LocatedAt,
                rule: Rule::Suggested,
            }));
        }
    }
    edges.extend(found);
}
