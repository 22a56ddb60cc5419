//! Finds the sections of a report: from the source's columns, from headings, or, in text without
//! headings, from the marks that set impression items off.

use super::heading::find_headings;
use super::sentence::split_sentences;
use crate::report::document::{ReportDocument, offset};
use crate::report::lexicon::Lexicon;
use crate::report::parsed::{Section, SectionKind, SectionSource};

/// The sections of the document in text order; empty ones are left out.
pub(crate) fn find_sections(document: &ReportDocument, lexicon: &Lexicon) -> Vec<Section> {
    let text = document.text.as_str();
    if !document.given_sections.is_empty() {
        return given(document);
    }
    let found = find_headings(text, lexicon);
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
    part_findings(&mut sections, text, lexicon);
    sections
}

/// A report with an indication and no heading of findings has them right after it: after its paragraph, or, where the
/// report ends with it, after its first sentence.
fn part_findings(sections: &mut Vec<Section>, text: &str, lexicon: &Lexicon) {
    use SectionKind::{ClinicalInformation, Comparison, Findings, Impression, Technique};
    if sections.iter().any(|section| section.kind == Findings) {
        return;
    }
    let impression = sections.iter().position(|section| section.kind == Impression);
    let Some(last) = impression.unwrap_or(sections.len()).checked_sub(1) else { return };
    let Some(section) = sections.get(last) else { return };
    if !matches!(section.kind, ClinicalInformation | Technique | Comparison) {
        return;
    }
    let (start, end) = (section.start as usize, section.end as usize);
    let body = text.get(start..end).unwrap_or_default();
    let paragraph = blank_line(body).map(|at| start + at);
    let sentence = || {
        let sentences = split_sentences(&lexicon.words, text, start, end);
        sentences.get(1).map(|second| second.0).filter(|_| impression.is_none())
    };
    let Some(at) = paragraph.or_else(sentence) else { return };
    let (kind, how) = (section.kind, section.how);
    let mut parts = Vec::new();
    push(&mut parts, text, kind, start, at, how);
    push(&mut parts, text, Findings, at, end, SectionSource::Inferred);
    sections.splice(last..=last, parts);
}

/// Where the text goes on after the first line without words.
fn blank_line(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if at > 0 && line.trim().is_empty() {
            return Some(at);
        }
        at += line.len();
    }
    None
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

    fn sections(text: &str) -> Vec<(SectionKind, String)> {
        let lexicon = Lexicon::builtin().expect("the built-in lexicon loads");
        let document = ReportDocument::from_text("t", text);
        find_sections(&document, &lexicon)
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
    fn findings_without_a_heading_are_no_part_of_the_indication() {
        use SectionKind::{ClinicalInformation, Findings, Impression};
        is(
            &sections("Indication: Chest Pain\nLUNGS: Clear. Heart: large."),
            &[(ClinicalInformation, "Chest Pain"), (Findings, "LUNGS: Clear. Heart: large.")],
        );
        is(
            &sections("Indication: fever. The lungs are clear. No effusion."),
            &[(ClinicalInformation, "fever."), (Findings, "The lungs are clear. No effusion.")],
        );
        is(
            &sections("HISTORY: Fall\n\nNo fracture. Clear.\nIMPRESSION: Normal."),
            &[
                (ClinicalInformation, "Fall"),
                (Findings, "No fracture. Clear."),
                (Impression, "Normal."),
            ],
        );
        is(
            &sections("Indication: Cough. Findings - Clear. Impression - Normal."),
            &[(ClinicalInformation, "Cough."), (Findings, "Clear."), (Impression, "Normal.")],
        );
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
