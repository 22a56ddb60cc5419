//! The JSON object of `radloom report --json`, one a report.

use serde_json::{Map, Value, json};

use super::document::ReportDocument;
use super::types::{Node, ParsedReport};

/// The report as JSON. Keys come in a fixed order; offsets are bytes of the document's text.
pub fn to_json(document: &ReportDocument, report: &ParsedReport) -> Value {
    let sections: Vec<Value> = report
        .sections
        .iter()
        .map(|section| {
            json!({"kind": section.kind, "start": section.start, "end": section.end, "how": section.how})
        })
        .collect();
    let sentences: Vec<Value> = report
        .sentences
        .iter()
        .map(|sentence| {
            json!({"start": sentence.start, "end": sentence.end, "section": sentence.section})
        })
        .collect();
    let nodes: Vec<Value> = report.nodes.iter().map(|node| node_json(document, node)).collect();
    let edges: Vec<Value> = report
        .edges
        .iter()
        .map(|edge| {
            json!({"source": edge.source, "target": edge.target, "relation": edge.relation, "rule": edge.rule})
        })
        .collect();
    let labels: Map<String, Value> = report
        .labels
        .iter()
        .map(|policy| {
            let values: Map<String, Value> = policy
                .values
                .iter()
                .map(|value| (value.label.clone(), Value::from(value.value)))
                .collect();
            (policy.policy.clone(), Value::Object(values))
        })
        .collect();
    let measurements: Vec<Value> = report
        .measurements
        .iter()
        .map(|m| {
            json!({
                "sentence": m.sentence, "start": m.start, "end": m.end, "values_mm": m.values_mm,
                "unit": m.unit, "prior": m.prior, "node": m.node,
            })
        })
        .collect();
    json!({
        "id": report.id,
        "sections": sections,
        "sentences": sentences,
        "nodes": nodes,
        "edges": edges,
        "labels": labels,
        "measurements": measurements,
    })
}

fn node_json(document: &ReportDocument, node: &Node) -> Value {
    let text = document.text.get(node.start as usize..node.end as usize).unwrap_or_default();
    let cue =
        node.cue.as_ref().map(|cue| json!({"start": cue.start, "end": cue.end, "rule": cue.rule}));
    json!({
        "id": node.id,
        "sentence": node.sentence,
        "kind": node.kind,
        "start": node.start,
        "end": node.end,
        "text": text,
        "concept": node.concept,
        "assertion": node.assertion,
        "certainty": (f64::from(node.certainty) * 1e4).round() / 1e4,
        "side": node.side,
        "change": node.change,
        "cue": cue,
        "rule": node.rule,
    })
}
