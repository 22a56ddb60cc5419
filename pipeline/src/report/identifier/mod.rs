//! Looks for what could name a patient: the study's own identifiers, and wordings that carry names,
//! numbers and addresses. Marks that de-identification left are told apart.
//!
//! A hit is a reason to look, not a proof; no hit is no proof of the opposite.

mod kind;
mod name;
mod number;
mod own;
mod redact;
mod words;

use serde::Serialize;

use super::document::offset;
use super::parser::ReportParser;
use name::names;
use number::numbers;
use own::own_identifiers;
use words::words;

use super::lexicon::Lexicon;
use super::markup::masked;
pub use kind::IdentifierKind;
pub use redact::{Redacted, Redaction, redact};

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

impl ReportParser {
    /// Everything in `text` that could give the patient away, in text order; `own` are the identifiers
    /// the study is stored under (patient, study, accession, name). Case and the marks between their
    /// parts do not count.
    pub fn find_identifiers(&self, text: &str, own: &[&str]) -> Vec<FoundIdentifier> {
        find_identifiers(self.lexicon(), &masked(text), own)
    }
}

fn find_identifiers(lexicon: &Lexicon, text: &str, own: &[&str]) -> Vec<FoundIdentifier> {
    let words = words(text);
    let mut found = Vec::new();
    let mut add = |kind, from: usize, to: usize| {
        found.push(FoundIdentifier { kind, start: offset(from), end: offset(to) });
    };
    let own = own_identifiers(&lexicon.words, &words, own);
    for &(from, to) in &own {
        add(IdentifierKind::Own, from, to);
    }
    for word in &words {
        if let Some(end) = placeholder(text, word.start, word.end) {
            add(IdentifierKind::Placeholder, word.start, end);
        }
    }
    for (from, to) in names(lexicon, text, &words) {
        add(IdentifierKind::Name, from, to);
    }
    for (kind, from, to) in numbers(&lexicon.words, text, &words) {
        if !own.contains(&(from, to)) {
            add(kind, from, to);
        }
    }
    for (from, to) in mails(text) {
        add(IdentifierKind::Mail, from, to);
    }
    found.sort_by_key(|hit| (hit.start, hit.end, hit.kind));
    found.dedup();
    found
}

/// Limits of electronic mail addresses.
fn mails(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end().trim_end_matches(['.', ',', ';', ')', '>']);
        let opening = bare.len() - bare.trim_start_matches(['(', '<', ':']).len();
        if let Some((local, domain)) = bare.get(opening..).and_then(|bare| bare.split_once('@'))
            && !local.is_empty()
            && domain.contains('.')
        {
            found.push((at + opening, at + bare.len()));
        }
        at += word.len();
    }
    found
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

    #[test]
    fn names_are_whole_and_eponyms_are_none() {
        use IdentifierKind::Name;
        for (text, name) in [
            ("Signed by Margaret Hollis.", "Margaret Hollis"),
            ("Dictated by: R. Okonkwo, MD", "R. Okonkwo"),
            ("Patient name: Lena Fischer\nFINDINGS: Emphysema.", "Lena Fischer"),
            ("Mr. John van der Berg has cardiomegaly.", "John van der Berg"),
            ("Electronically signed: Tomasz Nowak 2021-04-02 10:11", "Tomasz Nowak"),
            ("Discussed with Amina Yusuf at 14:20.", "Amina Yusuf"),
        ] {
            assert_eq!(found(text, &[]), [(Name, name)], "{text}");
        }
        for text in [
            "Per Dr. Fleischner criteria no follow-up is needed.",
            "Patient: Hodgkin lymphoma in remission, Crohn disease.",
            "Kerley B lines and a Swan-Ganz catheter are seen.",
            "Patient: Emphysema.",
            "Discussed with the ward.",
        ] {
            assert_eq!(found(text, &[]), [], "{text}");
        }
    }

    #[test]
    fn numbers_are_whole_and_measurements_are_none() {
        use IdentifierKind::{Address, DateOfBirth, NationalNumber, RecordNumber, Telephone};
        for (text, kind, number) in [
            ("MRN: 00482-77-1.", RecordNumber, "00482-77-1"),
            ("Hospital number 7731904.", RecordNumber, "7731904"),
            ("DOB 12/03/1958.", DateOfBirth, "12/03/1958"),
            ("Born 4 May 1961, male.", DateOfBirth, "4 May 1961"),
            ("Ward contact 020 7946 0958.", Telephone, "020 7946 0958"),
            ("Call (555) 010-4477.", Telephone, "(555) 010-4477"),
            ("He is 943 476 5919.", NationalNumber, "943 476 5919"),
            ("He is 10000000146.", NationalNumber, "10000000146"),
            ("Address: 14 Larch Road, Bradford.", Address, "14 Larch Road, Bradford"),
        ] {
            assert_eq!(found(text, &[]), [(kind, number)], "{text}");
        }
        for text in [
            "Nodule of 12 mm, series 4, image 212, seen on 22.03.2022.",
            "Study 9f31c0aa-b21e-470c-9126-3350718ee514 shows emphysema.",
            "Values of 120 130 140 mm on 2021-04-02 10:11.",
            "943 476 5918 is no number of the NHS.",
        ] {
            assert_eq!(found(text, &[]), [], "{text}");
        }
    }
}
