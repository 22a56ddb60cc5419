//! Names of persons: after a title, after who signed, after the word for a patient.

use super::words::{Word, between};
use crate::report::lexicon::Lexicon;
use crate::report::text::WordList;

/// The most words of a name.
const MOST_WORDS: usize = 6;
/// How far a name may stand from the word that leads to it, in words.
const REACH: usize = 4;

/// Limits of the names in a text.
pub(super) fn names(lexicon: &Lexicon, text: &str, words: &[Word<'_>]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    for at in 0..words.len() {
        if at < from {
            continue;
        }
        let Some(start) = name_start(lexicon, text, words, at) else { continue };
        let Some(last) = name_end(lexicon, text, words, start) else { continue };
        if let (Some(first), Some(last_word)) = (words.get(start), words.get(last)) {
            found.push((first.start, last_word.end));
            from = last + 1;
        }
    }
    found
}

/// Where a name begins that the word at `at` leads to.
fn name_start(lexicon: &Lexicon, text: &str, words: &[Word<'_>], at: usize) -> Option<usize> {
    let is = |at: usize, list: WordList| {
        words.get(at).is_some_and(|word| lexicon.words.has(list, word.text))
    };
    let gap = |at: usize| {
        words.get(at).zip(words.get(at + 1)).map_or("", |(left, right)| between(text, left, right))
    };
    let word = words.get(at)?;
    if is(at, WordList::Title) && word.text.starts_with(char::is_uppercase) {
        return (gap(at).len() <= 2).then_some(at + 1).filter(|&start| starts_name(words, start));
    }
    // `Signed by Margaret Hollis`, `electronically signed: Tomasz Nowak`.
    if is(at, WordList::Signing) {
        let by = is(at + 1, WordList::SignedBy);
        let start = if by { at + 2 } else { at + 1 };
        let colon = gap(start - 1).contains(':');
        let titled = is(start, WordList::Title);
        return (by || colon)
            .then_some(start + usize::from(titled))
            .filter(|&start| starts_name(words, start) && !gap(start - 1).contains('\n'));
    }
    // `Patient name: Lena Fischer`, `Consultant: J. Doe`; no finding stands there.
    if is(at, WordList::PersonLabel) {
        let named = usize::from(is(at + 1, WordList::PersonLabel));
        let start = at + named + 1;
        let colon = gap(start - 1);
        return (colon.contains(':') && !colon.contains('\n') && !is_term(lexicon, words, start))
            .then_some(start)
            .filter(|&start| starts_name(words, start));
    }
    // `Discussed with John Smith`: two capitalised words, none of them a term.
    if is(at, WordList::Telling) {
        let start = (at + 1..at + REACH).find(|&next| is(next, WordList::ToldTo))? + 1;
        let two = [start, start + 1].into_iter().all(|at| {
            starts_name(words, at)
                && words.get(at).is_some_and(|w| w.text.chars().skip(1).any(char::is_lowercase))
                && !is_term(lexicon, words, at)
                && !is(at, WordList::Title)
        });
        return two.then_some(start);
    }
    None
}

/// Whether a word may begin a name: a capital first, and letters alone.
fn starts_name(words: &[Word<'_>], at: usize) -> bool {
    words.get(at).is_some_and(|word| {
        let placeholder = word.text.chars().all(|c| c == 'X' || c == '_');
        word.text.starts_with(char::is_uppercase)
            && word.text.chars().all(char::is_alphabetic)
            && !placeholder
    })
}

/// Whether the word is a finding, a place or a device by itself.
fn is_term(lexicon: &Lexicon, words: &[Word<'_>], at: usize) -> bool {
    words.get(at).is_some_and(|word| lexicon.is_term(&word.text.to_lowercase()))
}

/// The last word of the name that begins at `start`; none where it is an eponym.
fn name_end(lexicon: &Lexicon, text: &str, words: &[Word<'_>], start: usize) -> Option<usize> {
    let is = |at: usize, list: WordList| {
        words.get(at).is_some_and(|word| lexicon.words.has(list, word.text))
    };
    if !starts_name(words, start) {
        return None;
    }
    let mut last = start;
    for at in start + 1..start + MOST_WORDS {
        let (Some(left), Some(right)) = (words.get(at - 1), words.get(at)) else { break };
        let gap = between(text, left, right);
        let initial = left.text.chars().count() == 1;
        let joined = match gap {
            " " | "-" | "'" | "\u{2019}" => true,
            ". " | "." => initial,
            ", " => last == start && !is(at, WordList::AcademicDegree),
            _ => false,
        };
        let particle = is(at, WordList::NameParticle);
        let known = is(at, WordList::AcademicDegree) || is(at, WordList::FunctionWord) && !particle;
        if !joined || known || !(starts_name(words, at) || particle) {
            break;
        }
        if !particle {
            last = at;
        }
    }
    // `Fischer, Lena` goes on with a given name, `Hollis, Consultant` does not.
    let next = words.get(last + 1).map_or("", |word| word.text);
    let eponym = is(start, WordList::Eponym)
        && (last == start || is(last, WordList::Eponym))
        && next.starts_with(char::is_lowercase)
        && (lexicon.is_term(next) || lexicon.words.has(WordList::EponymNoun, next));
    let noun = (start..=last).any(|at| is(at, WordList::EponymNoun) && is(start, WordList::Eponym));
    let whole = last > start || words.get(start).is_some_and(|word| word.text.chars().count() > 1);
    (whole && !eponym && !noun).then_some(last)
}
