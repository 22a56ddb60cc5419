//! The text as the lexicon sees it: lower case, plain punctuation, single blanks; every byte of it
//! knows the byte of the document it came from.

use crate::report::document::offset;

/// What a dash between blanks or alone in brackets becomes; other dashes and hyphens become blanks.
pub(crate) const SPACED_DASH: &str = "|";

/// What a dash becomes that answers an item of a list (`effusion -,`).
const MINUS: char = '\u{207b}';

/// A folded copy of a span of the document.
pub(crate) struct FoldedText {
    /// The folded text.
    pub(crate) text: String,
    /// For each byte of `text`: limits, in the document, of the character it came from.
    origin: Vec<(u32, u32)>,
}

impl FoldedText {
    /// Folds `document[start..end]`; both ends must be character boundaries.
    pub(crate) fn new(document: &str, start: usize, end: usize) -> Self {
        let slice = document.get(start..end).unwrap_or_default();
        let mut folded = Self {
            text: String::with_capacity(slice.len()),
            origin: Vec::with_capacity(slice.len()),
        };
        let mut after_blank = false;
        let mut position = 0;
        while let Some(rest) = slice.get(position..).filter(|rest| !rest.is_empty()) {
            // Plain words with single blanks are most of a text; they are made small at the end.
            let mut last = folded.text.as_bytes().last().copied().unwrap_or(b' ');
            let run = rest
                .bytes()
                .take_while(|&byte| {
                    let plain = byte.is_ascii_alphanumeric() || byte == b' ' && last != b' ';
                    last = byte;
                    plain
                })
                .count();
            if let Some(plain) = rest.get(..run).filter(|_| run > 0) {
                let from = offset(start + position);
                folded.text.push_str(plain);
                let places = from..from.saturating_add(offset(run));
                folded.origin.extend(places.map(|at| (at, at.saturating_add(1))));
                after_blank = plain.ends_with(' ');
                position += run;
                continue;
            }
            let Some(character) = rest.chars().next() else { break };
            let from = start + position;
            position += character.len_utf8();
            let span = (offset(from), offset(start + position));
            let rest = slice.get(position..).unwrap_or_default();
            // `effusion - no thickening` and the answer `(-)`.
            let spaced = is_dash(character)
                && (after_blank && rest.starts_with(char::is_whitespace)
                    || folded.text.ends_with('(') && rest.starts_with(')'));
            // `effusion -, mass +`: the answer of an item.
            let answers = is_dash(character)
                && after_blank
                && rest
                    .trim_start_matches(' ')
                    .chars()
                    .next()
                    .is_none_or(|c| matches!(c, ',' | ';' | ')' | '.'));
            if answers && !folded.text.is_empty() {
                folded.push_plain(MINUS, span);
            } else if spaced && !folded.text.is_empty() {
                folded.push_plain('|', span);
            } else {
                folded.push(character, span);
            }
            after_blank = character.is_whitespace();
        }
        folded.text.make_ascii_lowercase();
        folded
    }

    /// Limits in the document of `text[start..end]`, a non-empty range that starts and ends at a
    /// character which is no blank.
    pub(crate) fn span(&self, start: usize, end: usize) -> (u32, u32) {
        let first = self.origin.get(start).map_or(0, |limits| limits.0);
        let last = self.origin.get(end.saturating_sub(1)).map_or(first, |limits| limits.1);
        (first, last)
    }

    fn push(&mut self, character: char, span: (u32, u32)) {
        match fold(character) {
            Folded::Nothing => {}
            Folded::Blank => {
                if !self.text.is_empty() && !self.text.ends_with(' ') {
                    self.push_plain(' ', span);
                }
            }
            Folded::One(plain) => self.push_plain(plain, span),
            Folded::Lower => {
                for lower in character.to_lowercase() {
                    self.push_plain(lower, span);
                }
            }
        }
    }

    fn push_plain(&mut self, plain: char, span: (u32, u32)) {
        self.text.push(plain);
        self.origin.resize(self.text.len(), span);
    }
}

/// Folds a phrase of the lexicon the same way, without blanks at its ends.
pub(crate) fn fold_phrase(phrase: &str) -> String {
    FoldedText::new(phrase, 0, phrase.len()).text.trim_end().to_owned()
}

fn is_dash(character: char) -> bool {
    matches!(character, '-' | '\u{2212}' | '\u{2010}'..='\u{2015}')
}

enum Folded {
    Nothing,
    Blank,
    One(char),
    Lower,
}

/// Hyphens count as blanks, so that `ground-glass` and `ground glass` are one term.
fn fold(character: char) -> Folded {
    if character.is_ascii() {
        return match character {
            '-' | ' ' | '\t' | '\r' | '\n' | '\x0b' | '\x0c' => Folded::Blank,
            '`' => Folded::One('\''),
            _ => Folded::One(character.to_ascii_lowercase()),
        };
    }
    match character {
        '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => Folded::Nothing,
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Folded::Blank,
        '\u{2018}' | '\u{2019}' | '\u{b4}' => Folded::One('\''),
        '\u{201c}' | '\u{201d}' => Folded::One('"'),
        '\u{d7}' => Folded::One('x'),
        // Turkish dotted and dotless i.
        '\u{130}' | '\u{131}' => Folded::One('i'),
        _ if character.is_whitespace() => Folded::Blank,
        _ => Folded::Lower,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_lead_back_to_the_document() {
        let text = "A  Ground\u{2013}Glass\r\nOPACITY \u{d7}";
        let folded = FoldedText::new(text, 0, text.len());
        assert_eq!(folded.text, "a ground glass opacity x");
        let at = folded.text.find("ground glass").expect("the folded phrase is there");
        let (start, end) = folded.span(at, at + "ground glass".len());
        assert_eq!(&text[start as usize..end as usize], "Ground\u{2013}Glass");
    }

    #[test]
    fn a_dash_between_blanks_stays_a_mark() {
        let text = "- effusion - no part-solid node \u{2013} x";
        assert_eq!(FoldedText::new(text, 0, text.len()).text, "effusion | no part solid node | x");
        assert_eq!(FoldedText::new("mass (-)", 0, 8).text, "mass (|)");
        assert_eq!(FoldedText::new("mass -, cyst -", 0, 14).text, "mass \u{207b}, cyst \u{207b}");
    }

    #[test]
    fn letters_that_grow_in_lower_case_keep_their_span() {
        let text = "\u{130}LEUS \u{1e9e}x";
        let folded = FoldedText::new(text, 0, text.len());
        assert!(folded.text.starts_with("ileus "));
        assert_eq!(folded.span(0, 5), (0, 6));
    }
}
