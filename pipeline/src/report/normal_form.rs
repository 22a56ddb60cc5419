//! Sentence types: sentences that are equal but for case, blanks and marks.

use crate::files::xxh3_64;

/// The text of a sentence type: lower case, single blanks, no list mark, no final punctuation.
/// Numbers stay, so that sentences with different sizes are different types.
pub fn normalise_sentence(text: &str) -> String {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let joined = words.join(" ");
    let mark = |c: char| {
        matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{2022}' | '*' | '-') || c.is_whitespace()
    };
    let mut bare = joined.trim_start_matches(mark);
    let digits = bare.len() - bare.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if (1..=2).contains(&digits)
        && let Some(rest) = bare.get(digits..)
        && let Some(rest) = rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") "))
    {
        bare = rest;
    }
    bare.trim_end_matches(|c: char| mark(c) || matches!(c, '.' | ',' | ';' | ':' | '!')).to_owned()
}

/// Identifier of the sentence type with this normalised text.
pub fn sentence_type(normalised: &str) -> u64 {
    xxh3_64(normalised.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_forms() {
        assert_eq!(normalise_sentence("  \" The  Heart is\r\nnormal. \""), "the heart is normal");
        assert_eq!(normalise_sentence("2. A 5 mm node."), "a 5 mm node");
        assert_eq!(normalise_sentence("3.5 mm node"), "3.5 mm node");
    }
}
