//! Reports for people: each sentence with what was found in it, or the text of each organ.

use std::io::{Result, Write};

use pipeline::report::{Assertion, Change, Node, ParsedReport, ReportDocument, Side, organ_texts};
use serde_json::{Map, Value, json};

/// A report for people: each sentence with what was found in it.
pub(super) fn outline(
    document: &ReportDocument,
    parsed: &ParsedReport,
    out: &mut dyn Write,
) -> Result<()> {
    let slice = |start: u32, end: u32| &document.text[start as usize..end as usize];
    writeln!(out, "report {}", document.id)?;
    for sentence in &parsed.sentences {
        writeln!(out, "  {}", slice(sentence.start, sentence.end).replace('\n', " "))?;
        for node in parsed.nodes.iter().filter(|node| node.sentence == sentence.id) {
            let words: Vec<&str> = std::iter::once(node.kind.name()).chain(facts(node)).collect();
            writeln!(out, "    {}: {}", node.preferred, words.join(", "))?;
        }
    }
    for set in &parsed.labels {
        let named: Vec<_> = set
            .values
            .iter()
            .filter(|value| value.value != 0)
            .map(|value| format!("{} {:+}", value.label, value.value))
            .collect();
        writeln!(out, "  {}: {}", set.policy, named.join(", "))?;
    }
    Ok(())
}

/// What a mention says of its concept, where it says it: assertion, side and change.
pub(super) fn facts(node: &Node) -> impl Iterator<Item = &'static str> {
    let facts = [
        node.assertion.map(Assertion::name),
        node.side.map(Side::name),
        node.change.map(Change::name),
    ];
    facts.into_iter().flatten()
}

/// The sentences of a report by organ, for people.
pub(super) fn organs(
    document: &ReportDocument,
    parsed: &ParsedReport,
    out: &mut dyn Write,
) -> Result<()> {
    writeln!(out, "report {}", document.id)?;
    organ_texts(document, parsed)
        .iter()
        .try_for_each(|(organ, text)| writeln!(out, "  {organ}: {}", text.replace('\n', " ")))
}

/// The sentences of a report by organ, as JSON.
pub(super) fn organs_json(
    document: &ReportDocument,
    parsed: &ParsedReport,
    out: &mut dyn Write,
) -> Result<()> {
    let texts = organ_texts(document, parsed);
    let map: Map<String, Value> =
        texts.into_iter().map(|(organ, text)| (organ, Value::from(text))).collect();
    writeln!(out, "{}", json!({"id": document.id, "organs": map}))
}
