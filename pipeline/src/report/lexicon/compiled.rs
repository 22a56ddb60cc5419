//! The compiled lexicon: all tables in one trie of phrases with their meanings.

use std::collections::BTreeMap;

use super::entries::{ChangeEntry, Concept, CueEntry, Heading, Meaning};
use super::trie::PhraseTrie;
use super::units::Units;
use crate::report::parsed::NodeKind;
use crate::report::text::{WordLists, tokenise};

/// The compiled lexicon.
pub(crate) struct Lexicon {
    pub(crate) concepts: Vec<Concept>,
    pub(crate) cues: Vec<CueEntry>,
    pub(crate) changes: Vec<ChangeEntry>,
    /// Sorted by phrase.
    pub(crate) headings: Vec<Heading>,
    pub(crate) words: WordLists,
    pub(crate) units: Units,
    pub(crate) phrases: PhraseTrie,
    /// For each phrase of the trie.
    pub(crate) meanings: Vec<Meaning>,
    pub(crate) by_id: BTreeMap<String, usize>,
    /// For each concept, the position of its organ in [`ORGANS`].
    pub(crate) organs: Vec<Option<u8>>,
    /// File names and bytes, in a fixed order.
    pub(crate) sources: Vec<(String, Vec<u8>)>,
}

impl Lexicon {
    /// Whether `concept` is `wanted` or one of its descendants.
    pub(crate) fn is_a(&self, concept: usize, wanted: usize) -> bool {
        self.concepts.get(concept).is_some_and(|entry| entry.ancestors.contains(&wanted))
    }

    /// The kind of a concept.
    pub(crate) fn kind(&self, concept: usize) -> NodeKind {
        self.concepts.get(concept).map_or(NodeKind::Modifier, |entry| entry.kind)
    }

    /// Whether a word in lower case is a finding, a place or a device by itself.
    pub(crate) fn is_term(&self, word: &str) -> bool {
        let tokens = tokenise(&self.words, word);
        let mut term = false;
        self.phrases.find(word, &tokens, |first, last, phrase| {
            let concept = self.meanings.get(phrase).and_then(|meaning| meaning.concept);
            let whole = first == 0 && last == tokens.len();
            term |= whole && concept.is_some_and(|(at, _)| self.kind(at) != NodeKind::Modifier);
        });
        term
    }
}
