//! Splits a section into sentences without changing a byte of it.

/// Abbreviations after which a full stop never ends a sentence.
const NEVER_FINAL: &[&str] = &[
    "dr", "prof", "mr", "mrs", "ms", "st", "vs", "approx", "fig", "figs", "cf", "resp", "incl",
    "esp", "asst", "assoc", "ser", "img", "im", "vol", "ref", "etc", "mt",
];
/// Abbreviations after which only a capital starts a new sentence.
const FINAL_BEFORE_CAPITAL: &[&str] = &[
    "cm", "mm", "ml", "cc", "min", "max", "sec", "hr", "hrs", "ca", "dept", "adm", "temp", "pt",
    "diff", "seg", "p", "pp", "co", "inc", "lat", "med", "ant", "post", "sup", "inf", "bil",
    "bilat", "rt", "lt", "no",
];
/// How far ahead a closing bracket is looked for.
const BRACKET_REACH: usize = 240;
/// A line shorter than this was broken on purpose and not by a line width.
const SHORT_LINE: usize = 60;

/// A sentence longer than this is no prose; it is cut at a blank, so that all later work, which may
/// take the square of a sentence's length, stays linear in the text.
const LONGEST_SENTENCE: usize = 4096;

/// Limits of the sentences of `text[start..end]`, trimmed, in order.
pub(super) fn split_sentences(text: &str, start: usize, end: usize) -> Vec<(usize, usize)> {
    let Some(slice) = text.get(start..end) else { return Vec::new() };
    let characters: Vec<(usize, char)> = slice.char_indices().collect();
    let mut splitter = Splitter {
        text: slice,
        characters: &characters,
        sentence: 0,
        bracket_until: 0,
        line: 0,
        found: Vec::new(),
    };
    splitter.run();
    splitter.found.iter().map(|(from, to)| (start + from, start + to)).collect()
}

struct Splitter<'a> {
    text: &'a str,
    characters: &'a [(usize, char)],
    /// Where, in `characters`, the sentence at hand starts.
    sentence: usize,
    /// Where, in `characters`, the bracket at hand closes.
    bracket_until: usize,
    /// Where, in `characters`, the line at hand starts.
    line: usize,
    found: Vec<(usize, usize)>,
}

impl Splitter<'_> {
    fn run(&mut self) {
        let mut position = 0;
        while let Some(character) = self.at(position) {
            let next = match character {
                '(' | '[' => {
                    self.open_bracket(position, character);
                    None
                }
                '.' | '!' | '?' => self.after_stop(position),
                '\n' => self.after_newline(position),
                '"' | '\u{201c}' | '\u{201d}' => self.after_quote(position),
                '\u{2022}' | '\u{25aa}' | '\u{25cf}' | '\u{25e6}' | '\u{2023}' => Some(position),
                '\u{b7}' if !self.digit(position.wrapping_sub(1)) => Some(position),
                _ => None,
            };
            match next {
                Some(boundary) => {
                    self.cut(boundary);
                    position = boundary.max(position + 1);
                }
                None => position += 1,
            }
        }
        self.cut(self.characters.len());
    }

    fn at(&self, position: usize) -> Option<char> {
        self.characters.get(position).map(|(_, character)| *character)
    }

    fn byte(&self, position: usize) -> usize {
        self.characters.get(position).map_or(self.text.len(), |(byte, _)| *byte)
    }

    fn digit(&self, position: usize) -> bool {
        self.at(position).is_some_and(|c| c.is_ascii_digit())
    }

    fn next_visible(&self, position: usize) -> Option<char> {
        self.characters.get(position..)?.iter().map(|(_, c)| *c).find(|c| !c.is_whitespace())
    }

    fn open_bracket(&mut self, position: usize, open: char) {
        if position < self.bracket_until {
            return;
        }
        let close = if open == '(' { ')' } else { ']' };
        let ahead = self.characters.iter().skip(position).take(BRACKET_REACH);
        if let Some(length) = ahead.map(|(_, c)| *c).position(|c| c == close) {
            self.bracket_until = position + length;
        }
    }

    /// Where the next sentence starts if the stop at `position` ends one.
    fn after_stop(&self, position: usize) -> Option<usize> {
        if position < self.bracket_until {
            return None;
        }
        let stop = self.at(position)?;
        let mut after = position + 1;
        loop {
            match (self.at(after), self.at(after + 1)) {
                (Some('.' | '!' | '?'), _) => after += 1,
                // Spaced dots are one mark of omission.
                (Some(' '), Some('.')) if stop == '.' => after += 2,
                _ => break,
            }
        }
        let stops = after - position;
        while matches!(self.at(after), Some(')' | ']' | '\'' | '\u{2019}')) {
            after += 1;
        }
        let Some(next) = self.at(after) else { return Some(after) };
        let glued =
            !next.is_whitespace() && !matches!(next, '"' | '\u{201c}' | '\u{201d}' | '\u{2022}');
        if glued {
            // `seen.No nodule`: the blank was forgotten; `3.5`, `e.g.` and `a.m.` go on.
            let before = self.at(position.wrapping_sub(1)).unwrap_or(' ');
            let forgotten = (before.is_lowercase() || before == ')')
                && next.is_uppercase()
                && self.at(after + 1).is_some_and(char::is_lowercase);
            return forgotten.then_some(after);
        }
        // A quotation that a small letter follows is part of the sentence.
        let closing = usize::from(matches!(next, '"' | '\u{201d}'));
        let following = self.next_visible(after + closing);
        let lower = following.is_some_and(char::is_lowercase);
        if stop != '.' || stops > 1 || closing > 0 && lower {
            let ellipsis_or_doubt = lower;
            return (!ellipsis_or_doubt).then_some(after);
        }
        let word_start = self.word_before(position);
        let word: String =
            self.characters.get(word_start..position)?.iter().map(|(_, c)| *c).collect();
        if let Some(boundary) = self.next_item(word_start, &word, following) {
            return Some(boundary);
        }
        if self.is_list_mark(word_start, &word) || word.contains('.') && lower {
            return None;
        }
        let folded = word.to_lowercase();
        if NEVER_FINAL.contains(&folded.as_str()) {
            return None;
        }
        let capital = following.is_none_or(char::is_uppercase);
        if folded == "no" && following.is_some_and(|c| c.is_ascii_digit()) {
            return None;
        }
        let marked = following.is_some_and(|c| !c.is_alphanumeric());
        if FINAL_BEFORE_CAPITAL.contains(&folded.as_str()) && !capital && !marked {
            return None;
        }
        Some(after)
    }

    fn word_before(&self, position: usize) -> usize {
        let mut start = position;
        while start > self.sentence
            && self.at(start - 1).is_some_and(|c| c.is_alphanumeric() || c == '.')
        {
            start -= 1;
        }
        start
    }

    /// In `1. First item 2. Second item` the second number starts a sentence, although no stop ends
    /// the first: only a number that counts on from that of the sentence does so.
    fn next_item(&self, word_start: usize, word: &str, following: Option<char>) -> Option<usize> {
        let number: u32 = word.parse().ok().filter(|_| word.len() <= 2)?;
        let mut first = self.sentence;
        while self.at(first).is_some_and(is_leading_mark) {
            first += 1;
        }
        let mut own = 0_u32;
        let mut at = first;
        while at < first + 2
            && let Some(digit) = self.at(at).and_then(|c| c.to_digit(10))
        {
            own = own * 10 + digit;
            at += 1;
        }
        let counts = at > first && matches!(self.at(at), Some('.' | ')')) && number == own + 1;
        let opens = following.is_some_and(char::is_uppercase)
            && self.at(word_start.wrapping_sub(1)).is_some_and(char::is_whitespace);
        (counts && opens && word_start > first).then_some(word_start)
    }

    /// `1.`, `2)` or `A.` at the start of a sentence belongs to what follows.
    fn is_list_mark(&self, word_start: usize, word: &str) -> bool {
        let first =
            (self.sentence..word_start).all(|p| self.at(p).is_none_or(|c| !c.is_alphanumeric()));
        let number = word.len() <= 2 && word.chars().all(|c| c.is_ascii_digit());
        let letter = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
        first && !word.is_empty() && (number || letter)
    }

    fn after_newline(&mut self, position: usize) -> Option<usize> {
        let line_length = position - self.line;
        self.line = position + 1;
        let mut next = position + 1;
        let mut blank_line = false;
        while let Some(character) = self.at(next) {
            if !character.is_whitespace() {
                break;
            }
            blank_line |= character == '\n';
            next += 1;
        }
        if blank_line {
            self.bracket_until = self.bracket_until.min(position);
            return Some(next);
        }
        if position < self.bracket_until {
            return None;
        }
        let first = self.at(next)?;
        let mark = matches!(first, '-' | '*' | '+' | '\u{2013}' | '\u{2014}')
            && self.at(next + 1).is_some_and(char::is_whitespace);
        let mut digits = next;
        while self.digit(digits) {
            digits += 1;
        }
        let numbered = digits > next
            && digits - next <= 2
            && matches!(self.at(digits), Some('.' | ')'))
            && self.at(digits + 1).is_some_and(char::is_whitespace);
        let last = self.characters.get(..position)?.iter().rev().map(|(_, c)| *c);
        let last = last.into_iter().find(|c| !c.is_whitespace());
        let finished = last.is_some_and(|c| matches!(c, '.' | ':' | ';' | '!' | '?'));
        let fresh = first.is_uppercase() && (finished || line_length < SHORT_LINE);
        (mark || numbered || fresh).then_some(next)
    }

    /// A quotation mark that stands alone sets an item off; one that touches words does not.
    fn after_quote(&self, position: usize) -> Option<usize> {
        let before = self.at(position.wrapping_sub(1));
        let after = self.at(position + 1);
        let alone = before.is_none_or(char::is_whitespace) && after.is_none_or(char::is_whitespace);
        let after_stop = before.is_some_and(|c| matches!(c, '.' | '!' | '?'));
        let opens = self.next_visible(position + 1).is_none_or(|c| !c.is_lowercase());
        let first = position == self.sentence;
        (opens && (alone || after_stop) && !first).then_some(position)
    }

    /// Ends the sentence at hand before `position` and keeps what is left of it after trimming.
    fn cut(&mut self, position: usize) {
        let mut from = self.sentence;
        let mut to = position.min(self.characters.len());
        while from < to && self.at(from).is_some_and(is_leading_mark) {
            from += 1;
        }
        while from < to && self.at(to - 1).is_some_and(is_trailing_mark) {
            to -= 1;
        }
        let wordy = self
            .characters
            .get(from..to)
            .is_some_and(|span| span.iter().any(|(_, c)| c.is_alphanumeric()));
        if wordy {
            self.push(from, to);
        }
        self.sentence = position.min(self.characters.len());
    }
}

impl Splitter<'_> {
    /// Keeps the sentence, in pieces if it is too long.
    fn push(&mut self, mut from: usize, to: usize) {
        while to - from > LONGEST_SENTENCE {
            let limit = from + LONGEST_SENTENCE;
            let blank = |at: &usize| self.at(*at).is_some_and(char::is_whitespace);
            let cut = (from + 1..limit).rev().find(blank).unwrap_or(limit);
            let mut end = cut;
            while end > from && blank(&(end - 1)) {
                end -= 1;
            }
            let mut next = cut;
            while next < to && blank(&next) {
                next += 1;
            }
            if end > from {
                let piece = (self.byte(from), self.byte(end));
                self.found.push(piece);
            }
            from = next;
        }
        if from < to {
            self.found.push((self.byte(from), self.byte(to)));
        }
    }
}

fn is_leading_mark(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '"' | '\u{201c}'
                | '\u{201d}'
                | '*'
                | '-'
                | '+'
                | '>'
                | '.'
                | ','
                | ';'
                | ':'
                | '!'
                | '?'
        )
        || is_bullet(character)
        || ('\u{2010}'..='\u{2015}').contains(&character)
}

fn is_trailing_mark(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '"' | '\u{201c}' | '\u{201d}' | '*')
        || is_bullet(character)
}

fn is_bullet(character: char) -> bool {
    matches!(character, '\u{2022}' | '\u{25aa}' | '\u{25cf}' | '\u{25e6}' | '\u{2023}' | '\u{b7}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        split_sentences(text, 0, text.len()).iter().map(|&(from, to)| &text[from..to]).collect()
    }

    #[test]
    fn stops_decimals_and_abbreviations() {
        assert_eq!(
            split("A 3.5 mm nodule in segment 4. No effusion. Seen by Dr. Who, approx. 6 mm."),
            ["A 3.5 mm nodule in segment 4.", "No effusion.", "Seen by Dr. Who, approx. 6 mm."]
        );
        assert_eq!(split("Image No. 3 is blurred."), ["Image No. 3 is blurred."]);
        assert_eq!(
            split("It is 2 cm. Next one is 3 cm. in length."),
            ["It is 2 cm.", "Next one is 3 cm. in length."]
        );
    }

    #[test]
    fn forgotten_blanks_and_question_marks() {
        assert_eq!(split("No mass seen.No effusion."), ["No mass seen.", "No effusion."]);
        assert_eq!(
            split("Dense lesion (cyst? hamartoma?) in the liver. Mass? or node."),
            ["Dense lesion (cyst? hamartoma?) in the liver.", "Mass? or node."]
        );
    }

    #[test]
    fn items_and_lines() {
        assert_eq!(
            split("\" Emphysema.\" Small nodule \" Hernia"),
            ["Emphysema.", "Small nodule", "Hernia"]
        );
        assert_eq!(split("\u{2022} Cyst \u{2022} Node"), ["Cyst", "Node"]);
        assert_eq!(split("1. Nodule. 2. Effusion."), ["1. Nodule.", "2. Effusion."]);
        assert_eq!(split("1. Nodule 2. Effusion"), ["1. Nodule", "2. Effusion"]);
        assert_eq!(split("Cyst in segment 4. No mass."), ["Cyst in segment 4.", "No mass."]);
        assert_eq!(
            split("- Nodule\n- Effusion\n\nNormal heart"),
            ["Nodule", "Effusion", "Normal heart"]
        );
        let wrapped = "There is a small nodule in the upper lobe of the right lung next to the\nMinor fissure.";
        assert_eq!(split(wrapped), [wrapped]);
    }

    #[test]
    fn a_semicolon_does_not_end_a_sentence() {
        let text = "When examined in the lung window; no nodule is seen.";
        assert_eq!(split(text), [text]);
    }

    #[test]
    fn endless_sentences_are_cut_at_blanks() {
        let text = "nodule in the lung and ".repeat(4000);
        let found = split_sentences(&text, 0, text.len());
        assert!(found.len() > 20);
        assert!(found.iter().all(|(from, to)| to - from <= LONGEST_SENTENCE));
        let words: usize = found.iter().map(|&(a, b)| text[a..b].split(' ').count()).sum();
        assert_eq!(words, 4000 * 5);
    }

    #[test]
    fn carriage_returns_do_not_matter() {
        assert_eq!(split("- Nodule\r\n- Effusion"), ["Nodule", "Effusion"]);
        assert_eq!(split("Heart normal.\r\nNo mass."), ["Heart normal.", "No mass."]);
    }
}
