//! The phrases of the lexicon as a trie over words: at each word of a sentence the phrases that start
//! there are found by one look-up a word. Phrases are words to the tokeniser, so only whole words
//! match, and it takes a tenth of the memory of an automaton over bytes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::token::{Token, tokenise};

/// The hash of Fowler, Noll and Vo: quick on short keys, the same on every run.
#[derive(Clone, Copy)]
pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Map<K, V> = HashMap<K, V, BuildHasherDefault<Fnv>>;

/// Phrases by their words. The maps are only looked up, never walked.
#[derive(Default)]
pub(super) struct PhraseTrie {
    words: Map<Box<str>, u32>,
    /// From a node and a word to the next node; node 0 is the root.
    next: Map<u64, u32>,
    /// For each node, the phrase that ends there.
    ends: Vec<Option<u32>>,
}

impl PhraseTrie {
    /// The trie of `phrases`; each is known by its position.
    pub(super) fn new(phrases: &[String]) -> Self {
        let mut trie = Self { ends: vec![None], ..Self::default() };
        for (index, phrase) in phrases.iter().enumerate() {
            let mut node = 0;
            for token in tokenise(phrase) {
                let word = phrase.get(token.start..token.end).unwrap_or_default();
                node = trie.child(node, word);
            }
            if node > 0
                && let Some(end) = trie.ends.get_mut(node as usize)
            {
                *end = u32::try_from(index).ok();
            }
        }
        trie
    }

    fn child(&mut self, node: u32, word: &str) -> u32 {
        let count = self.words.len() as u32;
        let word = match self.words.get(word) {
            Some(id) => *id,
            None => *self.words.entry(word.into()).or_insert(count),
        };
        let fresh = self.ends.len() as u32;
        let next = *self.next.entry(key(node, word)).or_insert(fresh);
        if next == fresh {
            self.ends.push(None);
        }
        next
    }

    /// Calls `found` with first token, one past the last token and position of every phrase in the
    /// tokens of `text`, by first token and then the longest first.
    pub(super) fn find(
        &self,
        text: &str,
        tokens: &[Token],
        mut found: impl FnMut(usize, usize, usize),
    ) {
        let words: Vec<Option<u32>> = tokens
            .iter()
            .map(|token| {
                text.get(token.start..token.end).and_then(|word| self.words.get(word)).copied()
            })
            .collect();
        let mut ends: Vec<(usize, u32)> = Vec::new();
        for first in 0..words.len() {
            let mut node = 0;
            for (length, word) in words.get(first..).unwrap_or_default().iter().enumerate() {
                let next = word.and_then(|word| self.next.get(&key(node, word)).copied());
                let Some(next) = next else { break };
                node = next;
                if let Some(phrase) = self.ends.get(node as usize).copied().flatten() {
                    ends.push((first + length + 1, phrase));
                }
            }
            for (last, phrase) in ends.drain(..).rev() {
                found(first, last, phrase as usize);
            }
        }
    }
}

fn key(node: u32, word: u32) -> u64 {
    u64::from(node) << 32 | u64::from(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_found_once_and_only_in_whole_words() {
        let phrases: Vec<String> =
            ["lobe", "upper lobe", "no", "(|)", "upper"].map(str::to_owned).to_vec();
        let trie = PhraseTrie::new(&phrases);
        let text = "no upper lobe, nothing in lobes (|)";
        let tokens = tokenise(text);
        let mut found = Vec::new();
        trie.find(text, &tokens, |first, last, phrase| {
            let span = tokens[first].start..tokens[last - 1].end;
            assert_eq!(&text[span], phrases[phrase]);
            found.push(phrases[phrase].as_str());
        });
        assert_eq!(found, ["no", "upper lobe", "upper", "lobe", "(|)"]);
    }
}
