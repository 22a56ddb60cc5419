//! `radloom report explain`: step by step, why a text is read as it is.

use std::io::{Result, Write};

use pipeline::report::{
    ExplainedSentence, Node, ParsedReport, ReportDocument, ReportParser, Span, to_json,
};
use serde_json::json;

use super::outline::facts;

pub(super) fn explain(
    parser: &ReportParser,
    text: &str,
    as_json: bool,
    out: &mut impl Write,
) -> Result<()> {
    let document = ReportDocument::from_text("text", text);
    let parsed = parser.parse(&document);
    let steps = parser.explain(&document, &parsed);
    if as_json {
        let value = json!({"report": to_json(&document, &parsed), "steps": steps});
        return writeln!(out, "{value}");
    }
    for (index, section) in parsed.sections.iter().enumerate() {
        writeln!(out, "section {} ({})", section.kind, section.how)?;
        for step in &steps {
            let sentence = parsed.sentences.get(step.sentence as usize);
            if sentence.is_some_and(|sentence| sentence.section as usize == index) {
                explain_sentence(&document, &parsed, step, out)?;
            }
        }
    }
    for set in &parsed.labels {
        for value in &set.values {
            let Some(confidence) = value.confidence else { continue };
            let words: Vec<String> = value
                .evidence
                .iter()
                .filter_map(|&id| Some(words(&document, parsed.nodes.get(id as usize)?)))
                .collect();
            let (policy, label, value) = (&set.policy, &value.label, value.value);
            writeln!(
                out,
                "label {policy}: {label} is {value}, {confidence} by {}",
                words.join(", ")
            )?;
        }
    }
    Ok(())
}

fn explain_sentence(
    document: &ReportDocument,
    parsed: &ParsedReport,
    step: &ExplainedSentence,
    out: &mut impl Write,
) -> Result<()> {
    let at = |span: Span| quoted(document, span.start, span.end);
    if let Some(sentence) = parsed.sentences.get(step.sentence as usize) {
        let text = quoted(document, sentence.start, sentence.end);
        writeln!(out, "  sentence {}: {text}", step.sentence)?;
    }
    if step.clauses.len() > 1 {
        for clause in &step.clauses {
            writeln!(out, "    clause {}", at(*clause))?;
        }
    }
    for phrase in &step.phrases {
        writeln!(out, "    phrase {}: {}", at(phrase.at), phrase.meaning)?;
    }
    for cue in &step.cues {
        let reach = cue.reach.map_or_else(|| "nothing".to_owned(), at);
        writeln!(out, "    cue {} reaches {reach}: {}", at(cue.at), cue.rule)?;
    }
    for node in parsed.nodes.iter().filter(|node| node.sentence == step.sentence) {
        let facts: Vec<&str> = facts(node).collect();
        let by =
            node.cue.as_ref().map(|cue| format!(" by {}", quoted(document, cue.start, cue.end)));
        writeln!(
            out,
            "    {} is {}{}{}: {}{}. {}",
            words(document, node),
            node.concept,
            if facts.is_empty() { "" } else { ", " },
            facts.join(", "),
            node.rule,
            by.unwrap_or_default(),
            node.rule.doc()
        )?;
    }
    for edge in &parsed.edges {
        let ends =
            parsed.nodes.get(edge.source as usize).zip(parsed.nodes.get(edge.target as usize));
        let Some((source, target)) = ends.filter(|(source, _)| source.sentence == step.sentence)
        else {
            continue;
        };
        let (source, target) = (words(document, source), words(document, target));
        let guess = if edge.rule.is_guess() { " (a guess)" } else { "" };
        writeln!(
            out,
            "    {source} {} {target}: {}{guess}. {}",
            edge.relation,
            edge.rule,
            edge.rule.doc()
        )?;
    }
    Ok(())
}

fn words(document: &ReportDocument, node: &Node) -> String {
    quoted(document, node.start, node.end)
}

fn quoted(document: &ReportDocument, start: u32, end: u32) -> String {
    let text = document.text.get(start as usize..end as usize).unwrap_or_default();
    format!("`{}`", text.split_whitespace().collect::<Vec<_>>().join(" "))
}
