//! The reports of a release, joined by study.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemas::manifest::train::LabelSource;
use schemas::study::{EntitySpan, Sentence};

use crate::release::{ReleaseError, TableReader};
use crate::report::Side;

/// Sections that state what was asked and done, not what is seen.
const NOT_FINDINGS: [&str; 2] = ["clinical_information", "technique"];

/// Value of a label that nothing is known of.
const UNKNOWN: i8 = -1;

/// The report and the labels of one study.
#[derive(Debug, Default)]
pub(super) struct StudyText {
    pub(super) sentences: Vec<Sentence>,
    pub(super) labels: Vec<i8>,
    /// Whether left is told from right, by a mention or in words.
    pub(super) names_side: bool,
}

/// The texts of some studies.
pub(super) struct Texts {
    pub(super) by_study: BTreeMap<String, StudyText>,
    /// Names of the labels, in the order of their values.
    pub(super) labels: Vec<String>,
}

impl Texts {
    /// Reads the texts of the studies that are `wanted`, with the labels of `source`, from the release at `path`.
    pub(super) fn read(
        path: &Path,
        wanted: impl Fn(&str) -> bool,
        source: LabelSource,
    ) -> Result<Self, ReleaseError> {
        let mut by_study: BTreeMap<String, StudyText> = BTreeMap::new();
        let reports = TableReader::open(path, "reports")?;
        let bodies: BTreeMap<String, String> =
            reports.texts("study_id")?.into_iter().zip(reports.texts("text")?).collect();
        let sentences = TableReader::open(path, "sentences")?;
        let (studies, sections) = (sentences.texts("study_id")?, sentences.texts("section")?);
        let (starts, ends) = (sentences.u32s("start")?, sentences.u32s("end")?);
        let (types, numbers) = (sentences.u64s("sentence_type")?, sentences.u32s("sentence")?);
        // Releases of revision 1 have no such column.
        let breaks = sentences.u32_lists("breaks").unwrap_or_default();
        let nodes = TableReader::open(path, "nodes")?;
        let mentions = Mentions::read(&nodes, &wanted)?;
        for row in 0..sentences.rows() {
            if !wanted(&studies[row]) || NOT_FINDINGS.contains(&sections[row].as_str()) {
                continue;
            }
            let body = bodies.get(&studies[row]).map_or("", String::as_str);
            let text = body.get(starts[row] as usize..ends[row] as usize).unwrap_or_default();
            let study = by_study.entry(studies[row].clone()).or_default();
            study.names_side |= names_side(&text.to_lowercase());
            study.sentences.push(Sentence {
                text: text.to_owned(),
                impression: sections[row] == "impression",
                sentence_type: types[row],
                breaks: breaks
                    .get(row)
                    .into_iter()
                    .flatten()
                    .filter_map(|at| at.checked_sub(starts[row]))
                    .collect(),
                entities: mentions.entities(&studies[row], numbers[row], starts[row], ends[row]),
            });
        }
        for study in &mentions.sided {
            by_study.entry(study.clone()).or_default().names_side = true;
        }
        let labels = read_labels(path, &wanted, source, &mut by_study)?;
        Ok(Self { by_study, labels })
    }
}

/// Adds the label values of the first policy to the studies and returns the names of its labels.
fn read_labels(
    path: &Path,
    wanted: &impl Fn(&str) -> bool,
    source: LabelSource,
    by_study: &mut BTreeMap<String, StudyText>,
) -> Result<Vec<String>, ReleaseError> {
    let labels = TableReader::open(path, "labels")?;
    let (studies, policies) = (labels.texts("study_id")?, labels.texts("policy")?);
    let names = labels.texts("label")?;
    let values = match source {
        LabelSource::Reports => labels.i8s("value")?,
        LabelSource::Corpus => {
            let values = labels.optional_i8s("source_value")?.into_iter();
            values.map(|value| value.unwrap_or(UNKNOWN)).collect()
        }
    };
    let mut order: Vec<String> = Vec::new();
    let first_policy = policies.first().cloned().unwrap_or_default();
    for row in 0..labels.rows() {
        if policies[row] != first_policy {
            continue;
        }
        if !order.contains(&names[row]) {
            order.push(names[row].clone());
        }
        if wanted(&studies[row]) {
            by_study.entry(studies[row].clone()).or_default().labels.push(values[row]);
        }
    }
    Ok(order)
}

/// Whether `text` names one of the two sides.
fn names_side(text: &str) -> bool {
    [Side::Left, Side::Right].into_iter().any(|side| text.contains(side.name()))
}

/// The spans of the nodes of some studies.
struct Mentions {
    by_study: BTreeMap<String, Vec<Mention>>,
    /// Studies with a mention on one side.
    sided: BTreeSet<String>,
}

/// Sentence, first byte, byte after the last and number of a node.
type Mention = (u32, u32, u32, u32);

impl Mentions {
    fn read(nodes: &TableReader, wanted: impl Fn(&str) -> bool) -> Result<Self, ReleaseError> {
        let (sentences, numbers) = (nodes.u32s("sentence")?, nodes.u32s("node")?);
        let (starts, ends) = (nodes.u32s("start")?, nodes.u32s("end")?);
        let sides = nodes.texts("side")?;
        let mut by_study: BTreeMap<String, Vec<Mention>> = BTreeMap::new();
        let mut sided = BTreeSet::new();
        for (row, study) in nodes.texts("study_id")?.into_iter().enumerate() {
            if !wanted(&study) {
                continue;
            }
            if names_side(&sides[row]) {
                sided.insert(study.clone());
            }
            let mention = (sentences[row], starts[row], ends[row], numbers[row]);
            by_study.entry(study).or_default().push(mention);
        }
        for mentions in by_study.values_mut() {
            mentions.sort_unstable();
        }
        Ok(Self { by_study, sided })
    }

    /// The entities of a sentence that stands at `from..to` of its report.
    fn entities(&self, study: &str, sentence: u32, from: u32, to: u32) -> Vec<EntitySpan> {
        let Some(all) = self.by_study.get(study) else { return Vec::new() };
        let first = all.partition_point(|mention| mention.0 < sentence);
        let mut entities: Vec<EntitySpan> = Vec::new();
        for &(_, start, end, node) in all[first..].iter().take_while(|m| m.0 == sentence) {
            if start < from || end > to || start >= end {
                continue;
            }
            let (start, end) = (start - from, end - from);
            match entities.last_mut() {
                Some(last) if start < last.end => last.end = last.end.max(end),
                _ => entities.push(EntitySpan { node, start, end }),
            }
        }
        entities
    }
}
