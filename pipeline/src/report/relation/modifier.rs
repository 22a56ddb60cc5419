//! Links modifiers to the nouns that they describe.

use std::ops::Range;

use super::gap::{LONGEST_LIST, WIDEST_GAP, gap, is_anatomy, is_finding, kind};
use super::heads::LocalEdge;
use crate::report::lexicon::Lexicon;
use crate::report::mention::Analysis;
use crate::report::parsed::{NodeKind, Relation};
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
        let side = analysis
            .mentions
            .get(modifier)
            .and_then(|m| m.side)
            .filter(|_| !singles_out(analysis, modifier));
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
        if let Some(side) = side
            && let Some(target) = analysis.mentions.get_mut(head)
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
    before.iter().any(|token| token.is(WordList::SinglingOut))
}

/// `effusion on the right, consolidation ...`: a side after a preposition with nothing to name
/// after it belongs to what stands before.
fn closes_phrase(analysis: &Analysis, modifier: usize) -> bool {
    let Some(mention) = analysis.mentions.get(modifier) else { return false };
    let class = |at: usize| analysis.tokens.get(at).map(|token| token.class);
    let led = mention
        .first
        .checked_sub(1)
        .is_some_and(|at| matches!(class(at), Some(Class::Determiner | Class::Preposition)))
        || class(mention.first) == Some(Class::Preposition);
    let open = matches!(class(mention.last), Some(Class::Word | Class::Number));
    led && !open
}
