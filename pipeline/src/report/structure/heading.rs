//! Finds the headings that stand in a report's text.

use std::cell::LazyCell;

use super::heading_words::{is_markup, is_telling, look_up, names_organs};
use super::inline_heading::{before_colon, in_capitals};
use crate::report::lexicon::Lexicon;
use crate::report::parsed::SectionKind;

/// Longest heading, in bytes, that is looked up.
const LONGEST_HEADING: usize = 64;

/// A heading in the text: its limits, the colon after it included.
pub(crate) struct FoundHeading {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: SectionKind,
}

/// Headings stand at the start of a line (with a colon, alone, or in capitals), after the end of a
/// sentence with a colon, or, if they cannot be anything else, in the middle of a line.
pub(crate) fn find_headings(text: &str, lexicon: &Lexicon) -> Vec<FoundHeading> {
    let mut found = Vec::new();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        headings_of_line(line, line_start, lexicon, &mut found);
        line_start += line.len();
    }
    found
}

fn headings_of_line(
    line: &str,
    line_start: usize,
    lexicon: &Lexicon,
    found: &mut Vec<FoundHeading>,
) {
    let bare = line.trim_start_matches(is_markup);
    let indent = line.len() - bare.len();
    let visible = bare.trim_end();
    let mut from = indent;
    if visible.len() <= LONGEST_HEADING
        && !visible.contains(':')
        && let Some(kind) = look_up(visible, lexicon, false)
    {
        found.push(FoundHeading {
            start: line_start + indent,
            end: line_start + indent + visible.len(),
            kind,
        });
        return;
    }
    let mut at_line_start = true;
    let known = found.len();
    let line_is_small = LazyCell::new(|| !line.chars().any(char::is_uppercase));
    for (colon, _) in line.match_indices(':') {
        let Some(before) = line.get(from..colon) else { continue };
        let (phrase, starts_line) = match last_sentence_end(before) {
            Some(end) => (before.get(end..).unwrap_or_default(), false),
            None => (before, at_line_start),
        };
        let phrase_start = colon - phrase.len();
        let phrase_bare = phrase.trim_start_matches(is_markup);
        let heading_start = phrase_start + (phrase.len() - phrase_bare.len());
        let capital = phrase_bare.chars().next().is_some_and(char::is_uppercase);
        let after_sentence = !starts_line && (at_line_start || phrase_start > from);
        if phrase_bare.len() <= LONGEST_HEADING
            && (starts_line || (after_sentence && capital))
            && let Some(kind) = look_up(phrase_bare, lexicon, starts_line)
        {
            let rest = line.get(colon + 1..).unwrap_or_default();
            let marks = rest.len() - rest.trim_start_matches('*').len();
            found.push(FoundHeading {
                start: line_start + heading_start,
                end: line_start + colon + 1 + marks,
                kind,
            });
        } else if let Some((start, kind)) =
            before_colon(phrase, &line_is_small, found.last().map(|last| last.kind), lexicon)
        {
            found.push(FoundHeading {
                start: line_start + phrase_start + start,
                end: line_start + colon + 1,
                kind,
            });
        } else if found.last().is_some_and(|last| precedes_findings(last.kind))
            && let Some(start) = unnamed_findings(phrase, lexicon, starts_line, after_sentence)
        {
            // What is said of an organ is no part of the indication before it. The heading stays in the text.
            let start = line_start + phrase_start + start;
            found.push(FoundHeading { start, end: start, kind: SectionKind::Findings });
        }
        from = colon + 1;
        at_line_start = false;
    }
    let opens = found.get(known).is_some_and(|first| first.start == line_start + indent);
    if !opens && let Some((length, kind)) = capital_prefix(visible, lexicon) {
        found.push(FoundHeading {
            start: line_start + indent,
            end: line_start + indent + length,
            kind,
        });
    }
    found.extend(before_dashes(line, lexicon).into_iter().map(|(start, end, kind)| FoundHeading {
        start: line_start + start,
        end: line_start + end,
        kind,
    }));
    found.extend(in_capitals(bare, lexicon).into_iter().map(|(start, end, kind)| FoundHeading {
        start: line_start + indent + start,
        end: line_start + indent + end,
        kind,
    }));
    if let Some(own) = found.get_mut(known..) {
        own.sort_by_key(|heading| heading.start);
    }
}

/// Sections that stand before the findings and do not describe the images.
fn precedes_findings(kind: SectionKind) -> bool {
    matches!(
        kind,
        SectionKind::ClinicalInformation | SectionKind::Technique | SectionKind::Comparison
    )
}

/// Where a heading starts that names organs (`LUNGS AND PLEURA:`), or at the start of a line one in capitals that is
/// not known: the phrase before its colon.
fn unnamed_findings(
    phrase: &str,
    lexicon: &Lexicon,
    starts_line: bool,
    after_sentence: bool,
) -> Option<usize> {
    let bare = phrase.trim_start_matches(is_markup);
    let capital = bare.chars().next().is_some_and(char::is_uppercase);
    let start = phrase.len() - bare.len();
    if bare.len() <= LONGEST_HEADING && capital && (starts_line || after_sentence) {
        let unknown = starts_line
            && bare.len() >= 4
            && !bare.chars().any(char::is_lowercase)
            && bare.chars().all(|c| c.is_alphabetic() || " /&-".contains(c));
        if unknown || names_organs(bare, lexicon) {
            return Some(start);
        }
    }
    let mut run = phrase.len();
    for (at, _) in
        phrase.match_indices(|c: char| c.is_whitespace()).collect::<Vec<_>>().into_iter().rev()
    {
        let word = phrase.get(at + 1..run)?.trim();
        if word.chars().any(|c| c.is_lowercase() || c.is_ascii_digit()) {
            break;
        }
        run = at + 1;
    }
    let capitals = phrase.get(run..)?;
    (run > 0
        && !capitals.trim().is_empty()
        && capitals.len() <= LONGEST_HEADING
        && names_organs(capitals, lexicon))
    .then_some(run)
}

/// Telling headings with a dash between blanks in the place of a colon (`Findings - Ground glass`), at the start of the
/// line or after a sentence.
fn before_dashes(line: &str, lexicon: &Lexicon) -> Vec<(usize, usize, SectionKind)> {
    const DASHES: [&str; 3] = [" - ", " \u{2013} ", " \u{2014} "];
    let mut found = Vec::new();
    for dash in DASHES {
        for (at, _) in line.match_indices(dash) {
            let before = line.get(..at).unwrap_or_default();
            let from = last_sentence_end(before).unwrap_or(0);
            let phrase = before.get(from..).unwrap_or_default();
            let bare = phrase.trim_start_matches(is_markup);
            let last = bare.split_whitespace().next_back().unwrap_or_default();
            let capital = bare.chars().next().is_some_and(char::is_uppercase);
            if capital
                && bare.len() <= LONGEST_HEADING
                && is_telling(&lexicon.words, last)
                && let Some(kind) = look_up(bare, lexicon, false)
            {
                found.push((at - bare.len(), at + dash.len(), kind));
            }
        }
    }
    found
}

/// A heading in capitals that runs into its text without a colon (`FINDINGS The heart is ...`).
fn capital_prefix(line: &str, lexicon: &Lexicon) -> Option<(usize, SectionKind)> {
    let mut length = 0;
    for word in line.split_inclusive(' ') {
        let letters = word.trim_end();
        let capital = letters.len() > 1
            && letters.chars().all(|c| c.is_uppercase() || c == '/' || c == '&' || c == '-');
        if !capital || length + letters.len() > LONGEST_HEADING {
            break;
        }
        length += word.len();
    }
    let phrase = line.get(..length)?.trim_end();
    // At least one word in small letters must follow, or the whole line is a title.
    let follows = line.get(length..)?.chars().any(char::is_lowercase);
    if phrase.len() < 4 || !follows {
        return None;
    }
    look_up(phrase, lexicon, false).map(|kind| (phrase.len(), kind))
}

fn last_sentence_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (1..bytes.len()).rev().take(LONGEST_HEADING + 8).find(|&position| {
        matches!(bytes.get(position - 1), Some(b'.' | b'!' | b'?' | b';'))
            && bytes.get(position).is_some_and(u8::is_ascii_whitespace)
    })
}
