//! One report to token ids, with the sentence and the entity each token belongs to.

use std::ops::Range;
use std::path::Path;

use thiserror::Error;
use tokenizers::Tokenizer;

use schemas::study::Sentence;

/// Why a report cannot be tokenised.
#[derive(Debug, Error)]
pub enum TokenizeError {
    /// The tokenizer definition is not usable.
    #[error("failed to load tokenizer: {message}")]
    Definition {
        /// What the library said.
        message: String,
    },
    /// The tokenizer file cannot be read.
    #[error("failed to load tokenizer `{path}`: {source}")]
    File {
        /// File.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A special token is missing.
    #[error("failed to load tokenizer: it has no `{token}` token, which training needs")]
    SpecialToken {
        /// Token.
        token: &'static str,
    },
    /// A text could not be encoded.
    #[error("failed to tokenise report: {message}")]
    Encode {
        /// What the library said.
        message: String,
    },
}

/// The names that special tokens go by: BERT's, then RoBERTa's.
const PAD: [&str; 2] = ["[PAD]", "<pad>"];
const CLS: [&str; 2] = ["[CLS]", "<s>"];
const SEP: [&str; 2] = ["[SEP]", "</s>"];
const MASK: [&str; 2] = ["[MASK]", "<mask>"];

/// A tokenizer and the ids of its special tokens, named as in BERT or as in RoBERTa.
#[derive(Debug, Clone)]
pub struct ReportTokenizer {
    tokenizer: Tokenizer,
    definition: String,
    /// Id of `[PAD]`.
    pub pad: u32,
    /// Id of `[CLS]`.
    pub cls: u32,
    /// Id of `[SEP]`.
    pub sep: u32,
    /// Id of `[MASK]`.
    pub mask: u32,
}

/// A report as tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncodedReport {
    /// Token ids from `[CLS]` to `[SEP]`, without padding.
    pub ids: Vec<u32>,
    /// Sentence of each token, -1 for `[CLS]` and `[SEP]`. Sentences keep the numbers they came with.
    pub sentence: Vec<i32>,
    /// Word of each token, ascending over the report, -1 for `[CLS]` and `[SEP]`.
    pub word: Vec<i32>,
    /// Entity of each token, counted over the sentences as they came; -1 outside of entities and for
    /// `[CLS]` and `[SEP]`. A token belongs to an entity when they share a byte.
    pub entity: Vec<i32>,
    /// Sentences left out because the report is longer than the budget.
    pub dropped: usize,
    /// Clauses left out of sentences that are kept in part.
    pub dropped_clauses: usize,
}

impl ReportTokenizer {
    /// Reads a `tokenizer.json` text.
    ///
    /// # Errors
    /// When it is not one, or lacks `[PAD]`, `[CLS]`, `[SEP]` or `[MASK]`.
    pub fn from_json(definition: &str) -> Result<Self, TokenizeError> {
        let mut tokenizer = Tokenizer::from_bytes(definition)
            .map_err(|error| TokenizeError::Definition { message: error.to_string() })?;
        // A stored truncation would cut reports in silence.
        tokenizer
            .with_truncation(None)
            .map_err(|error| TokenizeError::Definition { message: error.to_string() })?;
        tokenizer.with_padding(None);
        let id = |names: [&'static str; 2]| {
            let found = names.iter().find_map(|name| tokenizer.token_to_id(name));
            found.ok_or(TokenizeError::SpecialToken { token: names[0] })
        };
        let (pad, cls, sep, mask) = (id(PAD)?, id(CLS)?, id(SEP)?, id(MASK)?);
        Ok(Self { tokenizer, definition: definition.to_owned(), pad, cls, sep, mask })
    }

    /// Reads a `tokenizer.json` file.
    ///
    /// # Errors
    /// When it cannot be read, and as [`Self::from_json`].
    pub fn from_file(path: &Path) -> Result<Self, TokenizeError> {
        let definition = std::fs::read_to_string(path)
            .map_err(|source| TokenizeError::File { path: path.display().to_string(), source })?;
        Self::from_json(&definition)
    }

    /// The definition it was made from.
    pub fn definition(&self) -> &str {
        &self.definition
    }

    /// Number of ids.
    pub fn vocabulary_size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// Ids of a text, without special tokens.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn text_ids(&self, text: &str) -> Result<Vec<u32>, TokenizeError> {
        let encoding = self
            .tokenizer
            .encode_fast(text, false)
            .map_err(|error| TokenizeError::Encode { message: error.to_string() })?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Encodes the sentences of a report, joined by a space and tokenised once.
    ///
    /// When they exceed `max_tokens` (which counts `[CLS]` and `[SEP]`), sentences are left out from the
    /// end: first those outside the impression, then those of the impression. Of the first that does not
    /// fit the leading clauses that do are kept; nothing is cut within a clause, and what is left out is
    /// counted.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn encode(
        &self,
        sentences: &[Sentence],
        max_tokens: usize,
    ) -> Result<EncodedReport, TokenizeError> {
        let joined = Joined::new(sentences);
        let encoding = self
            .tokenizer
            .encode(joined.text.as_str(), false)
            .map_err(|error| TokenizeError::Encode { message: error.to_string() })?;

        let offsets = encoding.get_offsets();
        let owner: Vec<usize> = offsets.iter().map(|&(start, _)| joined.clause(start)).collect();
        let mut lengths = vec![0usize; joined.clauses.len()];
        for &clause in &owner {
            if let Some(length) = lengths.get_mut(clause) {
                *length += 1;
            }
        }
        let kept = joined.keep(sentences, &lengths, max_tokens.saturating_sub(2));

        let mut report = EncodedReport {
            dropped: kept.dropped,
            dropped_clauses: kept.dropped_clauses,
            ..EncodedReport::default()
        };
        let mut push = |id, sentence, word, entity| {
            report.ids.push(id);
            report.sentence.push(sentence);
            report.word.push(word);
            report.entity.push(entity);
        };
        push(self.cls, -1, -1, -1);
        let words = encoding.get_word_ids();
        for (index, &id) in encoding.get_ids().iter().enumerate() {
            let Some(clause) = joined.clauses.get(owner[index]) else { continue };
            if kept.clauses[owner[index]] {
                // A tokenizer without pre-tokenisation has no words; then every token is one.
                let word = words[index].map_or(index as i32, |word| word as i32);
                push(id, clause.sentence as i32, word, joined.entity(offsets[index]));
            }
        }
        push(self.sep, -1, -1, -1);
        Ok(report)
    }
}

/// The sentences of a report as one text.
struct Joined {
    text: String,
    /// Clauses of all sentences in order; every sentence has at least one.
    clauses: Vec<Clause>,
    /// Entities of all sentences in order, in bytes of `text`.
    entities: Vec<Range<usize>>,
}

struct Clause {
    sentence: usize,
    /// Byte after its last; a blank that follows belongs to the next clause, whose first token may
    /// start with it.
    end: usize,
}

/// What fits the budget.
struct Kept {
    /// Whether each clause does.
    clauses: Vec<bool>,
    dropped: usize,
    dropped_clauses: usize,
}

impl Joined {
    fn new(sentences: &[Sentence]) -> Self {
        let mut joined = Self { text: String::new(), clauses: Vec::new(), entities: Vec::new() };
        for (number, sentence) in sentences.iter().enumerate() {
            if !joined.text.is_empty() && !sentence.text.is_empty() {
                joined.text.push(' ');
            }
            let start = joined.text.len();
            let mut begin = 0;
            for at in sentence.breaks.iter().map(|&at| at as usize) {
                let Some(before) = sentence.text.get(begin..at) else { continue };
                if !before.trim().is_empty() && at < sentence.text.len() {
                    let end = start + begin + before.trim_end().len();
                    joined.clauses.push(Clause { sentence: number, end });
                    begin = at;
                }
            }
            let end = start + sentence.text.len();
            joined.clauses.push(Clause { sentence: number, end });
            let entities = sentence.entities.iter();
            joined.entities.extend(entities.map(|span| {
                let (from, to) = (span.start as usize, span.end as usize);
                start + from..start + to
            }));
            joined.text.push_str(&sentence.text);
        }
        joined
    }

    /// The clause that a token belongs to whose first byte is `start`.
    fn clause(&self, start: usize) -> usize {
        self.clauses.partition_point(|clause| clause.end <= start)
    }

    /// The entity that shares a byte with a token; the first of two.
    fn entity(&self, (start, end): (usize, usize)) -> i32 {
        let at = self.entities.partition_point(|span| span.end <= start);
        let shares = self.entities.get(at).is_some_and(|span| span.start < end && start < end);
        if shares { at as i32 } else { -1 }
    }

    /// Which clauses fit into `budget` tokens, of which each needs one of `lengths`.
    fn keep(&self, sentences: &[Sentence], lengths: &[usize], budget: usize) -> Kept {
        let mut clauses = vec![false; self.clauses.len()];
        let mut left = budget;
        for impression in [true, false] {
            let own = |clause: &Clause| sentences[clause.sentence].impression == impression;
            for (index, _) in self.clauses.iter().enumerate().filter(|(_, clause)| own(clause)) {
                if lengths[index] > left {
                    // What follows is left out too, so that the text that stays has no holes.
                    break;
                }
                left -= lengths[index];
                clauses[index] = true;
            }
        }
        // Clauses go from the end of a sentence, so it is gone when its first one is.
        let (mut dropped, mut dropped_clauses) = (0, 0);
        let mut last = None;
        let mut begun = false;
        for (clause, &kept) in self.clauses.iter().zip(&clauses) {
            if last != Some(clause.sentence) {
                last = Some(clause.sentence);
                begun = kept;
                dropped += usize::from(!kept);
            } else if begun && !kept {
                dropped_clauses += 1;
            }
        }
        Kept { clauses, dropped, dropped_clauses }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::build_vocabulary;
    use schemas::study::EntitySpan;

    fn sentence(text: &str, impression: bool) -> Sentence {
        Sentence { text: text.to_owned(), impression, ..Sentence::default() }
    }

    fn report() -> Vec<Sentence> {
        vec![
            sentence("No pleural effusion.", false),
            sentence("Small nodule, right.", false),
            sentence("Normal.", true),
        ]
    }

    fn tokenizer() -> ReportTokenizer {
        let texts: Vec<String> = report().into_iter().map(|sentence| sentence.text).collect();
        let json = build_vocabulary(texts.iter().map(String::as_str), 100).expect("vocabulary");
        ReportTokenizer::from_json(&json).expect("tokenizer")
    }

    #[test]
    fn tokens_map_to_sentences_by_offset() {
        let encoded = tokenizer().encode(&report(), 64).expect("encode");
        // [CLS] no pleural effusion . small nodule , right . normal . [SEP]
        assert_eq!(encoded.sentence, [-1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, -1]);
        assert_eq!(encoded.ids.first(), Some(&tokenizer().cls));
        assert_eq!(encoded.ids.last(), Some(&tokenizer().sep));
        assert_eq!(encoded.dropped, 0);
        // One tokenisation of the whole equals the sentences one by one.
        let mut apart = vec![tokenizer().cls];
        for sentence in report() {
            let one = tokenizer().encode(&[sentence], 64).expect("encode");
            apart.extend(&one.ids[1..one.ids.len() - 1]);
        }
        apart.push(tokenizer().sep);
        assert_eq!(encoded.ids, apart);
    }

    #[test]
    fn a_long_report_drops_whole_trailing_sentences_and_keeps_its_impression() {
        let full = tokenizer().encode(&report(), 13).expect("encode");
        assert_eq!((full.ids.len(), full.dropped), (13, 0));
        let cut = tokenizer().encode(&report(), 12).expect("encode");
        assert_eq!(cut.sentence, [-1, 0, 0, 0, 0, 2, 2, -1]);
        assert_eq!(cut.dropped, 1);
        assert_eq!(cut.ids.last(), Some(&tokenizer().sep));
        let tight = tokenizer().encode(&report(), 5).expect("encode");
        assert_eq!((tight.sentence, tight.dropped), (vec![-1, 2, 2, -1], 2));
    }

    #[test]
    fn empty_sentences_and_non_ascii_text_keep_the_map_right() {
        let sentences = [
            sentence("", false),
            sentence("Größe 5 µm.", false),
            sentence("", false),
            sentence("normal", true),
        ];
        let encoded = tokenizer().encode(&sentences, 64).expect("encode");
        assert_eq!(encoded.sentence, [-1, 1, 1, 1, 1, 3, -1]);
        let none = tokenizer().encode(&[], 64).expect("encode");
        assert_eq!(none.ids.len(), 2);
    }

    /// A sentence with a break at the first byte of each of `breaks` and an entity at each of `entities`.
    fn marked(text: &str, breaks: &[&str], entities: &[&str]) -> Sentence {
        let at = |part: &&str| text.find(part).expect("a part of the text") as u32;
        let entity = |part: &&str| {
            let start = at(part);
            EntitySpan { node: 0, start, end: start + part.len() as u32 }
        };
        Sentence {
            text: text.to_owned(),
            breaks: breaks.iter().map(at).collect(),
            entities: entities.iter().map(entity).collect(),
            ..Sentence::default()
        }
    }

    #[test]
    fn every_token_of_an_entity_maps_to_it_and_no_other_token_does() {
        let sentences = [
            marked("No pleural effusion.", &[], &["pleural", "effusion"]),
            sentence("Normal.", false),
            marked("Small nodule, right.", &[], &["Small nodule"]),
        ];
        let encoded = tokenizer().encode(&sentences, 64).expect("encode");
        // [CLS] no pleural effusion . normal . small nodule , right . [SEP]
        assert_eq!(encoded.entity, [-1, -1, 0, 1, -1, -1, -1, 2, 2, -1, -1, -1, -1]);
    }

    #[test]
    fn a_long_sentence_loses_whole_clauses_from_its_end_and_they_are_counted() {
        let text = "No pleural effusion; small nodule, but normal right.";
        let sentences = [
            marked(text, &["small", "but"], &["nodule", "normal"]),
            marked("Normal; right.", &["right"], &[]),
        ];
        let encode = |budget| tokenizer().encode(&sentences, budget).expect("encode");
        // no pleural effusion ; | small nodule , | but normal right . || normal ; | right .
        let whole = encode(17);
        assert_eq!((whole.ids.len(), whole.dropped, whole.dropped_clauses), (17, 0, 0));
        let cases = [(16, 15, 0, 1), (14, 13, 1, 0), (12, 9, 1, 1), (8, 6, 1, 2), (5, 2, 2, 0)];
        for (budget, tokens, dropped, clauses) in cases {
            let cut = encode(budget);
            let found = (cut.ids.len(), cut.dropped, cut.dropped_clauses);
            assert_eq!(found, (tokens, dropped, clauses), "budget {budget}");
            assert_eq!(cut.ids[..tokens - 1], whole.ids[..tokens - 1]);
            assert_eq!(cut.entity[..tokens - 1], whole.entity[..tokens - 1]);
        }
    }

    #[test]
    fn breaks_that_cut_nothing_off_change_nothing() {
        let plain = sentence("Größe 5 µm; right.", false);
        // Before the text, inside a letter of two bytes, at its end and beyond it.
        let odd = Sentence { breaks: vec![0, 3, 22, 900], ..plain.clone() };
        let tokenizer = tokenizer();
        for budget in 2..9 {
            assert_eq!(
                tokenizer.encode(std::slice::from_ref(&plain), budget).expect("encode"),
                tokenizer.encode(std::slice::from_ref(&odd), budget).expect("encode")
            );
        }
    }
}
