//! A word-level vocabulary from the training reports, as a Hugging Face `tokenizer.json`.

use std::collections::BTreeMap;

use serde_json::json;
use tokenizers::Tokenizer;

use super::tokenize::TokenizeError;

/// Special tokens, with their ids.
pub(super) const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// Builds a tokenizer from texts: lower-cased words and single punctuation marks, the most frequent first and
/// words of equal count in alphabetical order, at most `limit` entries with the special tokens.
///
/// The same texts give the same file, in any order.
///
/// # Errors
/// When the tokenizer library refuses its own rules, which would be a defect of this function.
pub fn build_vocabulary<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    limit: usize,
) -> Result<String, TokenizeError> {
    let splitter = Tokenizer::from_bytes(definition(&[]))
        .map_err(|error| TokenizeError::Definition { message: error.to_string() })?;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for text in texts {
        let encoding = splitter
            .encode(text, false)
            .map_err(|error| TokenizeError::Encode { message: error.to_string() })?;
        for &(start, end) in encoding.get_offsets() {
            if let Some(word) = text.get(start..end) {
                *counts.entry(word.to_lowercase()).or_default() += 1;
            }
        }
    }
    let mut words: Vec<(String, u64)> = counts.into_iter().collect();
    // The map is sorted by word and the sort is stable, so ties stay alphabetical.
    words.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    words.truncate(limit.saturating_sub(SPECIAL.len()));
    let words: Vec<&str> = words.iter().map(|(word, _)| word.as_str()).collect();
    Ok(definition(&words))
}

/// The `tokenizer.json` of a word list.
fn definition(words: &[&str]) -> String {
    let vocabulary: serde_json::Map<String, serde_json::Value> = SPECIAL
        .iter()
        .chain(words.iter().filter(|word| !SPECIAL.contains(word)))
        .enumerate()
        .map(|(id, word)| ((*word).to_owned(), json!(id)))
        .collect();
    let added: Vec<_> = SPECIAL
        .iter()
        .enumerate()
        .map(|(id, content)| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": true})
        })
        .collect();
    let single = json!([{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]);
    let tokenizer = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "Isolated"}]},
        "post_processor": {"type": "TemplateProcessing", "single": single, "pair": [],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
    });
    format!("{tokenizer:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_ordered_by_count_then_alphabet_whatever_the_order_of_texts() {
        let texts = ["No effusion. No nodule.", "effusion, mild"];
        let first = build_vocabulary(texts, 100).expect("vocabulary");
        let second = build_vocabulary([texts[1], texts[0]], 100).expect("vocabulary");
        assert_eq!(first, second);
        let tokenizer = Tokenizer::from_bytes(&first).expect("valid tokenizer.json");
        let words = [
            "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "effusion", "no", ",", "mild",
            "nodule",
        ];
        for (id, word) in words.iter().enumerate() {
            assert_eq!(tokenizer.token_to_id(word), Some(id as u32), "{word}");
        }
        assert_eq!(tokenizer.get_vocab_size(true), words.len());
    }

    #[test]
    fn the_limit_counts_special_tokens() {
        let text = build_vocabulary(["a b c d e f"], 8).expect("vocabulary");
        let tokenizer = Tokenizer::from_bytes(&text).expect("valid");
        assert_eq!(tokenizer.get_vocab_size(true), 8);
    }
}
