//! Numbers and dates that name a person: record numbers, telephone numbers, national numbers, dates of birth, addresses.

use super::kind::IdentifierKind;
use super::words::{Word, between};
use crate::report::text::{WordList, WordLists};

/// How far a number may stand from the word that leads to it, in words.
const REACH: usize = 3;
/// Digits of a telephone number.
const TELEPHONE: std::ops::RangeInclusive<usize> = 9..=14;
/// Digits of a local telephone number after a word for it.
const LOCAL_TELEPHONE: std::ops::RangeInclusive<usize> = 5..=14;
/// Digits of a number that a common word may lead to (`hospital 7731904`).
const LONG_NUMBER: usize = 5;

/// What the numbers of a text give away, with their limits.
pub(super) fn numbers(
    lists: &WordLists,
    text: &str,
    words: &[Word<'_>],
) -> Vec<(IdentifierKind, usize, usize)> {
    let mut found = Vec::new();
    for at in 0..words.len() {
        let hit = birth(lists, text, words, at)
            .map(|limits| (IdentifierKind::DateOfBirth, limits))
            .or_else(|| Some((IdentifierKind::RecordNumber, record(lists, text, words, at)?)))
            .or_else(|| Some((IdentifierKind::Address, address(lists, text, words, at)?)))
            .or_else(|| number_run(lists, text, words, at));
        found.extend(hit.map(|(kind, (from, to))| (kind, from, to)));
    }
    found
}

fn has(lists: &WordLists, words: &[Word<'_>], at: usize, list: WordList) -> bool {
    words.get(at).is_some_and(|word| lists.has(list, word.text))
}

/// `DOB 12/03/1958`, `born 4 May 1961`, `date of birth: 23.11.1949`.
fn birth(lists: &WordLists, text: &str, words: &[Word<'_>], at: usize) -> Option<(usize, usize)> {
    if !has(lists, words, at, WordList::Birth) {
        return None;
    }
    let part = |at: usize| {
        words.get(at).is_some_and(|word| {
            word.has_digit() && word.text.len() <= 8
                || lists.has(WordList::Month, word.text)
                || is_short_month(lists, word.text)
        })
    };
    let first = (at + 1..=at + REACH).find(|&next| part(next))?;
    let mut last = first;
    while last < first + 2
        && part(last + 1)
        && words
            .get(last)
            .zip(words.get(last + 1))
            .is_some_and(|(a, b)| between(text, a, b).len() <= 2)
    {
        last += 1;
    }
    Some((words.get(first)?.start, words.get(last)?.end))
}

fn is_short_month(lists: &WordLists, word: &str) -> bool {
    word.len() == 3
        && lists
            .words(WordList::Month)
            .iter()
            .any(|month| month.get(..3).is_some_and(|short| short.eq_ignore_ascii_case(word)))
}

/// `MRN: 00482-77-1`, `NHS number 943 476 5919`, `hospital number 7731904`.
fn record(lists: &WordLists, text: &str, words: &[Word<'_>], at: usize) -> Option<(usize, usize)> {
    let strong = has(lists, words, at, WordList::RecordNumber);
    let weak = has(lists, words, at, WordList::RecordOwner)
        && (at + 1..at + REACH).any(|next| has(lists, words, next, WordList::NumberWord));
    if !strong && !weak {
        return None;
    }
    let first = (at + 1..=at + REACH).find(|&next| words.get(next).is_some_and(Word::has_digit))?;
    let led = (at + 1..first).all(|at| {
        has(lists, words, at, WordList::NumberWord)
            || has(lists, words, at, WordList::RecordNumber)
            || words.get(at).is_some_and(|w| w.text.len() <= 3)
    });
    let near = words
        .get(at)
        .zip(words.get(first))
        .is_some_and(|(a, b)| !text.get(a.end..b.start).unwrap_or_default().contains(['\n', ';']));
    let last = run_end(lists, text, words, first);
    let (start, end) = (token_start(text, words.get(first)?.start), words.get(last)?.end);
    let digits = text.get(start..end)?.bytes().filter(u8::is_ascii_digit).count();
    (led && near && (strong || digits >= LONG_NUMBER)).then_some((start, end))
}

/// Where the token begins that holds the byte: `ACC-77` before its digits.
fn token_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '/' | '_'))).map_or(
        0,
        |mark| {
            mark + before.get(mark..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
        },
    )
}

/// The last word of a number that goes on over hyphens, slashes and full stops, and over blanks between groups of digits.
fn run_end(lists: &WordLists, text: &str, words: &[Word<'_>], first: usize) -> usize {
    let mut last = first;
    while let (Some(left), Some(right)) = (words.get(last), words.get(last + 1)) {
        let joined = match between(text, left, right) {
            "-" | "/" | "_" => true,
            "." => right.has_digit(),
            " " => {
                let unit = has(lists, words, last + 2, WordList::LengthUnit);
                left.is_number() && right.is_number() && right.text.len() >= 2 && !unit
            }
            _ => false,
        };
        if !joined {
            break;
        }
        last += 1;
    }
    last
}

/// `14 Larch Road`, and all of a line after `Address:`.
fn address(lists: &WordLists, text: &str, words: &[Word<'_>], at: usize) -> Option<(usize, usize)> {
    const STREET_WORDS: usize = 4;
    let word = words.get(at)?;
    if !word.text.starts_with(|c: char| c.is_ascii_digit()) || word.text.len() > 5 {
        return None;
    }
    let capital = |at: usize| words.get(at).is_some_and(|w| w.text.starts_with(char::is_uppercase));
    let street =
        (at + 2..=at + STREET_WORDS).find(|&at| has(lists, words, at, WordList::Street))?;
    let blanks = (at..street).all(|at| {
        words
            .get(at)
            .zip(words.get(at + 1))
            .is_some_and(|(a, b)| matches!(between(text, a, b), " " | "-" | "'"))
    });
    ((at + 1..=street).all(capital) && blanks).then_some(())?;
    let town = street + 1;
    let followed =
        words.get(street).zip(words.get(town)).is_some_and(|(a, b)| between(text, a, b) == ", ");
    let last = if followed && capital(town) { town } else { street };
    Some((word.start, words.get(last)?.end))
}

/// A telephone or a national number by its digits and marks alone.
fn number_run(
    lists: &WordLists,
    text: &str,
    words: &[Word<'_>],
    at: usize,
) -> Option<(IdentifierKind, (usize, usize))> {
    let first = words.get(at).filter(|word| word.is_number())?;
    let after_group =
        at.checked_sub(1).and_then(|before| words.get(before)).is_some_and(|before| {
            before.has_digit()
                && matches!(
                    between(text, before, first),
                    "-" | "/" | "." | " " | ":" | ") " | ")-" | ")"
                )
                || !before.text.is_empty() && matches!(between(text, before, first), "-" | ".")
        });
    if after_group {
        return None;
    }
    let mut last = at;
    while let (Some(left), Some(right)) = (words.get(last), words.get(last + 1)) {
        let gap = between(text, left, right);
        if !right.is_number()
            || !matches!(gap, " " | "-" | "." | ") " | ")-" | ")" | " (0)" | "\u{2011}" | " - ")
        {
            break;
        }
        last += 1;
    }
    let groups: Vec<&str> = words.get(at..=last)?.iter().map(|word| word.text).collect();
    let digits: String = groups.concat();
    let end = words.get(last)?.end;
    let before = text.get(..first.start).unwrap_or_default();
    let (bracket, plus) = (before.ends_with('('), before.ends_with('+') || before.ends_with("+("));
    let start = first.start - before.len() + before.trim_end_matches(['(', '+']).len();
    let unit = has(lists, words, last + 1, WordList::LengthUnit);
    // A number that goes on with letters is part of a longer token.
    let goes_on = words
        .get(last + 1)
        .is_some_and(|next| matches!(text.get(end..next.start), Some("-" | "/" | ":")));
    if unit || goes_on || is_date(&groups) {
        return None;
    }
    if is_national(&groups, &digits) {
        return Some((IdentifierKind::NationalNumber, (start, end)));
    }
    let called =
        (at.saturating_sub(REACH)..at).any(|at| has(lists, words, at, WordList::Telephone));
    let own_text = text.get(first.start..end)?;
    let telling = bracket || plus || digits.starts_with('0') || own_text.matches('-').count() >= 2;
    let long = TELEPHONE.contains(&digits.len()) && groups.iter().all(|group| group.len() >= 2);
    let local = LOCAL_TELEPHONE.contains(&digits.len());
    (long && telling || called && local).then_some((IdentifierKind::Telephone, (start, end)))
}

/// `2021-04-02`, `22.03.2022`, with or without a time after it.
fn is_date(groups: &[&str]) -> bool {
    let number = |at: usize| groups.get(at).and_then(|group| group.parse::<u32>().ok());
    let year = |at: usize| {
        groups.get(at).is_some_and(|group| group.len() == 4)
            && number(at).is_some_and(|year| (1900..2200).contains(&year))
    };
    let small = |at: usize, most: u32| {
        groups.get(at).is_some_and(|group| group.len() <= 2)
            && number(at).is_some_and(|value| value <= most)
    };
    year(0) && small(1, 12) && small(2, 31) || small(0, 31) && small(1, 31) && year(2)
}

/// Whether the digits are a national number by their check digits: of the NHS (modulus 11), of Turkey, or in the form of a
/// social security number.
fn is_national(groups: &[&str], digits: &str) -> bool {
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let value: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(10)).collect();
    match (value.as_slice(), lengths.as_slice()) {
        (_, [3, 2, 4]) => true,
        ([first @ .., check], [10] | [3, 3, 4]) if first.len() == 9 => {
            let sum: u32 =
                first.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
            (11 - sum % 11) % 11 == *check && first.iter().any(|digit| *digit != first[0])
        }
        ([d0, d1, d2, d3, d4, d5, d6, d7, d8, tenth, eleventh], [11]) if *d0 != 0 => {
            let (odd, even) = (d0 + d2 + d4 + d6 + d8, d1 + d3 + d5 + d7);
            (odd * 7 + 10 * 9 - even) % 10 == *tenth && (odd + even + tenth) % 10 == *eleventh
        }
        _ => false,
    }
}
