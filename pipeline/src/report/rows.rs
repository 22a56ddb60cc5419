//! A parsed report as rows.

use std::collections::BTreeMap;

use schemas::tables::{
    EdgeRow, IdentifierRow, LabelRow, MeasurementRow, NodeRow, ReportRow, SentenceRow,
};

use super::document::ReportDocument;
use super::identifier::{IdentifierKind, Redaction};
use super::normal_form::{normalise_sentence, sentence_type};
use super::parsed::ParsedReport;
use super::parser::ReportParser;

/// Whose report it is.
#[derive(Debug, Clone, Copy)]
pub struct ReportOrigin<'a> {
    /// The study.
    pub study_id: &'a str,
    /// The patient.
    pub patient_key: &'a str,
    /// `train`, `val` or `test`; empty outside a release.
    pub split: &'a str,
    /// What names the patient or the visit, to be looked for in the text.
    pub identifiers: &'a [&'a str],
    /// Labels that came with the corpus.
    pub source_labels: &'a BTreeMap<String, i8>,
}

/// One report as rows of every report table.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportRows {
    /// The report itself.
    pub report: ReportRow,
    /// What in it could name the patient.
    pub identifiers: Vec<IdentifierRow>,
    /// Its sentences.
    pub sentences: Vec<SentenceRow>,
    /// Its mentions.
    pub nodes: Vec<NodeRow>,
    /// Its relations.
    pub edges: Vec<EdgeRow>,
    /// Its labels.
    pub labels: Vec<LabelRow>,
    /// Its measurements.
    pub measurements: Vec<MeasurementRow>,
}

impl ReportRows {
    /// Parses a report into rows, with `redact` its redacted text, and hands on what the rows are of.
    pub fn read(
        parser: &ReportParser,
        origin: &ReportOrigin<'_>,
        document: ReportDocument,
        redact: bool,
    ) -> (Self, ReportDocument, ParsedReport) {
        let (document, redactions) = if redact {
            let (document, redactions) = parser.redact(&document, origin.identifiers);
            (document, Some(redactions))
        } else {
            (document, None)
        };
        let parsed = parser.parse(&document);
        let rows = Self::new(parser, origin, redactions.as_deref(), &document, &parsed);
        (rows, document, parsed)
    }

    fn new(
        parser: &ReportParser,
        origin: &ReportOrigin<'_>,
        redactions: Option<&[Redaction]>,
        document: &ReportDocument,
        parsed: &ParsedReport,
    ) -> Self {
        let study_id = origin.study_id.to_owned();
        let text = &document.text;
        let row = |start, end, kind: IdentifierKind, source: Option<(u32, u32)>| IdentifierRow {
            study_id: study_id.clone(),
            start,
            end,
            kind: kind.name().to_owned(),
            source_start: source.map(|source| source.0),
            source_end: source.map(|source| source.1),
        };
        let identifiers = match redactions {
            Some(redactions) => redactions
                .iter()
                .map(|r| row(r.start, r.end, r.kind, Some((r.source_start, r.source_end))))
                .collect(),
            None => parser
                .find_identifiers(text, origin.identifiers)
                .into_iter()
                .map(|found| row(found.start, found.end, found.kind, None))
                .collect(),
        };
        let sentences = parsed
            .sentences
            .iter()
            .map(|sentence| SentenceRow {
                study_id: study_id.clone(),
                sentence: sentence.id,
                section: parsed
                    .sections
                    .get(sentence.section as usize)
                    .map(|section| section.kind.name().to_owned())
                    .unwrap_or_default(),
                start: sentence.start,
                end: sentence.end,
                sentence_type: sentence_type(&normalise_sentence(
                    &text[sentence.start as usize..sentence.end as usize],
                )),
                breaks: sentence.breaks.clone(),
            })
            .collect();
        let nodes = parsed
            .nodes
            .iter()
            .map(|node| NodeRow {
                study_id: study_id.clone(),
                node: node.id,
                sentence: node.sentence,
                kind: node.kind.name().to_owned(),
                start: node.start,
                end: node.end,
                concept: node.concept.clone(),
                assertion: node.assertion.map(|value| value.name().to_owned()),
                certainty: node.certainty,
                side: node.side.map(|value| value.name().to_owned()),
                change: node.change.map(|value| value.name().to_owned()),
                cue_start: node.cue.as_ref().map(|cue| cue.start),
                cue_end: node.cue.as_ref().map(|cue| cue.end),
                rule: node.rule.name().to_owned(),
            })
            .collect();
        let edges = parsed
            .edges
            .iter()
            .map(|edge| EdgeRow {
                study_id: study_id.clone(),
                source: edge.source,
                target: edge.target,
                relation: edge.relation.name().to_owned(),
                rule: edge.rule.name().to_owned(),
            })
            .collect();
        let labels = parsed
            .labels
            .iter()
            .flat_map(|policy| policy.values.iter().map(move |value| (policy, value)))
            .map(|(policy, value)| {
                let nodes =
                    || value.evidence.iter().filter_map(|&id| parsed.nodes.get(id as usize));
                LabelRow {
                    study_id: study_id.clone(),
                    policy: policy.policy.clone(),
                    label: value.label.to_string(),
                    value: value.value,
                    confidence: value.confidence.map(|confidence| confidence.name().to_owned()),
                    evidence: value.evidence.clone(),
                    evidence_sentence: nodes().map(|node| node.sentence).collect(),
                    evidence_start: nodes().map(|node| node.start).collect(),
                    evidence_end: nodes().map(|node| node.end).collect(),
                    evidence_rule: nodes().map(|node| node.rule.name().to_owned()).collect(),
                    source_value: origin.source_labels.get(&*value.label).copied(),
                }
            })
            .collect();
        let measurements = parsed
            .measurements
            .iter()
            .map(|measurement| MeasurementRow {
                study_id: study_id.clone(),
                sentence: measurement.sentence,
                start: measurement.start,
                end: measurement.end,
                values_mm: measurement.values_mm.clone(),
                unit: measurement.unit.clone(),
                bound: measurement.bound.map(|bound| bound.name().to_owned()),
                prior: measurement.prior,
                date_start: measurement.date_start,
                date_end: measurement.date_end,
                node: measurement.node,
            })
            .collect();
        let report = ReportRow {
            study_id,
            patient_key: origin.patient_key.to_owned(),
            split: origin.split.to_owned(),
            text: text.clone(),
            section_kind: parsed
                .sections
                .iter()
                .map(|section| section.kind.name().to_owned())
                .collect(),
            section_start: parsed.sections.iter().map(|section| section.start).collect(),
            section_end: parsed.sections.iter().map(|section| section.end).collect(),
            warnings: parsed.warnings.iter().map(|warning| warning.name().to_owned()).collect(),
        };
        Self { report, identifiers, sentences, nodes, edges, labels, measurements }
    }
}
