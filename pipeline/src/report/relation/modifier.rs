//! Links modifiers to the nouns that they describe.

use std::ops::Range;

use super::gap::{LONGEST_LIST, WIDEST_GAP, gap, is_anatomy, is_contrasted, is_finding, kind};
use super::heads::LocalEdge;
use crate::report::lexicon::Lexicon;
use crate::report::mention::Analysis;
use crate::report::parsed::{NodeKind, Relation, Side};
use crate::report::rule::Rule;
use crate::report::text::{Class, WordList};

/// Links modifiers to the noun after them, or else before them.
pub(crate) fn modify(
    lexicon: &Lexicon,
    analysis: &mut Analysis,
    members: Range<usize>,
    edges: &mut Vec<LocalEdge>,
) {
    for modifier in members.clone() {
        if kind(analysis, modifier) != Some(NodeKind::Modifier) {
            continue;
        }
        let side = analysis.mentions.get(modifier).and_then(|m| m.side).filter(|_| {
            !singles_out(analysis, modifier) && !is_contrasted_side(analysis, modifier)
        });
        let next = (modifier + 1..members.end)
            .take(LONGEST_LIST)
            .find(|&m| kind(analysis, m) != Some(NodeKind::Modifier))
            .filter(|&head| {
                let gap = gap(analysis, modifier, head);
                gap.verbs + gap.prepositions + gap.relatives + gap.marks == 0
                    && gap.length <= WIDEST_GAP
                    && gap.commas <= 1
                    && gap.words <= 3
            });
        let before = || {
            let mut heads = (members.start..modifier).rev();
            let nearest = heads.clone().find(|&m| is_finding(analysis, m));
            nearest.or_else(|| heads.find(|&m| is_anatomy(analysis, m)))
        };
        let (head, rule) = match next {
            Some(head) if !(side.is_some() && closes_phrase(analysis, modifier)) => {
                (Some(head), Rule::Attribute)
            }
            other => match before() {
                Some(head) => (Some(head), Rule::Predicate),
                None => (other, Rule::Attribute),
            },
        };
        let Some(head) = head else { continue };
        edges.push(LocalEdge { source: modifier, target: head, relation: Relation::Modify, rule });
        let most = side_of_most(analysis, modifier);
        if let Some(target) = analysis.mentions.get_mut(head) {
            target.most = target.most.or(most);
        }
        let place = analysis.mentions.get(modifier).map_or(0, |m| m.start);
        if let Some(side) = side
            && let Some(target) = analysis.mentions.get_mut(head)
            && !target.gone.is_some_and(|(from, to)| from <= place && place < to)
        {
            let fixed = lexicon.concepts.get(target.concept).is_none();
            if !fixed {
                target.side = Some(target.side.map_or(side, |own| own.union(side)));
            }
        }
    }
}

/// `Cysts in both kidneys, the largest on the left`: the side of one of several, or of the most.
fn singles_out(analysis: &Analysis, modifier: usize) -> bool {
    const REACH_TOKENS: usize = 5;
    let Some(first) = analysis.mentions.get(modifier).map(|m| m.first) else { return false };
    let before = analysis.tokens.get(first.saturating_sub(REACH_TOKENS)..first).unwrap_or_default();
    let singled = before.iter().any(|token| token.is(WordList::SinglingOut));
    // `Predominantly on the left, less so on the right` names both.
    let other = analysis.mentions.iter().enumerate().any(|(at, m)| {
        let near = m.first.abs_diff(first) <= 2 * REACH_TOKENS;
        let own = analysis.mentions.get(modifier).and_then(|m| m.side);
        let opposite = m
            .side
            .zip(own)
            .is_some_and(|(a, b)| a != b && a != Side::Bilateral && b != Side::Bilateral);
        at != modifier && near && opposite && m.kind == NodeKind::Modifier
    });
    singled && !other
}

/// `More marked on the right than on the left`: a side before `than` and another one has the most of the finding.
fn side_of_most(analysis: &Analysis, modifier: usize) -> Option<Side> {
    let own = analysis.mentions.get(modifier)?;
    let than = (own.last..own.last + WIDEST_GAP)
        .find(|&at| analysis.tokens.get(at).is_some_and(|token| token.is(WordList::Than)))?;
    let other = analysis.mentions.iter().any(|m| {
        m.first > than
            && m.first <= than + WIDEST_GAP
            && m.side.is_some_and(|side| Some(side) != own.side)
    });
    own.side.filter(|side| other && *side != Side::Bilateral)
}

/// `Compared with the right, the left one ...`, but not `larger on the right than on the left`, where both are sides of
/// the finding.
fn is_contrasted_side(analysis: &Analysis, modifier: usize) -> bool {
    let Some(first) = analysis.mentions.get(modifier).map(|m| m.first) else { return false };
    let from = first.saturating_sub(WIDEST_GAP);
    let than = (from..first)
        .rfind(|&at| analysis.tokens.get(at).is_some_and(|token| token.is(WordList::Than)));
    let two_sided = than.is_some_and(|than| {
        let near = than.saturating_sub(WIDEST_GAP);
        analysis.mentions.iter().any(|m| {
            m.kind == NodeKind::Modifier && m.side.is_some() && near <= m.first && m.last <= than
        })
    });
    is_contrasted(analysis, modifier) && !two_sided
}

/// `effusion on the right, consolidation ...`: a side after a preposition with nothing to name
/// after it belongs to what stands before.
fn closes_phrase(analysis: &Analysis, modifier: usize) -> bool {
    let Some(mention) = analysis.mentions.get(modifier) else { return false };
    let class = |at: usize| analysis.tokens.get(at).map(|token| token.class);
    // `Small effusion left, moderate effusion right.`
    let trails = analysis.mentions.iter().any(|m| {
        m.last == mention.first && matches!(m.kind, NodeKind::Observation | NodeKind::Device)
    });
    let ends = matches!(
        class(mention.last),
        None | Some(Class::Comma | Class::Semicolon | Class::Mark | Class::Conjunction)
    );
    if trails && ends {
        return true;
    }
    let led = mention
        .first
        .checked_sub(1)
        .is_some_and(|at| matches!(class(at), Some(Class::Determiner | Class::Preposition)))
        || class(mention.first) == Some(Class::Preposition);
    let open = matches!(class(mention.last), Some(Class::Word | Class::Number));
    led && !open
}
