//! Splits a section into sentences without changing a byte of it.

use super::sentence_marks::{is_bullet, is_leading_mark, is_trailing_mark};
use crate::report::text::{WordList, WordLists};

/// How far ahead a closing bracket is looked for.
const BRACKET_REACH: usize = 240;
/// How many letters a word has at most before a stop that is asked whether a blank was forgotten after it, and how far a size
/// after it may end.
const MOST_LETTERS: usize = 32;
/// A line shorter than this was broken on purpose and not by a line width.
const SHORT_LINE: usize = 60;

/// A sentence longer than this is no prose; it is cut at a blank, so that all later work, which may
/// take the square of a sentence's length, stays linear in the text.
pub(crate) const LONGEST_SENTENCE: usize = 4096;

/// Limits of the sentences of `text[start..end]`, trimmed, in order.
pub(crate) fn split_sentences(
    words: &WordLists,
    text: &str,
    start: usize,
    end: usize,
) -> Vec<(usize, usize)> {
    let Some(slice) = text.get(start..end) else { return Vec::new() };
    let characters: Vec<(usize, char)> = slice.char_indices().collect();
    let mut splitter = Splitter {
        words,
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
    words: &'a WordLists,
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
            if character.is_ascii_alphanumeric() || character == ' ' {
                position += 1;
                continue;
            }
            let next = match character {
                '(' | '[' => {
                    self.open_bracket(position, character);
                    None
                }
                '.' | '!' | '?' => self.after_stop(position),
                ')' => self.after_number(position),
                '\n' => self.after_newline(position),
                '"' | '\u{201c}' | '\u{201d}' => self.after_quote(position),
                // Between digits it is a decimal point (`6\u{b7}5 mm`).
                mark if is_bullet(mark)
                    && !(self.digit(position.wrapping_sub(1)) && self.digit(position + 1)) =>
                {
                    Some(position)
                }
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
        let before = self.at(position.wrapping_sub(1)).unwrap_or(' ');
        // `? small effusion` opens with its doubt.
        if stop == '?' && self.only_marks_before(position) {
            return None;
        }
        // The first dot of `. . .` has decided.
        let spaced = before == ' ' && self.at(position.wrapping_sub(2)) == Some('.');
        if stop == '.' && (spaced || before == '.') && self.at(position + 1).is_some() {
            return None;
        }
        let mut after = self.end_of_stops(position, stop);
        let stops = after - position;
        // Of four spaced dots the first is a full stop.
        let goes_on = self.next_visible(after).is_some_and(char::is_uppercase);
        if stops == 7 && goes_on && before.is_alphanumeric() && self.at(position + 1) == Some(' ') {
            return Some(position + 1);
        }
        let quoted = after;
        while matches!(self.at(after), Some(')' | ']' | '\'' | '\u{2019}')) {
            after += 1;
        }
        let Some(next) = self.at(after) else { return Some(after) };
        let glued =
            !next.is_whitespace() && !matches!(next, '"' | '\u{201c}' | '\u{201d}' | '\u{2022}');
        if glued {
            let forgotten = self.is_forgotten_blank(before, after)
                || self.is_forgotten_before_size(position, after);
            return forgotten.then_some(after);
        }
        // A quotation that a small letter follows is part of the sentence.
        let closing = usize::from(matches!(next, '"' | '\u{201d}'));
        let following = self.next_visible(after + closing);
        let lower = following.is_some_and(char::is_lowercase);
        if stop != '.' || stops > 1 || (closing > 0 || after > quoted) && lower {
            let pronoun =
                stops == 5 && self.words.has(WordList::FirstPerson, &self.next_word(after));
            return (!lower && !pronoun).then_some(after);
        }
        self.after_full_stop(position, after, following)
    }

    /// Past the stops that go on from `position`.
    fn end_of_stops(&self, position: usize, stop: char) -> usize {
        let mut after = position + 1;
        loop {
            match (self.at(after), self.at(after + 1)) {
                (Some('.' | '!' | '?'), _) => after += 1,
                // Spaced dots are one mark of omission.
                (Some(' '), Some('.')) if stop == '.' => after += 2,
                _ => return after,
            }
        }
    }

    /// `seen.No nodule`: the blank was forgotten; `3.5`, `e.g.`, `a.m.` and addresses go on.
    fn is_forgotten_blank(&self, before: char, after: usize) -> bool {
        let rest = self.characters.get(after..).unwrap_or_default().iter().map(|(_, c)| *c);
        let address = rest.take_while(|c| !c.is_whitespace()).take(64).any(|c| c == '@');
        (before.is_lowercase() || before == ')')
            && !address
            && self.at(after).is_some_and(char::is_uppercase)
            && self.at(after + 1).is_some_and(char::is_lowercase)
    }

    /// `is seen.8 mm nodule`: a whole word before the stop and a size after it; `approx.75 cm` goes on.
    fn is_forgotten_before_size(&self, position: usize, after: usize) -> bool {
        let letters = self.characters.get(position.saturating_sub(MOST_LETTERS)..position);
        let letters = letters.unwrap_or_default().iter().rev().map(|(_, c)| *c);
        let length = letters.take_while(char::is_ascii_lowercase).count();
        let goes_on = self
            .at(position.wrapping_sub(length + 1))
            .is_some_and(|c| c.is_alphanumeric() || c == '.');
        if length <= 2 || goes_on {
            return false;
        }
        let word = self.characters.get(position - length..position).unwrap_or_default();
        let word: String = word.iter().map(|(_, c)| *c).collect();
        let lists = self.words.of(&word);
        if lists.has(WordList::NeverFinal) || lists.has(WordList::FinalBeforeCapital) {
            return false;
        }
        let rest = self.characters.get(after..).unwrap_or_default().iter().map(|(_, c)| *c);
        let mut rest = rest
            .take(MOST_LETTERS)
            .skip_while(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
            .skip_while(|c| *c == ' ');
        self.digit(after) && matches!(rest.next(), Some('m' | 'c')) && rest.next() == Some('m')
    }

    /// Where the next sentence starts if the one full stop at `position` ends one: the word before it decides.
    fn after_full_stop(
        &self,
        position: usize,
        after: usize,
        following: Option<char>,
    ) -> Option<usize> {
        let number_follows = following.is_some_and(|c| c.is_ascii_digit());
        let degree = matches!(self.at(position.wrapping_sub(1)), Some('\u{b0}' | '\u{ba}'));
        if degree && number_follows {
            return None;
        }
        let word_start = self.word_before(position);
        let word: String =
            self.characters.get(word_start..position)?.iter().map(|(_, c)| *c).collect();
        if let Some(boundary) = self.next_item(word_start, &word, following) {
            return Some(boundary);
        }
        let lower = following.is_some_and(char::is_lowercase);
        if self.is_list_mark(word_start, &word) || word.contains('.') && lower {
            return None;
        }
        let capital = following.is_none_or(char::is_uppercase);
        let name = || capital && following.is_some() && self.is_name_part(word_start, &word, after);
        // `M. tuberculosis`, and `0. 6 cm`, where a blank has slipped in.
        let initial =
            word.len() == 1 && word.starts_with(|c: char| c.is_ascii_uppercase()) && lower;
        if initial || word == "0" && number_follows {
            return None;
        }
        let lists = self.words.of(&word.to_lowercase());
        let marked = following.is_some_and(|c| !c.is_alphanumeric());
        let goes_on = lists.has(WordList::NeverFinal)
            || name()
            || lists.has(WordList::No) && number_follows
            || lists.has(WordList::FinalBeforeCapital) && !capital && !marked;
        (!goes_on).then_some(after)
    }

    fn only_marks_before(&self, position: usize) -> bool {
        (self.sentence..position).all(|at| self.at(at).is_none_or(|c| !c.is_alphanumeric()))
    }

    /// The word that starts at the first visible character from `position`.
    fn next_word(&self, position: usize) -> String {
        let rest = self.characters.get(position..).unwrap_or_default().iter().map(|(_, c)| *c);
        rest.skip_while(|c| !c.is_alphanumeric()).take_while(|c| c.is_alphanumeric()).collect()
    }

    /// `Albert I. Jones`, `the U.S. Government`, `At 5 a.m. Dr. Who`: the stop belongs to the word
    /// before it and what follows goes on.
    fn is_name_part(&self, word_start: usize, word: &str, after: usize) -> bool {
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        let capitals = word.chars().all(|c| c.is_uppercase() || c == '.');
        let dotted = word.contains('.');
        let short = (1..=4).contains(&letters) && (dotted || capitals);
        if !short || self.words.has(WordList::SentenceOpener, &self.next_word(after)) {
            return false;
        }
        let before: String = self
            .characters
            .get(self.sentence..word_start)
            .unwrap_or_default()
            .iter()
            .map(|(_, c)| *c)
            .collect();
        let mut words = before.split_whitespace().rev();
        let last = words.next();
        if dotted && self.words.has(WordList::ClockTime, word) {
            // A clock time that opens the sentence does not end it.
            return words.count() <= 1;
        }
        let after_name = last.is_some_and(|name| name.starts_with(char::is_uppercase));
        capitals && (dotted || letters == 1 && word.chars().count() == 1 && after_name)
    }

    /// `1) First item 2) Second item`.
    fn after_number(&self, position: usize) -> Option<usize> {
        if position < self.bracket_until || !self.digit(position.wrapping_sub(1)) {
            return None;
        }
        let word_start = self.word_before(position);
        let word: String =
            self.characters.get(word_start..position)?.iter().map(|(_, c)| *c).collect();
        self.next_item(word_start, &word, self.next_visible(position + 1))
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
        let opens = following.is_some_and(char::is_uppercase)
            && self.at(word_start.wrapping_sub(1)).is_some_and(char::is_whitespace);
        if !opens || word.is_empty() || word.len() > 2 {
            return None;
        }
        let mut first = self.sentence;
        while self.at(first).is_some_and(is_leading_mark) {
            first += 1;
        }
        let mut end = first;
        while end < first + 2 && self.at(end).is_some_and(char::is_alphanumeric) {
            end += 1;
        }
        if word_start <= first || !matches!(self.at(end), Some('.' | ')')) {
            return None;
        }
        let own: String = self.characters.get(first..end)?.iter().map(|(_, c)| *c).collect();
        let number = |text: &str| match text.as_bytes() {
            [letter] if letter.is_ascii_lowercase() => Some(u32::from(*letter)),
            _ => text.parse().ok(),
        };
        let same_kind = own.starts_with(|c: char| c.is_ascii_digit())
            == word.starts_with(|c: char| c.is_ascii_digit());
        (same_kind && number(word)? == number(&own)? + 1).then_some(word_start)
    }

    /// `1.`, `2)` or `A.` at the start of a sentence belongs to what follows.
    fn is_list_mark(&self, word_start: usize, word: &str) -> bool {
        let first =
            (self.sentence..word_start).all(|p| self.at(p).is_none_or(|c| !c.is_alphanumeric()));
        let number = word.len() <= 2 && word.chars().all(|c| c.is_ascii_digit());
        let letter = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
        first && !word.is_empty() && (number || letter)
    }

    fn after_newline(&mut self, position: usize) -> Option<usize> {
        // A carriage return or a blank before the line feed makes no line longer.
        let line = self.characters.get(self.line..position).unwrap_or_default();
        let line_length =
            line.len() - line.iter().rev().take_while(|(_, c)| c.is_whitespace()).count();
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
            let doubt = self.at(from) == Some('?')
                && self.characters.get(from + 1..to).is_some_and(|rest| {
                    let mut rest = rest.iter().map(|(_, c)| *c).skip_while(|c| *c == ' ');
                    rest.next().is_some_and(char::is_alphabetic)
                });
            // `.6 cm` opens with its decimal point.
            let decimal = matches!(self.at(from), Some('.' | '\u{b7}'))
                && self.digit(from + 1)
                && self.at(from.wrapping_sub(1)).is_none_or(char::is_whitespace);
            if doubt || decimal {
                break;
            }
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
