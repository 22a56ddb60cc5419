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
    for token in analysis.tokens.get(left.last..right.first).unwrap_or_default() {
        gap.length += 1;
        let verb = matches!(token.class, Class::FiniteVerb);
        match token.class {
            Class::FiniteVerb if !in_verb => gap.verbs += 1,
            Class::FiniteVerb | Class::VerbPart | Class::Determiner | Class::Number => {}
            Class::Preposition => {
                gap.prepositions += 1;
                gap.with |= token.is(WordList::With);
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
