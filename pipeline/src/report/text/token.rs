//! Words and punctuation of a sentence, with the few closed word classes that the rules need.

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
}

/// Splits folded text into words (letters, digits and inner decimal points) and single marks.
pub(crate) fn tokenise(text: &str) -> Vec<Token> {
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
            finish(text, &mut word, position, &mut tokens);
            position += 1;
            continue;
        }
        let Some(character) = text.get(position..).and_then(|rest| rest.chars().next()) else {
            break;
        };
        let end = position + character.len_utf8();
        let decimal = character == '.' && position > 0 && digit(position - 1) && digit(end);
        let apostrophe = character == '\''
            && word.is_some()
            && bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        if character.is_alphanumeric() || decimal || apostrophe {
            word.get_or_insert(position);
        } else {
            finish(text, &mut word, position, &mut tokens);
            if !character.is_whitespace() {
                tokens.push(Token { start: position, end, class: mark_class(character) });
            }
        }
        position = end;
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

/// The class of a word: a digit starts a number, a few words are in closed classes.
fn word_class(word: &str) -> Class {
    let Some(first) = word.bytes().next() else { return Class::Word };
    if first.is_ascii_digit() {
        return Class::Number;
    }
    closed_class(first, word).unwrap_or(Class::Word)
}

/// The closed word classes, by first letter: most words are none of them and leave early.
fn closed_class(first: u8, word: &str) -> Option<Class> {
    use Class::{Conjunction, Determiner, FiniteVerb, Preposition, Relative, VerbPart};
    let class = match first {
        b'a' => match word {
            "a" | "an" | "any" | "all" | "another" => Determiner,
            "at" | "along" | "around" | "adjacent" | "above" => Preposition,
            "and" | "as" => Conjunction,
            "are" | "appears" | "appear" | "appeared" | "attracts" | "attract" | "aren't" => {
                FiniteVerb
            }
            "also" | "again" | "appreciated" => VerbPart,
            _ => return None,
        },
        b'b' => match word {
            "by" | "between" | "below" | "beneath" | "behind" => Preposition,
            "be" | "been" | "being" => VerbPart,
            _ => return None,
        },
        b'c' => match word {
            "can" | "could" | "cannot" | "contains" | "contain" => FiniteVerb,
            "clearly" => VerbPart,
            _ => return None,
        },
        b'd' => match word {
            "do" | "does" | "did" | "demonstrates" | "demonstrate" | "demonstrated" | "draws" => {
                FiniteVerb
            }
            "detected" => VerbPart,
            _ => return None,
        },
        b'e' => match word {
            "each" => Determiner,
            "extends" => FiniteVerb,
            "evident" | "encountered" => VerbPart,
            _ => return None,
        },
        b'f' => match word {
            "few" => Determiner,
            "from" | "for" => Preposition,
            "found" => VerbPart,
            _ => return None,
        },
        b'h' => match word {
            "has" | "have" | "had" => FiniteVerb,
            _ => return None,
        },
        b'i' => match word {
            "its" => Determiner,
            "in" | "into" | "inside" | "involving" | "including" => Preposition,
            "is" | "isn't" => FiniteVerb,
            "identified" => VerbPart,
            _ => return None,
        },
        b'l' => match word {
            "longer" => VerbPart,
            _ => return None,
        },
        b'm' => match word {
            "multiple" | "many" => Determiner,
            "may" | "might" | "must" | "measures" | "measure" => FiniteVerb,
            "monitored" => VerbPart,
            _ => return None,
        },
        b'n' => match word {
            "near" => Preposition,
            "nor" => Conjunction,
            "not" | "now" | "noted" => VerbPart,
            _ => return None,
        },
        b'o' => match word {
            "other" | "one" => Determiner,
            "of" | "on" | "over" => Preposition,
            "or" => Conjunction,
            "observed" => VerbPart,
            _ => return None,
        },
        b'p' => match word {
            "present" => VerbPart,
            _ => return None,
        },
        b'r' => match word {
            "remains" | "remain" | "remained" | "reveals" | "reveal" | "revealed" => FiniteVerb,
            "recognized" => VerbPart,
            _ => return None,
        },
        b's' => match word {
            "some" | "several" => Determiner,
            "surrounding" => Preposition,
            "should" | "shows" | "show" | "showed" | "seems" | "seem" | "suggests" | "suggest"
            | "stands" => FiniteVerb,
            "still" | "seen" | "selected" => VerbPart,
            _ => return None,
        },
        b't' => match word {
            "the" | "this" | "these" | "those" | "their" | "two" | "three" => Determiner,
            "to" | "throughout" | "towards" | "toward" | "through" => Preposition,
            "that" => Relative,
            _ => return None,
        },
        b'u' => match word {
            "under" => Preposition,
            _ => return None,
        },
        b'v' => match word {
            "visualized" | "visualised" => VerbPart,
            _ => return None,
        },
        b'w' => match word {
            "within" | "with" => Preposition,
            "was" | "were" | "will" | "would" | "wasn't" | "weren't" => FiniteVerb,
            "watched" => VerbPart,
            "which" | "where" | "whose" | "who" => Relative,
            _ => return None,
        },
        _ => return None,
    };
    Some(class)
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
