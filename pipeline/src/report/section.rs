//! Finds the sections of a report: from the source's columns, from headings, or, in text without
//! headings, from the marks that set impression items off.

use std::cell::LazyCell;

use super::document::{ReportDocument, offset};
use super::heading::{before_colon, in_capitals};
use super::lexicon::Heading;
use super::shadow::fold_phrase;
use super::spelling::within_one_edit;
use super::types::{Section, SectionKind, SectionSource};

/// Longest heading, in bytes, that is looked up.
const LONGEST_HEADING: usize = 64;
/// A heading of at least this many bytes may be misspelt by one letter.
const FUZZY_FROM: usize = 7;

/// The sections of the document in text order; empty ones are left out.
pub(super) fn find_sections(document: &ReportDocument, headings: &[Heading]) -> Vec<Section> {
    let text = document.text.as_str();
    if !document.given_sections.is_empty() {
        return given(document);
    }
    let found = find_headings(text, headings);
    let mut sections = Vec::new();
    if found.is_empty() {
        match impression_start(text) {
            Some(start) => {
                push(&mut sections, text, SectionKind::Findings, 0, start, SectionSource::Inferred);
                let end = text.len();
                push(
                    &mut sections,
                    text,
                    SectionKind::Impression,
                    start,
                    end,
                    SectionSource::Inferred,
                );
            }
            None => {
                push(
                    &mut sections,
                    text,
                    SectionKind::Findings,
                    0,
                    text.len(),
                    SectionSource::Inferred,
                );
            }
        }
        return sections;
    }
    let first = found.first().map_or(0, |heading| heading.start);
    push(&mut sections, text, SectionKind::Other, 0, first, SectionSource::Inferred);
    for (position, heading) in found.iter().enumerate() {
        let end = found.get(position + 1).map_or(text.len(), |next| next.start);
        push(&mut sections, text, heading.kind, heading.end, end, SectionSource::Heading);
    }
    sections
}

fn given(document: &ReportDocument) -> Vec<Section> {
    let text = document.text.as_str();
    let mut sections: Vec<Section> = Vec::new();
    for section in &document.given_sections {
        let floor = sections.last().map_or(0, |last| last.end as usize);
        let start = text.ceil_char_boundary((section.start as usize).max(floor).min(text.len()));
        let end = text.floor_char_boundary((section.end as usize).min(text.len()));
        push(&mut sections, text, section.kind, start, end, SectionSource::Column);
    }
    sections
}

/// Adds a section for the trimmed part of `text[start..end]`, unless nothing is left.
fn push(
    sections: &mut Vec<Section>,
    text: &str,
    kind: SectionKind,
    start: usize,
    end: usize,
    how: SectionSource,
) {
    let Some(body) = text.get(start..end) else { return };
    let trimmed = body.trim_start();
    let start = start + (body.len() - trimmed.len());
    let trimmed = trimmed.trim_end();
    if !trimmed.is_empty() {
        let end = start + trimmed.len();
        sections.push(Section { kind, start: offset(start), end: offset(end), how });
    }
}

/// A heading in the text: its limits, the colon after it included.
struct FoundHeading {
    start: usize,
    end: usize,
    kind: SectionKind,
}

/// Headings stand at the start of a line (with a colon, alone, or in capitals), after the end of a
/// sentence with a colon, or, if they cannot be anything else, in the middle of a line.
fn find_headings(text: &str, headings: &[Heading]) -> Vec<FoundHeading> {
    let mut found = Vec::new();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        headings_of_line(line, line_start, headings, &mut found);
        line_start += line.len();
    }
    found
}

fn headings_of_line(
    line: &str,
    line_start: usize,
    headings: &[Heading],
    found: &mut Vec<FoundHeading>,
) {
    let bare = line.trim_start_matches(is_markup);
    let indent = line.len() - bare.len();
    let visible = bare.trim_end();
    let mut from = indent;
    if visible.len() <= LONGEST_HEADING
        && !visible.contains(':')
        && let Some(kind) = look_up(visible, headings, false)
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
            && let Some(kind) = look_up(phrase_bare, headings, starts_line)
        {
            let rest = line.get(colon + 1..).unwrap_or_default();
            let marks = rest.len() - rest.trim_start_matches('*').len();
            found.push(FoundHeading {
                start: line_start + heading_start,
                end: line_start + colon + 1 + marks,
                kind,
            });
        } else if let Some((start, kind)) = before_colon(phrase, &line_is_small, headings) {
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
    if !opens && let Some((length, kind)) = capital_prefix(visible, headings) {
        found.push(FoundHeading {
            start: line_start + indent,
            end: line_start + indent + length,
            kind,
        });
    }
    found.extend(in_capitals(bare, headings).into_iter().map(|(start, end, kind)| FoundHeading {
        start: line_start + indent + start,
        end: line_start + indent + end,
        kind,
    }));
    if let Some(own) = found.get_mut(known..) {
        own.sort_by_key(|heading| heading.start);
    }
}

/// A heading in capitals that runs into its text without a colon (`FINDINGS The heart is ...`).
fn capital_prefix(line: &str, headings: &[Heading]) -> Option<(usize, SectionKind)> {
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
    look_up(phrase, headings, false).map(|kind| (phrase.len(), kind))
}

fn last_sentence_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (1..bytes.len()).rev().take(LONGEST_HEADING + 8).find(|&position| {
        matches!(bytes.get(position - 1), Some(b'.' | b'!' | b'?' | b';'))
            && bytes.get(position).is_some_and(u8::is_ascii_whitespace)
    })
}

fn is_markup(character: char) -> bool {
    character.is_whitespace() || matches!(character, '*' | '#' | '_' | '>' | '[' | '\u{2022}')
}

/// The kind of a heading; with `fuzzy`, one letter of it may be wrong.
pub(super) fn look_up(phrase: &str, headings: &[Heading], fuzzy: bool) -> Option<SectionKind> {
    let bare = phrase.trim_end_matches(|c: char| is_markup(c) || matches!(c, '-' | ']' | '.'));
    if bare.is_empty() {
        return None;
    }
    let folded = fold_phrase(bare);
    if let Ok(position) =
        headings.binary_search_by(|heading| heading.phrase.as_str().cmp(folded.as_str()))
    {
        return headings.get(position).map(|heading| heading.kind);
    }
    if !fuzzy || folded.len() < FUZZY_FROM {
        return None;
    }
    headings
        .iter()
        .find(|heading| {
            heading.phrase.len() >= FUZZY_FROM
                && within_one_edit(heading.phrase.as_bytes(), folded.as_bytes())
        })
        .map(|heading| heading.kind)
}

/// In text without headings, where the first impression item starts: the first bullet or lone
/// quotation mark that follows a finished sentence and is followed by a capital or a digit.
fn impression_start(text: &str) -> Option<usize> {
    let mut finished = false;
    for (position, character) in text.char_indices() {
        let mark = matches!(character, '"' | '\u{201c}' | '\u{201d}' | '\u{2022}' | '\u{25cf}');
        if mark {
            let after = text.get(position + character.len_utf8()..).unwrap_or_default();
            let next = after.trim_start().chars().next();
            let opens = next.is_some_and(|c| c.is_uppercase() || c.is_ascii_digit());
            if finished && opens {
                return Some(position);
            }
        } else if !character.is_whitespace() {
            finished = matches!(character, '.' | '!' | '?' | ':');
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::lexicon::Lexicon;

    fn sections(text: &str) -> Vec<(SectionKind, String)> {
        let lexicon = Lexicon::builtin().expect("the built-in lexicon loads");
        let document = ReportDocument::from_text("t", text);
        find_sections(&document, &lexicon.headings)
            .into_iter()
            .map(|s| (s.kind, text[s.start as usize..s.end as usize].to_owned()))
            .collect()
    }

    fn is(found: &[(SectionKind, String)], expected: &[(SectionKind, &str)]) {
        let found: Vec<_> = found.iter().map(|(kind, body)| (*kind, body.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn headings_with_colons_open_sections() {
        is(
            &sections(
                "CT chest\nINDICATION: cough\nTechnique: helical\n\nFINDINGS:\nLungs clear.\nIMPRESSION: Normal.",
            ),
            &[
                (SectionKind::Other, "CT chest"),
                (SectionKind::ClinicalInformation, "cough"),
                (SectionKind::Technique, "helical"),
                (SectionKind::Findings, "Lungs clear."),
                (SectionKind::Impression, "Normal."),
            ],
        );
    }

    #[test]
    fn headings_without_colon_inline_and_misspelt_are_found() {
        is(
            &sections("Findings\nLungs clear. IMPRESSION: Normal."),
            &[(SectionKind::Findings, "Lungs clear."), (SectionKind::Impression, "Normal.")],
        );
        is(
            &sections("FINDNGS: Lungs clear.\nIMPRESSOIN: Normal."),
            &[(SectionKind::Findings, "Lungs clear."), (SectionKind::Impression, "Normal.")],
        );
        is(
            &sections("FINDINGS The heart is large."),
            &[(SectionKind::Findings, "The heart is large.")],
        );
    }

    #[test]
    fn headings_in_the_middle_of_a_line_are_found() {
        is(
            &sections("Findings: The heart is normal Impression: No effusion."),
            &[
                (SectionKind::Findings, "The heart is normal"),
                (SectionKind::Impression, "No effusion."),
            ],
        );
        is(
            &sections("FINDINGS lungs clear IMPRESSION normal"),
            &[(SectionKind::Findings, "lungs clear"), (SectionKind::Impression, "normal")],
        );
        is(
            &sections("FINDINGS lungs clear IMPRESSION: normal"),
            &[(SectionKind::Findings, "lungs clear"), (SectionKind::Impression, "normal")],
        );
        for text in [
            "There is an impression of the calcaneus. There are no findings: all is well.",
            "Slight IMPRESSION of the calcaneus, no significant FINDINGS today.",
            "The lungs show the following findings: emphysema and scars.",
        ] {
            is(&sections(text), &[(SectionKind::Findings, text)]);
        }
    }

    #[test]
    fn empty_sections_and_organ_headings_are_not_sections() {
        is(
            &sections("HISTORY:\nCOMPARISON:\nFINDINGS: Lungs: clear. Heart: normal."),
            &[(SectionKind::Findings, "Lungs: clear. Heart: normal.")],
        );
    }

    #[test]
    fn impression_items_are_found_without_headings() {
        is(
            &sections("Lungs are clear. \" Normal examination. \" No effusion."),
            &[
                (SectionKind::Findings, "Lungs are clear."),
                (SectionKind::Impression, "\" Normal examination. \" No effusion."),
            ],
        );
        is(
            &sections("A \"halo\" is seen. Clear otherwise."),
            &[(SectionKind::Findings, "A \"halo\" is seen. Clear otherwise.")],
        );
    }
}
