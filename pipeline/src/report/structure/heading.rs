//! Finds the headings that stand in a report's text.

use std::cell::LazyCell;

use super::heading_words::{is_markup, look_up};
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
        } else if let Some((start, kind)) = before_colon(phrase, &line_is_small, lexicon) {
            found.push(FoundHeading {
                start: line_start + phrase_start + start,
                end: line_start + colon + 1,
                kind,
            });
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
    found.extend(in_capitals(bare, lexicon).into_iter().map(|(start, end, kind)| FoundHeading {
        start: line_start + indent + start,
        end: line_start + indent + end,
        kind,
    }));
    if let Some(own) = found.get_mut(known..) {
        own.sort_by_key(|heading| heading.start);
    }
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
