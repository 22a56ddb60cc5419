//! Words and punctuation of a sentence, with the few closed word classes that the rules need.

/// What a token is to the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Word,
    Number,
    Determiner,
    Preposition,
    Conjunction,
    FiniteVerb,
    /// Continues a verb group: `be`, `not`, adverbs of seeing.
    VerbPart,
    Relative,
    Comma,
    Semicolon,
    Colon,
    Open,
    Close,
    Question,
    Mark,
}

/// A token; offsets are into the sentence's shadow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) class: Class,
}

/// Splits folded text into words (letters, digits and inner decimal points) and single marks.
pub(super) fn tokenise(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 5 + 1);
    let mut word: Option<usize> = None;
    let bytes = text.as_bytes();
    for (position, character) in text.char_indices() {
        let decimal = character == '.'
            && position > 0
            && bytes.get(position - 1).is_some_and(u8::is_ascii_digit)
            && bytes.get(position + 1).is_some_and(u8::is_ascii_digit);
        let apostrophe = character == '\''
            && word.is_some()
            && bytes.get(position + 1).is_some_and(u8::is_ascii_alphanumeric);
        if character.is_alphanumeric() || decimal || apostrophe {
            word.get_or_insert(position);
            continue;
        }
        finish(text, &mut word, position, &mut tokens);
        if !character.is_whitespace() {
            let end = position + character.len_utf8();
            tokens.push(Token { start: position, end, class: mark_class(character) });
        }
    }
    finish(text, &mut word, text.len(), &mut tokens);
    tokens
}

fn finish(text: &str, word: &mut Option<usize>, end: usize, tokens: &mut Vec<Token>) {
    if let Some(start) = word.take() {
        let class = word_class(text.get(start..end).unwrap_or_default());
        tokens.push(Token { start, end, class });
    }
}

fn mark_class(mark: char) -> Class {
    match mark {
        ',' => Class::Comma,
        ';' => Class::Semicolon,
        ':' => Class::Colon,
        '(' | '[' => Class::Open,
        ')' | ']' => Class::Close,
        '?' => Class::Question,
        '/' | '&' | '+' | '|' => Class::Conjunction,
        _ => Class::Mark,
    }
}

fn word_class(word: &str) -> Class {
    match word {
        "a" | "an" | "the" | "this" | "these" | "those" | "some" | "any" | "few" | "several"
        | "each" | "other" | "its" | "their" | "all" | "multiple" | "many" | "one" | "two"
        | "three" | "another" => Class::Determiner,
        "in" | "of" | "at" | "on" | "within" | "along" | "into" | "to" | "from" | "with"
        | "around" | "adjacent" | "near" | "for" | "by" | "inside" | "throughout" | "between"
        | "under" | "over" | "above" | "below" | "towards" | "toward" | "through" | "involving"
        | "including" | "beneath" | "behind" | "surrounding" => Class::Preposition,
        "and" | "or" | "nor" | "as" => Class::Conjunction,
        "is" | "are" | "was" | "were" | "has" | "have" | "had" | "do" | "does" | "did" | "can"
        | "could" | "may" | "might" | "will" | "would" | "should" | "must" | "cannot" | "shows"
        | "show" | "showed" | "demonstrates" | "demonstrate" | "demonstrated" | "appears"
        | "appear" | "appeared" | "remains" | "remain" | "remained" | "reveals" | "reveal"
        | "revealed" | "extends" | "contains" | "contain" | "seems" | "seem" | "suggests"
        | "suggest" | "measures" | "measure" | "attracts" | "attract" | "draws" | "stands"
        | "isn't" | "aren't" | "wasn't" | "weren't" => Class::FiniteVerb,
        "be" | "been" | "being" | "not" | "also" | "clearly" | "again" | "now" | "still"
        | "seen" | "observed" | "detected" | "identified" | "noted" | "found" | "visualized"
        | "visualised" | "present" | "evident" | "watched" | "selected" | "monitored"
        | "recognized" | "encountered" | "appreciated" | "longer" => Class::VerbPart,
        "which" | "that" | "where" | "whose" | "who" => Class::Relative,
        _ if word.starts_with(|c: char| c.is_ascii_digit()) => Class::Number,
        _ => Class::Word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_marks() {
        let text = "no 3.5 mm nodule (cyst?), x is seen.";
        let words: Vec<&str> = tokenise(text).iter().map(|t| &text[t.start..t.end]).collect();
        let expected =
            ["no", "3.5", "mm", "nodule", "(", "cyst", "?", ")", ",", "x", "is", "seen", "."];
        assert_eq!(words, expected);
    }
}
