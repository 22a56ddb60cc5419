//! Headings in the middle of a line with no full stop before them: `... is normal Impression: no
//! effusion`, or in capitals and without a colon, `lungs clear IMPRESSION normal`.
//!
//! Only words that hardly stand in a report but as headings count, and only where neither the word
//! before nor the one after makes them part of a sentence (`no findings`, `impression of the
//! calcaneus`).

use std::cell::LazyCell;

use super::heading_words::{binds, continues, is_closing, is_placeholder, is_telling, look_up};
use crate::report::lexicon::Lexicon;
use crate::report::parsed::SectionKind;

/// The most words of a heading that is looked for.
const MOST_WORDS: usize = 4;

/// Finds the heading at the end of `before`, the text up to a colon: its first byte in `before` and
/// its kind. At least one word must stand before it. Where capitals do not set the heading off from
/// that word, only those that close a report count, and only in a line without capitals (which
/// `line_is_small` is asked for once at most) or all in capitals; and those that follow the section that is `open`
/// in the order of a report (`INDICATION: Cough FINDINGS: ...`).
pub(crate) fn before_colon<F: FnOnce() -> bool>(
    before: &str,
    line_is_small: &LazyCell<bool, F>,
    open: Option<SectionKind>,
    lexicon: &Lexicon,
) -> Option<(usize, SectionKind)> {
    let last = before.split_whitespace().next_back()?;
    if !is_telling(&lexicon.words, last) {
        return None;
    }
    let mut starts: Vec<usize> = word_starts(before).rev().take(MOST_WORDS + 1).collect();
    starts.reverse();
    starts.windows(2).find_map(|pair| {
        let (previous, start) = (*pair.first()?, *pair.last()?);
        let word = before.get(previous..start)?.trim_end();
        let phrase = before.get(start..)?;
        let capital = phrase.chars().next().is_some_and(char::is_uppercase);
        let small_before = word.chars().any(char::is_lowercase) || is_placeholder(word);
        if binds(&lexicon.words, word) {
            return None;
        }
        let kind = look_up(phrase, lexicon, false)?;
        let set_off = capital && (small_before || !word.chars().any(char::is_alphabetic));
        let closes = is_closing(&lexicon.words, last) && (capital || **line_is_small);
        let goes_on = capital && open.is_some_and(|open| follows(open, kind));
        let found = goes_on || (set_off || closes) && !is_title(word);
        found.then_some((start, kind))
    })
}

/// Whether a section of one kind may stand after one of the other. What stands before the findings has no order.
fn follows(open: SectionKind, kind: SectionKind) -> bool {
    let (before, after) = (place_in_report(open), place_in_report(kind));
    before.is_some() && (before < after || before == after && before == Some(0) && open != kind)
}

/// The order in which sections stand in a report.
fn place_in_report(kind: SectionKind) -> Option<u8> {
    match kind {
        SectionKind::ClinicalInformation | SectionKind::Technique | SectionKind::Comparison => {
            Some(0)
        }
        SectionKind::Findings => Some(1),
        SectionKind::Impression => Some(2),
        SectionKind::Recommendation => Some(3),
        SectionKind::Other => None,
    }
}

/// The headings in capitals inside a line that is not, without colons: first byte, one past the
/// last, and kind. One that a line starts with is not among them. A single word in capitals may be
/// emphasis, so one heading by itself must be one that closes a report.
pub(crate) fn in_capitals(line: &str, lexicon: &Lexicon) -> Vec<(usize, usize, SectionKind)> {
    let (mut found, mut closing) = (Vec::new(), false);
    if !has_run_of_capitals(line) {
        return found;
    }
    let starts: Vec<usize> = word_starts(line).collect();
    let word = |at: usize| {
        let end = starts.get(at + 1).copied().unwrap_or(line.len());
        starts.get(at).and_then(|&start| line.get(start..end)).unwrap_or_default().trim_end()
    };
    let mut at = 1;
    while at < starts.len() {
        let run = (at..starts.len())
            .take_while(|&next| is_capital(word(next)) && !is_placeholder(word(next)))
            .count();
        let (first, last) = (at, at + run);
        at = last + 1;
        if run == 0 || run > MOST_WORDS || !is_telling(&lexicon.words, word(last - 1)) {
            continue;
        }
        let (before, after) = (word(first - 1), word(last));
        // What follows must be text in small letters and no part of the same statement.
        let follows = after.starts_with(|c: char| c.is_alphanumeric())
            && !after.chars().all(char::is_uppercase)
            && !continues(&lexicon.words, after);
        if !follows
            || binds(&lexicon.words, before)
            || !(is_small(before) || is_placeholder(before))
        {
            continue;
        }
        let start = starts.get(first).copied().unwrap_or_default();
        let end = starts.get(last - 1).map_or(start, |begin| begin + word(last - 1).len());
        if let Some(kind) = line.get(start..end).and_then(|phrase| look_up(phrase, lexicon, false))
        {
            closing |= is_closing(&lexicon.words, word(last - 1));
            found.push((start, end, kind));
        }
    }
    let first_run = (0..starts.len()).take_while(|&next| is_capital(word(next))).count();
    let opens = first_run.checked_sub(1).is_some_and(|last| is_telling(&lexicon.words, word(last)));
    if found.len() + usize::from(opens) < 2 && !closing {
        found.clear();
    }
    found
}

fn word_starts(text: &str) -> impl DoubleEndedIterator<Item = usize> {
    let bytes = text.as_bytes();
    (0..bytes.len()).filter(move |&at| {
        let blank = |at: usize| bytes.get(at).is_none_or(u8::is_ascii_whitespace);
        !blank(at) && (at == 0 || blank(at - 1))
    })
}

/// Whether seven capitals follow each other, as in the shortest heading without a colon: one of them
/// stands at a multiple of seven.
fn has_run_of_capitals(line: &str) -> bool {
    const SHORTEST: usize = 7;
    let bytes = line.as_bytes();
    let capitals = |from: &[u8]| from.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    (0..bytes.len()).step_by(SHORTEST).any(|at| {
        let (before, after) = bytes.split_at(at);
        let first = before.iter().rev().take(SHORTEST).take_while(|b| b.is_ascii_uppercase());
        let ahead = after.get(..SHORTEST.min(after.len())).map_or(0, capitals);
        ahead > 0 && first.count() + ahead >= SHORTEST
    })
}

/// A first letter in capitals and the others small: part of a title, as in `Clinical Impression`.
fn is_title(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase) && letters.any(char::is_lowercase)
}

fn is_small(word: &str) -> bool {
    word.chars().any(char::is_lowercase) && !word.chars().any(char::is_uppercase)
}

fn is_capital(word: &str) -> bool {
    word.len() > 1 && word.chars().all(|c| c.is_uppercase() || matches!(c, '/' | '&' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon() -> Lexicon {
        Lexicon::builtin().expect("the built-in lexicon loads")
    }

    #[test]
    fn a_heading_with_a_colon_ends_the_text_before_it() {
        let lexicon = lexicon();
        for (before, expected) in [
            ("the heart is normal Impression", Some("Impression")),
            ("no effusion (see series 3) IMPRESSION", Some("IMPRESSION")),
            ("cough for two weeks Clinical history", Some("Clinical history")),
            ("hilar XXXX are stable XXXX FINDINGS", Some("FINDINGS")),
            ("LUNGS ARE CLEAR CONCLUSION", Some("CONCLUSION")),
            ("lungs are clear impression", Some("impression")),
            ("nodule larger than on earlier comparison", None),
            ("the study was done with suboptimal technique", None),
            ("SMALL EFFUSION WITH ATYPICAL HISTORY", None),
            ("there are several findings", None),
            ("There are no Findings", None),
            ("Clear apart from the following Findings", None),
            ("Seen by the Doctor Impression", None),
            ("The clinical Impression", None),
            ("Lungs are clear findings", None),
            ("Impression", None),
            ("effusion is seen Liver", None),
        ] {
            let small = LazyCell::new(|| !before.chars().any(char::is_uppercase));
            let found =
                before_colon(before, &small, None, &lexicon).map(|(start, _)| &before[start..]);
            assert_eq!(found, expected, "{before}");
        }
    }

    #[test]
    fn a_heading_that_goes_on_with_the_report_needs_no_small_word_before_it() {
        use SectionKind::{ClinicalInformation, Findings};
        let lexicon = lexicon();
        let found = |before: &str, open| {
            let small = LazyCell::new(|| false);
            before_colon(before, &small, Some(open), &lexicon)
                .map(|(start, _)| before[start..].to_owned())
        };
        assert_eq!(found("Cough FINDINGS", ClinicalInformation).as_deref(), Some("FINDINGS"));
        assert_eq!(found("Sepsis Findings", ClinicalInformation).as_deref(), Some("Findings"));
        assert_eq!(found("SMALL EFFUSION WITH ATYPICAL HISTORY", Findings), None);
        assert_eq!(found("Known Clinical Findings", ClinicalInformation), None);
    }

    #[test]
    fn headings_in_capitals_are_found_inside_other_text() {
        let lexicon = lexicon();
        let find = |line: &str| -> Vec<String> {
            in_capitals(line, &lexicon).iter().map(|&(a, b, _)| line[a..b].to_owned()).collect()
        };
        assert_eq!(find("FINDINGS lungs clear IMPRESSION normal"), ["IMPRESSION"]);
        assert_eq!(
            find("fever CLINICAL HISTORY cough TECHNIQUE helical"),
            ["CLINICAL HISTORY", "TECHNIQUE"]
        );
        assert_eq!(find("nodes are stable XXXX IMPRESSION no effusion"), ["IMPRESSION"]);
        for line in [
            "small effusion with new FINDINGS concerning for malignancy",
            "pneumonia with chronic TECHNIQUE artefact and effusion",
            "the patient's HISTORY includes cancer and a nodule",
            "FINDINGS LUNGS CLEAR IMPRESSION NORMAL",
            "an IMPRESSION on the calcaneus",
            "slight IMPRESSION of the calcaneus",
            "chest without significant FINDINGS today",
            "lungs clear IMPRESSION",
            "lungs clear, US TECHNIQUE limited",
            "basilar IMPRESSION noted",
            "the heart is LARGE today",
        ] {
            assert_eq!(find(line), Vec::<String>::new(), "{line}");
        }
    }
}
