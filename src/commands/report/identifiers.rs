//! `radloom report --identifiers`: what could give a patient away.

use std::io::Write;

use pipeline::report::{Redaction, ReportDocument, ReportParser};
use serde_json::{Value, json};

pub(super) fn identifiers(
    parser: &ReportParser,
    document: &ReportDocument,
    own: &[&str],
    as_json: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let text = &document.text;
    let found: Vec<Value> = parser
        .find_identifiers(text, own)
        .iter()
        .map(|hit| {
            json!({
                "kind": hit.kind, "start": hit.start, "end": hit.end,
                "text": text[hit.start as usize..hit.end as usize],
            })
        })
        .collect();
    if as_json {
        return writeln!(out, "{}", json!({"id": document.id, "identifiers": found}));
    }
    found.iter().try_for_each(|hit| {
        let word = |key: &str| hit[key].as_str().unwrap_or_default();
        let (kind, text) = (word("kind"), word("text"));
        writeln!(out, "{}: {kind} at {}..{}: `{text}`", document.id, hit["start"], hit["end"])
    })
}

/// `radloom report --redact`: the text with placeholders in the place of what could give a patient away.
pub(super) fn redacted(
    document: &ReportDocument,
    redactions: &[Redaction],
    as_json: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let (id, text) = (&document.id, &document.text);
    if as_json {
        return writeln!(out, "{}", json!({"id": id, "text": text, "redactions": redactions}));
    }
    writeln!(out, "{text}")
}
