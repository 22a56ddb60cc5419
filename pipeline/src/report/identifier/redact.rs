//! Replaces what could give a patient away by typed placeholders.

use serde::Serialize;

use super::{FoundIdentifier, IdentifierKind};
use crate::report::document::{GivenSection, ReportDocument, offset};
use crate::report::parser::ReportParser;

/// A text without what could give the patient away, and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The text with placeholders (`[NAME]`).
    pub text: String,
    /// What was replaced, in text order.
    pub redactions: Vec<Redaction>,
}

/// One placeholder and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Redaction {
    /// What was replaced.
    pub kind: IdentifierKind,
    /// First byte of the placeholder in the redacted text.
    pub start: u32,
    /// One past the last byte of the placeholder.
    pub end: u32,
    /// First byte in the text as it came.
    pub source_start: u32,
    /// One past the last byte in the text as it came.
    pub source_end: u32,
}

impl ReportParser {
    /// The document with what could give the patient away replaced, and what was; see [`redact`]. `own` are the
    /// identifiers that the study is stored under.
    pub fn redact(
        &self,
        document: &ReportDocument,
        own: &[&str],
    ) -> (ReportDocument, Vec<Redaction>) {
        let found = self.find_identifiers(&document.text, own);
        let Redacted { text, redactions } = redact(&document.text, &found);
        // A limit inside of what was replaced moves to the end of its placeholder.
        let moved = |at: u32| {
            let before = redactions.partition_point(|redaction| redaction.source_start < at);
            before
                .checked_sub(1)
                .and_then(|last| redactions.get(last))
                .map_or(at, |last| last.end + at.saturating_sub(last.source_end))
        };
        let section = |given: &GivenSection| GivenSection {
            kind: given.kind,
            start: moved(given.start),
            end: moved(given.end),
        };
        let given_sections = document.given_sections.iter().map(section).collect();
        let (id, encoding) = (document.id.clone(), document.encoding);
        (ReportDocument { id, text, given_sections, encoding }, redactions)
    }
}

/// The text with each identifier replaced by its kind in brackets and capitals. Identifiers that overlap become one; marks
/// that de-identification left stay.
pub fn redact(text: &str, found: &[FoundIdentifier]) -> Redacted {
    let mut redacted = Redacted { text: String::with_capacity(text.len()), redactions: Vec::new() };
    let mut spans: Vec<FoundIdentifier> = Vec::new();
    for hit in found.iter().filter(|hit| hit.kind != IdentifierKind::Placeholder) {
        match spans.last_mut() {
            Some(last) if hit.start < last.end => last.end = last.end.max(hit.end),
            _ => spans.push(hit.clone()),
        }
    }
    let mut at = 0;
    for span in spans {
        redacted.text.push_str(text.get(at..span.start as usize).unwrap_or_default());
        let start = offset(redacted.text.len());
        redacted.text.push('[');
        redacted.text.push_str(&span.kind.name().to_uppercase());
        redacted.text.push(']');
        redacted.redactions.push(Redaction {
            kind: span.kind,
            start,
            end: offset(redacted.text.len()),
            source_start: span.start,
            source_end: span.end,
        });
        at = span.end as usize;
    }
    redacted.text.push_str(text.get(at..).unwrap_or_default());
    redacted
}

#[cfg(test)]
mod tests {
    use crate::report::{IdentifierKind, ReportDocument, ReportParser, SectionKind, redact};

    #[test]
    fn sections_move_with_the_text() {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        let document = ReportDocument::from_columns(
            "a",
            &[
                (SectionKind::ClinicalInformation, "Signed by Margaret Hollis."),
                (SectionKind::Findings, "No nodule."),
            ],
        );
        let (redacted, redactions) = parser.redact(&document, &[]);
        assert_eq!(redactions.len(), 1);
        let bodies: Vec<&str> = redacted
            .given_sections
            .iter()
            .map(|section| &redacted.text[section.start as usize..section.end as usize])
            .collect();
        assert_eq!(bodies, ["Signed by [NAME].", "No nodule."]);
    }

    #[test]
    fn placeholders_stand_where_the_identifiers_stood() {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        let text = "Dr. Who saw MRN 00123. No nodule. ___";
        let redacted = redact(text, &parser.find_identifiers(text, &[]));
        assert_eq!(redacted.text, "Dr. [NAME] saw MRN [RECORD_NUMBER]. No nodule. ___");
        for redaction in &redacted.redactions {
            let placeholder = &redacted.text[redaction.start as usize..redaction.end as usize];
            let source = &text[redaction.source_start as usize..redaction.source_end as usize];
            assert_eq!(placeholder, format!("[{}]", redaction.kind.name().to_uppercase()));
            assert!(matches!(
                (redaction.kind, source),
                (IdentifierKind::Name, "Who") | (IdentifierKind::RecordNumber, "00123")
            ));
        }
        assert_eq!(redact("No nodule.", &[]).text, "No nodule.");
        // A second pass finds nothing more.
        assert_eq!(
            redact(&redacted.text, &parser.find_identifiers(&redacted.text, &[])).text,
            redacted.text
        );
    }
}
