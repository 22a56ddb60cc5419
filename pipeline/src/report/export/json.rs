//! The JSON object of `radloom report --json`, one per report, as a value.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

use super::organ_texts::organ_sentences;
use crate::report::document::ReportDocument;
use crate::report::parsed::{
    Assertion, Bound, Change, Confidence, Cue, Measurement, Node, NodeKind, ParsedReport,
    PolicyLabels, Reference, Relation, ReportWarning, SectionKind, SectionSource, Side,
};
use crate::report::rule::Rule;

/// The report as one line of JSON text.
pub fn to_json_line(document: &ReportDocument, report: &ParsedReport) -> String {
    serde_json::to_string(&JsonReport::new(document, report)).unwrap_or_default()
}

/// The report as a JSON value. Keys come in a fixed order; offsets are bytes of the document's text.
pub fn to_json(document: &ReportDocument, report: &ParsedReport) -> Value {
    serde_json::to_value(JsonReport::new(document, report)).unwrap_or(Value::Null)
}

#[derive(Serialize)]
struct JsonReport<'a> {
    id: &'a str,
    /// The character set of the source, where it was not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    sections: Vec<JsonSection>,
    sentences: Vec<JsonSentence>,
    #[serde(serialize_with = "nodes")]
    nodes: (&'a str, &'a [Node]),
    edges: Vec<JsonEdge>,
    #[serde(serialize_with = "labels")]
    labels: &'a [PolicyLabels],
    measurements: Vec<JsonMeasurement<'a>>,
    references: &'a [Reference],
    #[serde(serialize_with = "organs")]
    organs: Vec<(&'static str, Vec<u32>)>,
    #[serde(serialize_with = "label_evidence")]
    label_evidence: &'a [PolicyLabels],
    warnings: &'a [ReportWarning],
}

#[derive(Serialize)]
struct JsonSection {
    kind: SectionKind,
    start: u32,
    end: u32,
    how: SectionSource,
}

#[derive(Serialize)]
struct JsonSentence {
    start: u32,
    end: u32,
    section: u32,
}

#[derive(Serialize)]
struct JsonNode<'a> {
    id: u32,
    sentence: u32,
    kind: NodeKind,
    start: u32,
    end: u32,
    text: &'a str,
    concept: &'a str,
    assertion: Option<Assertion>,
    certainty: f64,
    side: Option<Side>,
    change: Option<Change>,
    cue: Option<&'a Cue>,
    rule: Rule,
}

#[derive(Serialize)]
struct JsonEdge {
    source: u32,
    target: u32,
    relation: Relation,
    rule: Rule,
}

#[derive(Serialize)]
struct JsonMeasurement<'a> {
    sentence: u32,
    start: u32,
    end: u32,
    values_mm: &'a [f64],
    unit: &'a str,
    bound: Option<Bound>,
    prior: bool,
    date: Option<&'a str>,
    node: Option<u32>,
}

impl<'a> JsonReport<'a> {
    fn new(document: &'a ReportDocument, report: &'a ParsedReport) -> Self {
        let sections = report.sections.iter().map(|s| JsonSection {
            kind: s.kind,
            start: s.start,
            end: s.end,
            how: s.how,
        });
        let sentences = report.sentences.iter().map(|s| JsonSentence {
            start: s.start,
            end: s.end,
            section: s.section,
        });
        let edges = report.edges.iter().map(|e| JsonEdge {
            source: e.source,
            target: e.target,
            relation: e.relation,
            rule: e.rule,
        });
        let measurement = |m: &'a Measurement| JsonMeasurement {
            sentence: m.sentence,
            start: m.start,
            end: m.end,
            values_mm: &m.values_mm,
            unit: &m.unit,
            bound: m.bound,
            prior: m.prior,
            date: m
                .date_start
                .zip(m.date_end)
                .and_then(|(start, end)| document.text.get(start as usize..end as usize)),
            node: m.node,
        };
        Self {
            encoding: document.encoding,
            id: &report.id,
            sections: sections.collect(),
            sentences: sentences.collect(),
            nodes: (&document.text, &report.nodes),
            edges: edges.collect(),
            labels: &report.labels,
            measurements: report.measurements.iter().map(measurement).collect(),
            references: &report.references,
            organs: organ_sentences(report),
            label_evidence: &report.labels,
            warnings: &report.warnings,
        }
    }
}

fn nodes<S: Serializer>((text, nodes): &(&str, &[Node]), serializer: S) -> Result<S::Ok, S::Error> {
    let mut sequence = serializer.serialize_seq(Some(nodes.len()))?;
    for node in *nodes {
        sequence.serialize_element(&JsonNode {
            id: node.id,
            sentence: node.sentence,
            kind: node.kind,
            start: node.start,
            end: node.end,
            text: text.get(node.start as usize..node.end as usize).unwrap_or_default(),
            concept: &node.concept,
            assertion: node.assertion,
            certainty: (f64::from(node.certainty) * 1e4).round() / 1e4,
            side: node.side,
            change: node.change,
            cue: node.cue.as_ref(),
            rule: node.rule,
        })?;
    }
    sequence.end()
}

/// `{policy: {label: value}}`, in the order of the policies.
fn labels<S: Serializer>(labels: &&[PolicyLabels], serializer: S) -> Result<S::Ok, S::Error> {
    struct Values<'a>(&'a PolicyLabels);
    impl Serialize for Values<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.0.values.len()))?;
            for value in &self.0.values {
                map.serialize_entry(&value.label, &value.value)?;
            }
            map.end()
        }
    }
    let mut map = serializer.serialize_map(Some(labels.len()))?;
    for policy in *labels {
        map.serialize_entry(&policy.policy, &Values(policy))?;
    }
    map.end()
}

/// Of each label that something in the text decides, its nodes and how sure they are.
fn label_evidence<S: Serializer>(
    labels: &&[PolicyLabels],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Decided<'a> {
        nodes: &'a [u32],
        confidence: Confidence,
    }
    struct Values<'a>(&'a PolicyLabels);
    impl Serialize for Values<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            for value in &self.0.values {
                if let Some(confidence) = value.confidence {
                    map.serialize_entry(
                        &value.label,
                        &Decided { nodes: &value.evidence, confidence },
                    )?;
                }
            }
            map.end()
        }
    }
    let mut map = serializer.serialize_map(Some(labels.len()))?;
    for policy in *labels {
        map.serialize_entry(&policy.policy, &Values(policy))?;
    }
    map.end()
}

fn organs<S: Serializer>(
    organs: &[(&'static str, Vec<u32>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(organs.len()))?;
    for (organ, sentences) in organs {
        map.serialize_entry(organ, sentences)?;
    }
    map.end()
}
