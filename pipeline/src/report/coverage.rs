//! Which content words of a text the lexicon does not know: what to add for another modality or body
//! part.

use std::collections::BTreeMap;

use super::document::ReportDocument;
use super::lexicon::Lexicon;
use super::mention::find_hits;
use super::structure::{find_sections, split_sentences};
use super::text::{Class, FoldedText, Tokens, WordList, tokenise};

/// Counts of the content words of many texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Content words met.
    pub words: u64,
    /// How many of them stand in a wording, cue or change phrase of the lexicon.
    pub known: u64,
    /// The others, in lower case, with how often they were met.
    pub unknown: BTreeMap<String, u64>,
}

impl Coverage {
    /// The share of content words that the lexicon knows; 1 where there are none.
    pub fn share(&self) -> f64 {
        if self.words == 0 { 1.0 } else { self.known as f64 / self.words as f64 }
    }

    /// The unknown words, the most frequent first and equal ones by the alphabet.
    pub fn by_count(&self) -> Vec<(&str, u64)> {
        let mut words: Vec<(&str, u64)> =
            self.unknown.iter().map(|(word, count)| (word.as_str(), *count)).collect();
        words.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        words
    }

    /// Adds the content words of a document.
    pub(crate) fn add(&mut self, lexicon: &Lexicon, document: &ReportDocument) {
        for section in find_sections(document, lexicon) {
            let limits = (section.start as usize, section.end as usize);
            for (start, end) in split_sentences(&lexicon.words, &document.text, limits.0, limits.1)
            {
                self.add_sentence(lexicon, &FoldedText::new(&document.text, start, end));
            }
        }
    }

    fn add_sentence(&mut self, lexicon: &Lexicon, folded: &FoldedText) {
        let tokens = tokenise(&lexicon.words, &folded.text);
        let hits =
            find_hits(lexicon, Tokens { text: &folded.text, all: &tokens, lists: &lexicon.words });
        let mut known = vec![false; tokens.len()];
        for hit in hits.concepts.iter().chain(&hits.cues).chain(&hits.changes) {
            for slot in known.get_mut(hit.first..hit.last).unwrap_or_default() {
                *slot = true;
            }
        }
        for (token, known) in tokens.iter().zip(known) {
            let word = folded.text.get(token.start..token.end).unwrap_or_default();
            let content = token.class == Class::Word
                && word.chars().count() > 2
                && word.chars().all(char::is_alphabetic)
                && !token.is(WordList::FunctionWord);
            if !content && !known {
                continue;
            }
            self.words += 1;
            if known {
                self.known += 1;
            } else {
                *self.unknown.entry(word.to_owned()).or_default() += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::report::{Coverage, ReportDocument, ReportParser};

    #[test]
    fn unknown_words_are_listed_and_an_overlay_makes_them_known() {
        let text = "A frobnicated nodule is seen in the lung. The frobnicated zorb is absent.";
        let document = ReportDocument::from_text("t", text);
        let mut coverage = Coverage::default();
        ReportParser::builtin().expect("loads").add_coverage(&document, &mut coverage);
        assert_eq!(coverage.by_count(), [("frobnicated", 2), ("zorb", 1)]);
        assert!(coverage.share() < 1.0 && coverage.known >= 3);
        let rows = "zorb\tzorb\tzorb\tobservation\t-\t-\t-\n";
        let parser = ReportParser::with_overlay(Some(rows), &[]).expect("loads");
        let mut coverage = Coverage::default();
        parser.add_coverage(&document, &mut coverage);
        assert_eq!(coverage.by_count(), [("frobnicated", 2)]);
    }
}
