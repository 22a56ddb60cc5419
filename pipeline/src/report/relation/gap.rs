//! What stands between two mentions of a sentence: the ground on which relations are drawn.

use crate::report::mention::{Analysis, Mention};
use crate::report::parsed::NodeKind;
use crate::report::text::{Class, WordList};

/// The most members of a list that share a relation.
pub(crate) const LONGEST_LIST: usize = 12;
/// The most tokens that may separate members of a list or a noun from its attribute.
pub(crate) const WIDEST_GAP: usize = 6;

pub(crate) fn kind(analysis: &Analysis, mention: usize) -> Option<NodeKind> {
    analysis.mentions.get(mention).map(|m| m.kind)
}

pub(crate) fn is_anatomy(analysis: &Analysis, mention: usize) -> bool {
    kind(analysis, mention) == Some(NodeKind::Anatomy)
}

pub(crate) fn is_finding(analysis: &Analysis, mention: usize) -> bool {
    analysis.mentions.get(mention).is_some_and(Mention::is_finding)
}

/// Whether the mention is what another one is compared with (`in contrast to the left kidney`, `larger than the left
/// one`): it is no place of what the sentence is about.
pub(crate) fn is_contrasted(analysis: &Analysis, mention: usize) -> bool {
    const REACH_TOKENS: usize = 5;
    let Some(first) = analysis.mentions.get(mention).map(|m| m.first) else { return false };
    let before = analysis.tokens.get(first.saturating_sub(REACH_TOKENS)..first).unwrap_or_default();
    before
        .iter()
        .rev()
        .take_while(|t| {
            matches!(t.class, Class::Word | Class::Determiner | Class::Preposition | Class::Number)
        })
        .any(|token| token.is(WordList::Contrast))
        || is_after_than(analysis, first)
}

/// `The right kidney is larger than the left kidney`, but not `left greater than right lung base scarring` or `other than
/// a granuloma`.
fn is_after_than(analysis: &Analysis, first: usize) -> bool {
    const REACH_TOKENS: usize = 4;
    let is = |at: usize, list| analysis.tokens.get(at).is_some_and(|token| token.is(list));
    let from = first.saturating_sub(REACH_TOKENS);
    let than = (from..first).rfind(|&at| is(at, WordList::Than));
    than.and_then(|than| than.checked_sub(1)).is_some_and(|before| {
        let verb = before.checked_sub(1).and_then(|at| analysis.tokens.get(at));
        let stated = verb.is_some_and(|t| matches!(t.class, Class::FiniteVerb | Class::VerbPart));
        stated && is(before, WordList::Comparative)
    })
}

/// What stands between two mentions.
#[derive(Default)]
pub(crate) struct Gap {
    pub(crate) length: usize,
    pub(crate) words: usize,
    pub(crate) verbs: usize,
    pub(crate) prepositions: usize,
    pub(crate) commas: usize,
    pub(crate) conjunctions: usize,
    pub(crate) relatives: usize,
    pub(crate) marks: usize,
    pub(crate) with: bool,
}

pub(crate) fn gap(analysis: &Analysis, left: usize, right: usize) -> Gap {
    let mut gap = Gap::default();
    let (Some(left), Some(right)) = (analysis.mentions.get(left), analysis.mentions.get(right))
    else {
        return gap;
    };
    let mut in_verb = false;
    let between = analysis.tokens.get(left.last..right.first).unwrap_or_default();
    for (at, token) in between.iter().enumerate() {
        gap.length += 1;
        let verb = matches!(token.class, Class::FiniteVerb);
        match token.class {
            Class::FiniteVerb if !in_verb => gap.verbs += 1,
            Class::FiniteVerb | Class::VerbPart | Class::Determiner | Class::Number => {}
            Class::Preposition => {
                gap.prepositions += 1;
                // `An effusion with a depth of 9 mm in the pericardium`: a size sets nothing apart.
                let next = between.get(at + 1..(at + 4).min(between.len())).unwrap_or_default();
                let size = next.iter().any(|t| t.is(WordList::SizeNoun));
                gap.with |= token.is(WordList::With) && !size;
            }
            Class::Comma => gap.commas += 1,
            Class::Conjunction => gap.conjunctions += 1,
            Class::Relative => gap.relatives += 1,
            Class::Word => gap.words += 1,
            Class::Semicolon
            | Class::Colon
            | Class::Open
            | Class::Close
            | Class::Question
            | Class::Mark => gap.marks += 1,
        }
        in_verb = verb || in_verb && token.class == Class::VerbPart;
    }
    gap
}

impl Gap {
    /// Attribute and noun: at most a few plain words between.
    pub(crate) fn is_attribute(&self) -> bool {
        self.verbs + self.prepositions + self.commas + self.relatives + self.marks == 0
            && self.conjunctions == 0
            && self.words <= 3
    }

    /// `pleural and pericardial effusion`.
    pub(crate) fn is_shared_attribute(&self) -> bool {
        self.conjunctions == 1 && self.length <= 2
    }

    /// Members of one list.
    pub(crate) fn is_list(&self) -> bool {
        self.verbs + self.relatives + self.marks == 0
            && self.length <= WIDEST_GAP
            && self.words <= 3
            && !self.with
    }

    /// Findings listed side by side.
    pub(crate) fn is_finding_list(&self) -> bool {
        self.is_list() && self.prepositions == 0
    }

    /// A finding and the place named after it.
    pub(crate) fn leads_to_place(&self) -> bool {
        self.prepositions + self.relatives > 0 && self.verbs <= 1 && !self.with && self.marks <= 2
    }
}
