//! Reports for people: each sentence with what was found in it, or the text of each organ.

use std::io::Write;

use pipeline::report::{Assertion, Change, ParsedReport, ReportDocument, Side, organ_texts};
use serde_json::{Map, Value, json};

/// A report for people: each sentence with what was found in it.
pub(super) fn outline(document: &ReportDocument, parsed: &ParsedReport) -> Vec<String> {
    let slice = |start: u32, end: u32| &document.text[start as usize..end as usize];
    let mut lines = vec![format!("report {}", document.id)];
    for sentence in &parsed.sentences {
        lines.push(format!("  {}", slice(sentence.start, sentence.end).replace('\n', " ")));
        for node in parsed.nodes.iter().filter(|node| node.sentence == sentence.id) {
            let words: Vec<&str> = [
                Some(node.kind.name()),
                node.assertion.map(Assertion::name),
                node.side.map(Side::name),
                node.change.map(Change::name),
            ]
            .into_iter()
            .flatten()
            .collect();
            lines.push(format!("    {}: {}", node.preferred, words.join(", ")));
        }
    }
    for set in &parsed.labels {
        let named: Vec<_> = set
            .values
            .iter()
            .filter(|value| value.value != 0)
            .map(|value| format!("{} {:+}", value.label, value.value))
            .collect();
        lines.push(format!("  {}: {}", set.policy, named.join(", ")));
    }
    lines
}

/// The sentences of a report by organ.
pub(super) fn organs(
    document: &ReportDocument,
    parsed: &ParsedReport,
    as_json: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let texts = organ_texts(document, parsed);
    if as_json {
        let map: Map<String, Value> =
            texts.into_iter().map(|(organ, text)| (organ, Value::from(text))).collect();
        return writeln!(out, "{}", json!({"id": document.id, "organs": map}));
    }
    writeln!(out, "report {}", document.id)?;
    texts
        .iter()
        .try_for_each(|(organ, text)| writeln!(out, "  {organ}: {}", text.replace('\n', " ")))
}
