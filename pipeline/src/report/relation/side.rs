//! Completes the sides of mentions: from the parts of one organ, from places and from neighbours.

use super::gap::{WIDEST_GAP, gap, is_anatomy};
use super::heads::{LocalEdge, members};
use crate::report::lexicon::{Lexicon, ORGANS};
use crate::report::mention::Analysis;
use crate::report::parsed::{NodeKind, Relation, Side};
use crate::report::text::{Class, WordList};

/// Parts of one organ named in a row share the side that one of them gives.
pub(crate) fn share_sides(lexicon: &Lexicon, analysis: &mut Analysis, heads: &[usize]) {
    for backward in [false, true] {
        let pairs = heads.len().saturating_sub(1);
        for step in 0..pairs {
            let at = if backward { pairs - 1 - step } else { step };
            let (Some(&left), Some(&right)) = (heads.get(at), heads.get(at + 1)) else { continue };
            if !is_anatomy(analysis, left) || !is_anatomy(analysis, right) {
                continue;
            }
            let gap = gap(analysis, left, right);
            let joined = gap.verbs + gap.relatives + gap.marks == 0 && gap.length <= 4;
            let (from, to) = if backward { (right, left) } else { (left, right) };
            let Some(side) = analysis.mentions.get(from).and_then(|m| m.side) else { continue };
            let listed = gap.commas + gap.conjunctions > 0;
            let shares = if listed {
                !backward && side == Side::Bilateral
            } else {
                related(lexicon, analysis, left, right)
            };
            if joined
                && shares
                && let Some(target) = analysis.mentions.get_mut(to)
            {
                target.side.get_or_insert(side);
            }
        }
    }
}

/// `In the left lung, a nodule in the lower lobe and a cyst in the upper lobe`: the place that opens
/// a clause lends its side to later parts of the same organ that have none.
pub(crate) fn lend_sides(lexicon: &Lexicon, analysis: &mut Analysis) {
    let mut lead: Option<(usize, Side)> = None;
    for at in 0..analysis.mentions.len() {
        let Some(mention) = analysis.mentions.get(at) else { break };
        if mention.kind != NodeKind::Anatomy {
            continue;
        }
        let (side, clause) = (mention.side, mention.clause);
        let opens = analysis.clauses.get(clause).is_some_and(|clause| {
            let prefix = analysis.tokens.get(clause.first..mention.first).unwrap_or_default();
            prefix.first().is_some_and(|token| token.class == Class::Preposition)
                && prefix.iter().all(|token| token.class != Class::Comma)
                && prefix.len() <= WIDEST_GAP
        });
        match (side, lead) {
            (Some(side), _) if opens => lead = Some((at, side)),
            (Some(_), Some((from, _))) if related(lexicon, analysis, from, at) => lead = None,
            (None, Some((from, side))) if related(lexicon, analysis, from, at) => {
                if let Some(mention) = analysis.mentions.get_mut(at) {
                    mention.side = Some(side);
                }
            }
            _ => {}
        }
    }
}

/// `The right lung is clear, whereas the left shows consolidation`, `on the right a small one with atelectasis`, `left:
/// effusion`: a side that opens a clause as its subject or place, with no noun of its own, is the side of what the
/// clause names.
pub(crate) fn open_with_side(analysis: &mut Analysis) {
    for clause in 0..analysis.clauses.len() {
        let Some((modifier, side)) = opening_side(analysis, clause) else { continue };
        let alone = members(analysis, clause).len() == 1;
        let reached = if alone && ends_with_colon(analysis, clause) { clause + 1 } else { clause };
        for at in members(analysis, reached) {
            let Some(mention) = analysis.mentions.get_mut(at).filter(|_| at != modifier) else {
                continue;
            };
            // Another side starts its own.
            if mention.side.is_some_and(|own| own != side) {
                break;
            }
            if mention.kind == NodeKind::Anatomy || mention.is_finding() {
                mention.side = Some(side);
            }
        }
        // `Pneumothorax has resolved on the left but persists on the right.`
        let elliptic = alone && reached == clause;
        let left =
            clause.checked_sub(1).map(|before| members(analysis, before)).unwrap_or_default();
        for at in left.filter(|_| elliptic) {
            if let Some(mention) = analysis.mentions.get_mut(at).filter(|m| m.gone.is_some()) {
                mention.side.get_or_insert(side);
            }
        }
    }
}

/// The side that is the first mention of a clause and stands alone after at most a conjunction, a preposition and an
/// article.
fn opening_side(analysis: &Analysis, clause: usize) -> Option<(usize, Side)> {
    let first = members(analysis, clause).next()?;
    let mention = analysis.mentions.get(first)?;
    let side = mention.side.filter(|_| mention.kind == NodeKind::Modifier)?;
    let bounds = analysis.clauses.get(clause)?;
    let class = |at: usize| analysis.tokens.get(at).map(|token| token.class);
    let bare = (bounds.first..mention.first)
        .all(|at| !matches!(class(at), Some(Class::Number | Class::Open)));
    let led = mention.first.checked_sub(1).is_none_or(|before| {
        before < bounds.first
            || matches!(class(before), Some(Class::Determiner | Class::Preposition | Class::Comma))
    });
    let alone = mention.last >= bounds.last
        || matches!(
            class(mention.last),
            Some(
                Class::FiniteVerb
                    | Class::Comma
                    | Class::Colon
                    | Class::Determiner
                    | Class::Mark
                    | Class::Semicolon
            )
        )
        || analysis.tokens.get(mention.last).is_some_and(|token| token.is(WordList::Subject));
    (bare && led && alone && mention.first - bounds.first <= WIDEST_GAP).then_some((first, side))
}

fn ends_with_colon(analysis: &Analysis, clause: usize) -> bool {
    let last = analysis.clauses.get(clause).and_then(|clause| clause.last.checked_sub(1));
    last.and_then(|last| analysis.tokens.get(last)).is_some_and(|token| token.class == Class::Colon)
}

/// A finding without a side of its own takes that of its places.
pub(crate) fn side_from_places(analysis: &mut Analysis, edges: &[LocalEdge]) {
    if edges.iter().all(|edge| edge.relation != Relation::LocatedAt) {
        return;
    }
    let mut sides: Vec<Option<Side>> = vec![None; analysis.mentions.len()];
    for edge in edges.iter().filter(|edge| edge.relation == Relation::LocatedAt) {
        let place = analysis.mentions.get(edge.target).and_then(|m| m.side);
        if let (Some(place), Some(slot)) = (place, sides.get_mut(edge.source)) {
            *slot = Some(slot.map_or(place, |side: Side| side.union(place)));
        }
    }
    for (mention, side) in analysis.mentions.iter_mut().zip(sides) {
        if mention.side.is_none() {
            mention.side = side;
        }
    }
}

/// `Left effusion with adjacent atelectasis`: what is next to a finding lies on its side, if it is of an organ
/// that has sides.
pub(crate) fn side_from_neighbour(lexicon: &Lexicon, analysis: &mut Analysis) {
    const ADJECTIVES: usize = 2;
    const PAIRED: [&str; 6] = ["lung", "pleura", "breast", "kidney", "adrenal_gland", "brain"];
    let paired = |concept: usize| {
        let organ = lexicon.organs.get(concept).copied().flatten();
        organ
            .and_then(|organ| ORGANS.get(usize::from(organ)))
            .is_some_and(|(name, _)| PAIRED.contains(name))
    };
    let mut last: Option<(usize, Side)> = None;
    for at in 0..analysis.mentions.len() {
        let Some(mention) = analysis.mentions.get(at).filter(|m| m.is_finding()) else { continue };
        let from = mention.first.saturating_sub(ADJECTIVES + 1);
        let before = analysis.tokens.get(from..mention.first).unwrap_or_default();
        let beside = before.iter().any(|token| token.is(WordList::Beside));
        let (own, clause) = (mention.side, mention.clause);
        let takes = beside && own.is_none() && paired(mention.concept);
        let near = last.filter(|(same, _)| takes && *same == clause);
        if let Some((_, side)) = near
            && let Some(mention) = analysis.mentions.get_mut(at)
        {
            mention.side = Some(side);
        }
        last = own.or(near.map(|(_, side)| side)).map(|side| (clause, side));
    }
}

/// Whether two anatomies belong to one organ.
fn related(lexicon: &Lexicon, analysis: &Analysis, left: usize, right: usize) -> bool {
    let ancestors = |mention: usize| {
        analysis
            .mentions
            .get(mention)
            .and_then(|m| lexicon.concepts.get(m.concept))
            .map(|concept| concept.ancestors.as_slice())
            .unwrap_or_default()
    };
    ancestors(left).iter().any(|ancestor| ancestors(right).contains(ancestor))
}
