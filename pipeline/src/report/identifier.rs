//! Looks for what could name a patient: the study's own identifiers, and wordings that carry names,
//! numbers and addresses. Marks that de-identification left are told apart.
//!
//! A hit is a reason to look, not a proof; no hit is no proof of the opposite.

use schemas::named_enum;
use serde::Serialize;

use super::document::offset;
use super::parser::ReportParser;
use super::text::{WordList, WordLists};

named_enum! {
    /// What a stretch of text could give away.
    #[derive(PartialOrd, Ord)]
    pub enum IdentifierKind {
        /// One of the identifiers that the study is stored under.
        Own = "own",
        /// A name after a title or a word such as `patient name`.
        Name = "name",
        /// A number after a word such as `MRN` or `accession`.
        RecordNumber = "record_number",
        /// A telephone number.
        Telephone = "telephone",
        /// An electronic mail address.
        Mail = "mail",
        /// A mark that de-identification left: nothing is given away.
        Placeholder = "placeholder",
    }
}

/// A stretch of text that could give a patient away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundIdentifier {
    /// What it could be.
    pub kind: IdentifierKind,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Identifiers shorter than this stand in too many texts by chance.
const SHORTEST: usize = 4;

impl ReportParser {
    /// Everything in `text` that could give the patient away, in text order; `own` are the identifiers
    /// the study is stored under (patient, study, accession, name). Case and the marks between their
    /// parts do not count.
    pub fn find_identifiers(&self, text: &str, own: &[&str]) -> Vec<FoundIdentifier> {
        find_identifiers(self.words(), text, own)
    }
}

fn find_identifiers(lists: &WordLists, text: &str, own: &[&str]) -> Vec<FoundIdentifier> {
    let words = words(text);
    let mut found = Vec::new();
    let mut add = |kind, from: usize, to: usize| {
        found.push(FoundIdentifier { kind, start: offset(from), end: offset(to) });
    };
    let wordings: Vec<Vec<String>> = own.iter().flat_map(|name| wordings(lists, name)).collect();
    for name in wordings {
        for window in words.windows(name.len()) {
            let same = window.iter().zip(&name).all(|(&(from, to), part)| {
                text.get(from..to).is_some_and(|word| word.to_lowercase() == *part)
            });
            if let (true, Some(first), Some(last)) = (same, window.first(), window.last()) {
                add(IdentifierKind::Own, first.0, last.1);
            }
        }
    }
    for (index, &(from, to)) in words.iter().enumerate() {
        let word = text.get(from..to).unwrap_or_default();
        let in_lists = lists.of(&word.to_lowercase());
        let next = words.get(index + 1).copied();
        if let Some(end) = placeholder(text, from, to) {
            add(IdentifierKind::Placeholder, from, end);
        } else if in_lists.has(WordList::Title)
            && word.starts_with(char::is_uppercase)
            && let Some((start, end)) = next
            && start - to <= 2
            && name_like(text.get(start..end).unwrap_or_default())
        {
            add(IdentifierKind::Name, start, end);
        } else if in_lists.has(WordList::RecordNumber)
            && let Some(&(start, end)) =
                words.iter().skip(index + 1).take(2).find(|&&(start, end)| {
                    text.get(start..end).is_some_and(|w| w.bytes().any(|b| b.is_ascii_digit()))
                })
        {
            add(IdentifierKind::RecordNumber, start, end);
        }
    }
    for (from, to) in blank_separated(text) {
        let word = text.get(from..to).unwrap_or_default();
        let bare = word.trim_end_matches(['.', ',', ';', ')']);
        if let Some((local, domain)) = bare.split_once('@')
            && !local.is_empty()
            && domain.contains('.')
        {
            add(IdentifierKind::Mail, from, from + bare.len());
        }
        let digits = bare.bytes().filter(u8::is_ascii_digit).count();
        let marks = bare.bytes().filter(|b| matches!(b, b'-' | b'(' | b')' | b'+')).count();
        if (9..=14).contains(&digits) && marks >= 2 && digits + marks == bare.len() {
            add(IdentifierKind::Telephone, from, from + bare.len());
        }
    }
    found.sort_by_key(|hit| (hit.start, hit.end, hit.kind));
    found.dedup();
    found
}

fn name_like(word: &str) -> bool {
    let mut letters = word.chars();
    let placeholder = word.chars().all(|c| c == 'X' || c == '_');
    !placeholder
        && letters.next().is_some_and(char::is_uppercase)
        && letters.all(char::is_alphabetic)
        && word.len() > 1
}

/// `XXXX`, `___`, `[NAME]`, `**NAME[AAA]`: where the mark that starts at this word ends.
fn placeholder(text: &str, from: usize, to: usize) -> Option<usize> {
    let word = text.get(from..to)?;
    if word.len() >= 3 && (word.bytes().all(|b| b == b'X') || word.bytes().all(|b| b == b'_')) {
        return Some(to);
    }
    let before = text.get(..from)?;
    let opened = before.ends_with("**") || before.ends_with("[**") || before.ends_with('[');
    let capital = word.len() >= 3 && word.bytes().all(|b| b.is_ascii_uppercase());
    (opened && (capital || before.ends_with("[**"))).then_some(to)
}

/// How an identifier may stand in a text, word by word: a person's name (PS3.5 section 6.2.1) in either
/// order, a date (`YYYYMMDD`) in the ways dates are written, others as they are. None for what is too
/// short, or stands in place of a name.
fn wordings(lists: &WordLists, identifier: &str) -> Vec<Vec<String>> {
    let parts = parts(identifier);
    let length: usize = parts.iter().map(String::len).sum();
    if length < SHORTEST || parts.iter().all(|part| lists.has(WordList::AnonymisedName, part)) {
        return Vec::new();
    }
    if let Some(date) = date_wordings(lists, identifier) {
        return date;
    }
    let mut wordings = vec![parts.clone()];
    if identifier.contains('^') && parts.len() > 1 {
        let mut given_first = parts;
        given_first.swap(0, 1);
        wordings.push(given_first);
    }
    wordings
}

fn date_wordings(lists: &WordLists, identifier: &str) -> Option<Vec<Vec<String>>> {
    if identifier.len() != 8 || !identifier.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = identifier.split_at(4);
    let (month, day) = rest.split_at(2);
    let months = lists.words(WordList::Month);
    let name = months.get(month.parse::<usize>().ok()?.checked_sub(1)?)?.as_str();
    let number = |part: &str| part.parse::<u16>().ok();
    if !(1900..2100).contains(&number(year)?) || !(1..32).contains(&number(day)?) {
        return None;
    }
    let mut found = vec![vec![identifier.to_owned()]];
    for pad in [true, false] {
        let [month, day] =
            [month, day].map(|part| if pad { part } else { part.trim_start_matches('0') });
        for order in [[year, month, day], [day, month, year], [month, day, year]] {
            found.push(order.map(str::to_owned).to_vec());
        }
        for month in [name, name.get(..3).unwrap_or(name)] {
            for order in [[day, month, year], [month, day, year]] {
                found.push(order.map(str::to_owned).to_vec());
            }
        }
    }
    Some(found)
}

fn parts(name: &str) -> Vec<String> {
    words(name).iter().filter_map(|&(from, to)| name.get(from..to)).map(str::to_lowercase).collect()
}

/// Runs of letters, digits and underscores that are no separators (`___` is one word).
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start: Option<(usize, bool)> = None;
    for (at, character) in text.char_indices() {
        let class = match character {
            '_' => Some(true),
            c if c.is_alphanumeric() => Some(false),
            _ => None,
        };
        if let Some((from, kind)) = start
            && class != Some(kind)
        {
            if !kind || at - from >= 3 {
                found.push((from, at));
            }
            start = None;
        }
        if let Some(kind) = class
            && start.is_none()
        {
            start = Some((at, kind));
        }
    }
    if let Some((from, kind)) = start
        && (!kind || text.len() - from >= 3)
    {
        found.push((from, text.len()));
    }
    found
}

fn blank_separated(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    for word in text.split(char::is_whitespace) {
        if !word.is_empty() {
            found.push((at, at + word.len()));
        }
        at += word.len()
            + text.get(at + word.len()..).and_then(|r| r.chars().next()).map_or(0, char::len_utf8);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(text: &'a str, own: &[&str]) -> Vec<(IdentifierKind, &'a str)> {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        parser
            .find_identifiers(text, own)
            .iter()
            .map(|hit| (hit.kind, &text[hit.start as usize..hit.end as usize]))
            .collect()
    }

    #[test]
    fn own_identifiers_are_found_however_they_are_written() {
        use IdentifierKind::Own;
        assert_eq!(
            found("Study of Doe, Jane (ACC 77-1234): no nodule.", &["DOE^JANE", "77_1234", "p1"]),
            [(Own, "Doe, Jane"), (Own, "77-1234")]
        );
        assert_eq!(found("No nodule in p1.", &["p1", ""]), []);
        assert_eq!(found("train_12_a shows \u{130}x.", &["train_12_a"]), [(Own, "train_12_a")]);
    }

    #[test]
    fn dates_and_names_are_found_in_every_usual_order() {
        use IdentifierKind::Own;
        for written in
            ["2006-03-07", "07.03.2006", "3/7/2006", "7 March 2006", "Mar 7, 2006", "20060307"]
        {
            let text = format!("Compared with {written} there is no change.");
            assert_eq!(found(&text, &["20060307"]), [(Own, written)]);
        }
        assert_eq!(found("Compared with 8 March 2006.", &["20060307"]), []);
        assert_eq!(found("Jane Doe has no nodule.", &["DOE^JANE"]), [(Own, "Jane Doe")]);
        assert_eq!(found("An anonymous referral.", &["Anonymous", "Unknown"]), []);
        // Not a date: a number like any other.
        assert_eq!(found("Number 20061399.", &["20061399"]), [(Own, "20061399")]);
    }

    #[test]
    fn names_numbers_and_addresses() {
        use IdentifierKind::{Mail, Name, RecordNumber, Telephone};
        assert_eq!(
            found("Told to Dr. Who. MRN: 00123, mail a.b@c.org or 555-123-4567.", &[]),
            [
                (Name, "Who"),
                (RecordNumber, "00123"),
                (Mail, "a.b@c.org"),
                (Telephone, "555-123-4567")
            ]
        );
        assert_eq!(found("A 13-15 mm nodule at L4-5, 22.03.2022.", &[]), []);
    }

    #[test]
    fn marks_of_de_identification_give_nothing_away() {
        use IdentifierKind::Placeholder;
        assert_eq!(
            found("Dr. XXXX saw ___ and **NAME[AAA] on [**2118-6-2**].", &[]),
            [
                (Placeholder, "XXXX"),
                (Placeholder, "___"),
                (Placeholder, "NAME"),
                (Placeholder, "AAA"),
                (Placeholder, "2118")
            ]
        );
    }
}
