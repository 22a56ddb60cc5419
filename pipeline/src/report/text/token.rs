//! Words and punctuation of a sentence, with the few closed word classes that the rules need.

use super::word_list::{WordList, WordLists, WordSet};

/// What a token is to the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
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

/// A token; offsets are into the folded sentence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) class: Class,
    /// The lists that the word is in.
    pub(crate) lists: WordSet,
}

impl Token {
    /// Whether the word is in the list.
    pub(crate) fn is(&self, list: WordList) -> bool {
        self.lists.has(list)
    }
}

/// Splits folded text into words (letters, digits and inner decimal points) and single marks.
pub(crate) fn tokenise(words: &WordLists, text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 5 + 1);
    let mut word: Option<usize> = None;
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut position = 0;
    while let Some(&byte) = bytes.get(position) {
        if byte.is_ascii_alphanumeric() {
            word.get_or_insert(position);
            position += 1;
            continue;
        }
        if byte == b' ' {
            finish(words, text, &mut word, position, &mut tokens);
            position += 1;
            continue;
        }
        let Some(character) = text.get(position..).and_then(|rest| rest.chars().next()) else {
            break;
        };
        let end = position + character.len_utf8();
        // `3.5`, `6·5`, and `.5` after a blank or a bracket.
        let bare = character == '.'
            && word.is_none()
            && position
                .checked_sub(1)
                .and_then(|before| bytes.get(before))
                .is_none_or(|b| matches!(b, b' ' | b'(' | b'<' | b'>' | b'~'));
        let decimal = matches!(character, '.' | '\u{b7}')
            && digit(end)
            && (bare || position > 0 && digit(position - 1));
        let apostrophe = character == '\''
            && word.is_some()
            && bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        if character.is_alphanumeric() || decimal || apostrophe {
            word.get_or_insert(position);
        } else {
            finish(words, text, &mut word, position, &mut tokens);
            if !character.is_whitespace() {
                tokens.push(Token {
                    start: position,
                    end,
                    class: mark_class(character),
                    lists: WordSet::default(),
                });
            }
        }
        position = end;
    }
    finish(words, text, &mut word, text.len(), &mut tokens);
    tokens
}

fn finish(
    words: &WordLists,
    text: &str,
    word: &mut Option<usize>,
    end: usize,
    tokens: &mut Vec<Token>,
) {
    if let Some(start) = word.take() {
        let word = text.get(start..end).unwrap_or_default();
        let lists = words.of(word);
        tokens.push(Token { start, end, class: word_class(word, lists), lists });
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

/// The class of a word: a digit starts a number, a few words are in closed classes.
fn word_class(word: &str, lists: WordSet) -> Class {
    const CLOSED: [(WordList, Class); 6] = [
        (WordList::Determiner, Class::Determiner),
        (WordList::Preposition, Class::Preposition),
        (WordList::Conjunction, Class::Conjunction),
        (WordList::FiniteVerb, Class::FiniteVerb),
        (WordList::VerbPart, Class::VerbPart),
        (WordList::Relative, Class::Relative),
    ];
    if word.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return Class::Number;
    }
    if lists == WordSet::default() {
        return Class::Word;
    }
    CLOSED.iter().find(|(list, _)| lists.has(*list)).map_or(Class::Word, |(_, class)| *class)
}

/// The tokens of a sentence with its folded text: what rules look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens<'a> {
    /// The folded text.
    pub(crate) text: &'a str,
    pub(crate) all: &'a [Token],
    pub(crate) lists: &'a WordLists,
}

impl<'a> Tokens<'a> {
    pub(crate) fn get(&self, at: usize) -> Option<&'a Token> {
        self.all.get(at)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The word or mark at a position; empty outside of the sentence.
    pub(crate) fn word(&self, at: usize) -> &'a str {
        self.all.get(at).and_then(|t| self.text.get(t.start..t.end)).unwrap_or("")
    }

    pub(crate) fn class(&self, at: usize) -> Option<Class> {
        self.all.get(at).map(|token| token.class)
    }

    /// Whether the word at a position is in the list.
    pub(crate) fn is(&self, at: usize, list: WordList) -> bool {
        self.all.get(at).is_some_and(|token| token.is(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_marks() {
        let text = "no 3.5 mm nodule (cyst?), x is seen.";
        let words: Vec<&str> =
            tokenise(&WordLists::default(), text).iter().map(|t| &text[t.start..t.end]).collect();
        let expected =
            ["no", "3.5", "mm", "nodule", "(", "cyst", "?", ")", ",", "x", "is", "seen", "."];
        assert_eq!(words, expected);
    }
}
