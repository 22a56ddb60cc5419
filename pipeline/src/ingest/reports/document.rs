//! A report before parsing: its text and, where the source had columns, its sections.

use serde::Serialize;

use super::placeholder::given;
use super::section_kind::SectionKind;

/// A section whose limits the source gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GivenSection {
    /// What the section is for.
    pub kind: SectionKind,
    /// First byte in the document's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A report's text. All offsets of a [`ParsedReport`](crate::report::ParsedReport) are byte offsets in
/// `text`; only its first 4 GiB are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportDocument {
    /// Identifier, kept as given.
    pub id: String,
    /// The whole text, never rewritten.
    pub text: String,
    /// Sections known from the source, in text order; empty when they must be found in the text.
    pub given_sections: Vec<GivenSection>,
    /// The character set that the text was decoded from, where the source was not UTF-8: offsets count bytes of the
    /// decoded text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<&'static str>,
}

impl ReportDocument {
    /// A document whose sections are found by the parser.
    pub fn from_text(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { id: id.into(), text: text.into(), given_sections: Vec::new(), encoding: None }
    }

    /// A document made of table columns, as CT-RATE gives them.
    ///
    /// Columns without a text are left out ([`is_placeholder`](super::is_placeholder)); the others are trimmed and
    /// joined by a blank line.
    pub fn from_columns(id: impl Into<String>, columns: &[(SectionKind, &str)]) -> Self {
        let mut text = String::new();
        let mut given_sections = Vec::new();
        for (kind, column) in columns {
            let column = given(column).trim();
            if column.is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            let start = offset(text.len());
            text.push_str(column);
            given_sections.push(GivenSection { kind: *kind, start, end: offset(text.len()) });
        }
        Self { id: id.into(), text, given_sections, encoding: None }
    }
}

/// A byte offset; texts beyond 4 GiB are cut there by the parser.
pub(crate) fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_sections_and_placeholders_are_left_out() {
        let document = ReportDocument::from_columns(
            "a",
            &[
                (SectionKind::ClinicalInformation, "Not given."),
                (SectionKind::Technique, "  "),
                (SectionKind::Findings, " Lungs are clear.\n"),
                (SectionKind::Impression, "Normal."),
            ],
        );
        assert_eq!(document.text, "Lungs are clear.\n\nNormal.");
        let slices: Vec<_> = document
            .given_sections
            .iter()
            .map(|section| {
                (section.kind, &document.text[section.start as usize..section.end as usize])
            })
            .collect();
        assert_eq!(
            slices,
            [(SectionKind::Findings, "Lungs are clear."), (SectionKind::Impression, "Normal.")]
        );
    }
}
