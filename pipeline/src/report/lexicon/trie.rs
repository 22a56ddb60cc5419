//! The phrases of the lexicon as a trie over words: at each word of a sentence the phrases that start
//! there are found by one look-up a word. Phrases are words to the tokeniser, so only whole words
//! match, and it takes a tenth of the memory of an automaton over bytes.

use super::spelling::{same_letters, within_one_edit};
use crate::report::text::{Token, WordList, WordLists, WordMap, tokenise};

/// Phrases by their words. The maps are only looked up, never walked.
#[derive(Default)]
pub(crate) struct PhraseTrie {
    words: WordMap<Box<str>, u32>,
    /// For each word, the node of the phrases that start with it; 0, the root, for none.
    first: Vec<u32>,
    /// From any other node and a word to the next node.
    next: WordMap<u64, u32>,
    /// For each node, the phrase that ends there.
    ends: Vec<Option<u32>>,
    /// Long words by first letter, last letter and length, for [`PhraseTrie::misspelt`].
    long_words: WordMap<u64, Vec<(Box<str>, u32)>>,
}

/// The shortest word that may be misspelt by one letter, and the shortest misspelling of it.
const LONG_WORD: usize = 8;

impl PhraseTrie {
    /// The trie of `phrases`; each is known by its position. The long words of those that are
    /// `terms` are also found when one letter of them is wrong.
    pub(crate) fn new(
        words: &WordLists,
        phrases: &[String],
        terms: impl Fn(usize) -> bool,
    ) -> Self {
        let mut trie = Self { ends: vec![None], ..Self::default() };
        for pass in [true, false] {
            for (index, phrase) in phrases.iter().enumerate().filter(|(i, _)| terms(*i) == pass) {
                let mut node = 0;
                for token in tokenise(words, phrase) {
                    let word = phrase.get(token.start..token.end).unwrap_or_default();
                    node = trie.child(node, word, pass);
                }
                if node > 0
                    && let Some(end) = trie.ends.get_mut(node as usize)
                {
                    *end = u32::try_from(index).ok();
                }
            }
        }
        trie
    }

    /// The one long word of the phrases that `word` has a letter less, a letter more or two letters
    /// swapped of. First and last letter are mostly right, and they tell `resolves` from `resolved`.
    /// Another letter in the place of one is not looked for: it makes other words too often, as
    /// `hepatoma` and `hematoma`, `arteritis` and `arthritis`, `macro` and `micro`.
    fn misspelt(&self, word: &str) -> Option<u32> {
        let letters = word.bytes().all(|b| b.is_ascii_lowercase());
        if word.len() + 1 < LONG_WORD || !letters {
            return None;
        }
        let mut found = None;
        for length in word.len() - 1..=word.len() + 1 {
            let near = shape(word, length).and_then(|shape| self.long_words.get(&shape));
            for (known, id) in near.into_iter().flatten() {
                let swapped = word.len() != known.len() || same_letters(word, known);
                if swapped && within_one_edit(word.as_bytes(), known.as_bytes()) {
                    if found.is_some() {
                        return None;
                    }
                    found = Some(*id);
                }
            }
        }
        found
    }

    fn child(&mut self, node: u32, word: &str, term: bool) -> u32 {
        let count = self.words.len() as u32;
        let word = if let Some(id) = self.words.get(word) {
            *id
        } else {
            self.words.insert(word.into(), count);
            if let Some(shape) = shape(word, word.len()).filter(|_| term && word.len() >= LONG_WORD)
            {
                self.long_words.entry(shape).or_default().push((word.into(), count));
            }
            count
        };
        let fresh = self.ends.len() as u32;
        let next = if node == 0 {
            let at = word as usize;
            self.first.resize(self.first.len().max(at + 1), 0);
            let first = self.first.get_mut(at).expect("the table was made long enough");
            if *first == 0 {
                *first = fresh;
            }
            *first
        } else {
            *self.next.entry(key(node, word)).or_insert(fresh)
        };
        if next == fresh {
            self.ends.push(None);
        }
        next
    }

    /// The node after `node` with the word; 0 is none.
    fn step(&self, node: u32, word: u32) -> u32 {
        let next =
            if node == 0 { self.first.get(word as usize) } else { self.next.get(&key(node, word)) };
        next.copied().unwrap_or_default()
    }

    /// Calls `found` with first token, one past the last token and position of every phrase in the
    /// tokens of `text`, by first token and then the longest first.
    pub(crate) fn find(
        &self,
        text: &str,
        tokens: &[Token],
        mut found: impl FnMut(usize, usize, usize),
    ) {
        let words: Vec<Option<u32>> = tokens
            .iter()
            .map(|token| {
                let word = text.get(token.start..token.end)?;
                let misspelt = || (!token.is(WordList::OtherWord)).then(|| self.misspelt(word))?;
                self.words.get(word).copied().or_else(misspelt)
            })
            .collect();
        let mut ends: Vec<(usize, u32)> = Vec::new();
        for first in 0..words.len() {
            let mut node = 0;
            for (length, word) in words.get(first..).unwrap_or_default().iter().enumerate() {
                node = word.map_or(0, |word| self.step(node, word));
                if node == 0 {
                    break;
                }
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

/// First letter, last letter and length as one key.
fn shape(word: &str, length: usize) -> Option<u64> {
    let (first, last) = (word.bytes().next()?, word.bytes().next_back()?);
    Some(u64::from(first) << 40 | u64::from(last) << 32 | length as u64)
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
        let trie = PhraseTrie::new(&WordLists::default(), &phrases, |_| true);
        let text = "no upper lobe, nothing in lobes (|)";
        let tokens = tokenise(&WordLists::default(), text);
        let mut found = Vec::new();
        trie.find(text, &tokens, |first, last, phrase| {
            let span = tokens[first].start..tokens[last - 1].end;
            assert_eq!(&text[span], phrases[phrase]);
            found.push(phrases[phrase].as_str());
        });
        assert_eq!(found, ["no", "upper lobe", "upper", "lobe", "(|)"]);
    }

    #[test]
    fn long_words_are_found_with_one_wrong_letter() {
        let phrases = ["pneumothorax", "effusion", "contusion", "observed"].map(str::to_owned);
        let mut words = WordLists::default();
        words.add(WordList::OtherWord, "confusion");
        let trie = PhraseTrie::new(&words, &phrases, |index| index < 3);
        let find = |text: &str| {
            let mut found = Vec::new();
            trie.find(text, &tokenise(&words, text), |_, _, phrase| found.push(phrase));
            found
        };
        assert_eq!(find("efusion, pnemothorax, pneumothroax, effussion"), [1, 0, 0, 1]);
        // Words of their own, other ends, two wrong letters, words of no term.
        for text in ["confusion", "perfusion", "effusive", "pnemothrax", "obserfed"] {
            assert_eq!(find(text), Vec::<usize>::new(), "{text}");
        }
    }
}
