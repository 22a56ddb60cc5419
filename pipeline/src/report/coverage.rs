//! Which content words of a text the lexicon does not know: what to add for another modality or body
//! part.

use std::collections::BTreeMap;

use super::document::ReportDocument;
use super::lexicon::Lexicon;
use super::mention::find_hits;
use super::structure::{find_sections, split_sentences};
use super::text::{Class, FoldedText, tokenise};

/// Words that carry no finding, place or attribute, beside those of the closed word classes.
const FUNCTION_WORDS: &str = "about above according after again against all along already also always am among amount an \
    and any approximately are area areas as aspect available based because become been before being below between both \
    but by case change changes character come compared comparison component consider considered course current currently \
    defined described detail diameter diameters difference dimension dimensions direction due during each either else \
    entire especially etc evaluated evaluation even examination examinations examined exam extending extent feature \
    features finding findings first follow following form found from further given he her here his how however if image \
    images imaging important include included including into it its itself just known largest last least left less level \
    levels like local localization located location long look made mainly many material me measured measurement \
    measurements measures measuring mention mm cm more most much must my near need next not note number obtained of off \
    old on once only onto or order other otherwise our out over own part particularly parts patient per performed place \
    point possible prior previous primarily rather recommended regard related relation report reported right same second \
    section sections see seems she should show shown side since size sizes small so some still structure structures study \
    such taken than that their them then there these they third thus together too toward two type under until up upon use \
    used using usually value view viewed views was way well were what when where whether which while who whole whose \
    why width will window with within without would year years yet you";

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
        for section in find_sections(document, &lexicon.headings) {
            let limits = (section.start as usize, section.end as usize);
            for (start, end) in split_sentences(&document.text, limits.0, limits.1) {
                self.add_sentence(lexicon, &FoldedText::new(&document.text, start, end));
            }
        }
    }

    fn add_sentence(&mut self, lexicon: &Lexicon, folded: &FoldedText) {
        let tokens = tokenise(&folded.text);
        let hits = find_hits(lexicon, folded, &tokens);
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
                && !FUNCTION_WORDS.split_whitespace().any(|function| function == word);
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
