//! One report to token ids, with the sentence each token belongs to.

use std::path::Path;

use thiserror::Error;
use tokenizers::Tokenizer;

use crate::batch::SentenceText;

/// Why a report cannot be tokenised.
#[derive(Debug, Error)]
pub enum TokenizeError {
    /// The tokenizer definition is not usable.
    #[error("load tokenizer: {message}")]
    Definition {
        /// What the library said.
        message: String,
    },
    /// The tokenizer file cannot be read.
    #[error("load tokenizer `{path}`: {source}")]
    File {
        /// File.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A special token is missing.
    #[error("load tokenizer: it has no `{token}` token, which training needs")]
    SpecialToken {
        /// Token.
        token: &'static str,
    },
    /// A text could not be encoded.
    #[error("tokenise report: {message}")]
    Encode {
        /// What the library said.
        message: String,
    },
}

/// A tokenizer and the ids of its special tokens.
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
    /// Sentences left out because the report is longer than the budget.
    pub dropped: usize,
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
        let id = |token| tokenizer.token_to_id(token).ok_or(TokenizeError::SpecialToken { token });
        let (pad, cls, sep, mask) = (id("[PAD]")?, id("[CLS]")?, id("[SEP]")?, id("[MASK]")?);
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

    /// Encodes the sentences of a report, joined by a space and tokenised once.
    ///
    /// When they exceed `max_tokens` (which counts `[CLS]` and `[SEP]`), whole sentences are left out from the
    /// end: first those outside the impression, then those of the impression.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn encode(
        &self,
        sentences: &[SentenceText],
        max_tokens: usize,
    ) -> Result<EncodedReport, TokenizeError> {
        let mut text = String::new();
        let mut ends = Vec::with_capacity(sentences.len());
        for sentence in sentences {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&sentence.text);
            ends.push(text.len());
        }
        let encoding = self
            .tokenizer
            .encode(text.as_str(), false)
            .map_err(|error| TokenizeError::Encode { message: error.to_string() })?;

        // A token belongs to the sentence that its first byte lies in.
        let owner: Vec<usize> = encoding
            .get_offsets()
            .iter()
            .map(|&(start, _)| ends.partition_point(|&end| end <= start))
            .collect();
        let mut lengths = vec![0usize; sentences.len()];
        for &sentence in &owner {
            if let Some(length) = lengths.get_mut(sentence) {
                *length += 1;
            }
        }
        let kept = keep(sentences, &lengths, max_tokens.saturating_sub(2));

        let mut report = EncodedReport {
            dropped: kept.iter().filter(|kept| !**kept).count(),
            ..EncodedReport::default()
        };
        let mut push = |id, sentence, word| {
            report.ids.push(id);
            report.sentence.push(sentence);
            report.word.push(word);
        };
        push(self.cls, -1, -1);
        let words = encoding.get_word_ids();
        for (index, &id) in encoding.get_ids().iter().enumerate() {
            let sentence = owner[index];
            if kept.get(sentence) == Some(&true) {
                // A tokenizer without pre-tokenisation has no words; then every token is one.
                let word = words[index].map_or(index as i32, |word| word as i32);
                push(id, sentence as i32, word);
            }
        }
        push(self.sep, -1, -1);
        Ok(report)
    }
}

/// Which sentences fit into `budget` tokens.
fn keep(sentences: &[SentenceText], lengths: &[usize], budget: usize) -> Vec<bool> {
    let mut kept = vec![false; sentences.len()];
    let mut left = budget;
    for impression in [true, false] {
        for (index, sentence) in sentences.iter().enumerate() {
            if sentence.impression != impression {
                continue;
            }
            if lengths[index] > left {
                // What follows is left out too, so that the text that stays has no holes.
                break;
            }
            left -= lengths[index];
            kept[index] = true;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::build_vocabulary;

    fn sentence(text: &str, impression: bool) -> SentenceText {
        SentenceText { text: text.to_owned(), impression }
    }

    fn report() -> Vec<SentenceText> {
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
}
