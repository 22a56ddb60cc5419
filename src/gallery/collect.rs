//! What the page shows, gathered from the release's tables.

use std::collections::BTreeMap;
use std::path::Path;

use pipeline::release::{Contents, ReleaseError, TableReader};
use pipeline::report::{DiagramEdge, DiagramNode};
use serde_json::Value;

/// One series with its picture.
#[derive(Default)]
pub(super) struct Card {
    pub(super) series: String,
    pub(super) study: String,
    pub(super) split: String,
    pub(super) view: String,
    pub(super) shard: String,
    pub(super) offset: u64,
    pub(super) xxh3: u64,
    pub(super) length: u64,
    pub(super) dtype: String,
    pub(super) shape: [u32; 3],
    pub(super) spacing: [f64; 3],
    pub(super) affine: [f64; 16],
    pub(super) picture: String,
    pub(super) warnings: Vec<String>,
}

/// A marked stretch of a report.
pub(super) struct Mark {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) class: String,
    pub(super) title: String,
}

/// One report with its marks and labels.
#[derive(Default)]
pub(super) struct Text {
    pub(super) body: String,
    pub(super) sections: Vec<(String, u32, u32)>,
    pub(super) marks: Vec<Mark>,
    pub(super) labels: Vec<(String, i8)>,
    pub(super) nodes: Vec<DiagramNode>,
    pub(super) edges: Vec<DiagramEdge>,
}

/// Everything on the page but the training.
pub(super) struct Page {
    pub(super) contents: Contents,
    pub(super) cards: Vec<Card>,
    pub(super) texts: BTreeMap<String, Text>,
    pub(super) excluded: Vec<[String; 3]>,
    pub(super) splits: BTreeMap<String, usize>,
}

/// Training and evaluation, where there was any.
#[derive(Default)]
pub(crate) struct Extras {
    /// Logged steps, as in the training log.
    pub(crate) steps: Vec<Value>,
    /// The evaluation as `evaluate --json` prints it.
    pub(crate) evaluation: Option<Value>,
}

pub(super) fn collect(release: &Path, shown: usize) -> Result<Page, ReleaseError> {
    let contents = Contents::read(release)?;
    let cards = cards(release, shown)?;
    let mut texts = texts(release)?;
    let wanted: std::collections::BTreeSet<&str> =
        cards.iter().map(|card| card.study.as_str()).collect();
    texts.retain(|study, _| wanted.contains(study.as_str()));
    let excluded = TableReader::open(release, "excluded")?;
    let rows = excluded.texts("source")?.into_iter().zip(excluded.texts("reason")?);
    let excluded = rows.zip(excluded.texts("detail")?).map(|((a, b), c)| [a, b, c]).collect();
    let mut splits = BTreeMap::new();
    for split in TableReader::open(release, "studies")?.texts("split")? {
        *splits.entry(split).or_default() += 1;
    }
    Ok(Page { contents, cards, texts, excluded, splits })
}

fn cards(release: &Path, shown: usize) -> Result<Vec<Card>, ReleaseError> {
    let volumes = TableReader::open(release, "volumes")?;
    let warnings: BTreeMap<String, Vec<String>> =
        volumes.texts("series_id")?.into_iter().zip(volumes.text_lists("warnings")?).collect();
    let index = TableReader::open(release, "index")?;
    let (series, studies) = (index.texts("series_id")?, index.texts("study_id")?);
    let (splits, views) = (index.texts("split")?, index.texts("view")?);
    let (shards, dtypes) = (index.texts("shard")?, index.texts("dtype")?);
    let (offsets, lengths) = (index.u64s("offset")?, index.u64s("length")?);
    let hashes = index.u64s("xxh3")?;
    let shapes = index.u32_triples("shape")?;
    let spacings = index.f64_arrays::<3>("spacing")?;
    let affines = index.f64_arrays::<16>("affine")?;
    // Pictures of one view are enough: the first.
    let first_view = views.first().cloned().unwrap_or_default();
    let mut rows: Vec<usize> = (0..index.rows()).filter(|&row| views[row] == first_view).collect();
    rows.sort_by(|&a, &b| series[a].cmp(&series[b]));
    Ok(rows
        .into_iter()
        .take(shown)
        .enumerate()
        .map(|(number, row)| Card {
            series: series[row].clone(),
            study: studies[row].clone(),
            split: splits[row].clone(),
            view: views[row].clone(),
            shard: shards[row].clone(),
            offset: offsets[row],
            xxh3: hashes[row],
            length: lengths[row],
            dtype: dtypes[row].clone(),
            shape: shapes[row],
            spacing: spacings[row],
            affine: affines[row],
            picture: format!("series-{number:03}.png"),
            warnings: warnings.get(&series[row]).cloned().unwrap_or_default(),
        })
        .collect())
}

fn texts(release: &Path) -> Result<BTreeMap<String, Text>, ReleaseError> {
    let mut texts: BTreeMap<String, Text> = BTreeMap::new();
    let reports = TableReader::open(release, "reports")?;
    for (study, body) in reports.texts("study_id")?.into_iter().zip(reports.texts("text")?) {
        texts.entry(study).or_default().body = body;
    }
    let sentences = TableReader::open(release, "sentences")?;
    let sections = sentences.texts("section")?;
    let spans = sentences.u32s("start")?.into_iter().zip(sentences.u32s("end")?);
    for ((study, section), (start, end)) in
        sentences.texts("study_id")?.into_iter().zip(sections).zip(spans)
    {
        let text = texts.entry(study).or_default();
        match text.sections.last_mut() {
            Some((kind, _, last)) if *kind == section => *last = end,
            _ => text.sections.push((section, start, end)),
        }
    }
    let nodes = TableReader::open(release, "nodes")?;
    let (studies, kinds) = (nodes.texts("study_id")?, nodes.texts("kind")?);
    let (concepts, assertions) = (nodes.texts("concept")?, nodes.texts("assertion")?);
    let (sides, changes) = (nodes.texts("side")?, nodes.texts("change")?);
    let (starts, ends) = (nodes.u32s("start")?, nodes.u32s("end")?);
    let numbers = nodes.u32s("node")?;
    for row in 0..nodes.rows() {
        let class =
            if assertions[row].is_empty() { kinds[row].clone() } else { assertions[row].clone() };
        let parts: Vec<&str> =
            [&concepts[row], &kinds[row], &assertions[row], &sides[row], &changes[row]]
                .into_iter()
                .map(String::as_str)
                .filter(|part| !part.is_empty())
                .collect();
        let text = texts.entry(studies[row].clone()).or_default();
        let words = text.body.get(starts[row] as usize..ends[row] as usize).unwrap_or_default();
        // The concept of a word for a side is named after the side, which has a place of its own.
        let concept = concepts[row].trim_start_matches("side_").replace('_', " ");
        let notes = [&concept, &assertions[row], &sides[row], &changes[row]];
        let notes = notes.into_iter().map(String::as_str);
        text.nodes.push(DiagramNode::new(
            numbers[row],
            words,
            &kinds[row],
            &assertions[row],
            notes,
        ));
        text.marks.push(Mark {
            start: starts[row],
            end: ends[row],
            class,
            title: parts.join(" · "),
        });
    }
    let edges = TableReader::open(release, "edges")?;
    let ends = edges.u32s("source")?.into_iter().zip(edges.u32s("target")?);
    let relations = edges.texts("relation")?.into_iter().zip(ends);
    for (study, (relation, (source, target))) in edges.texts("study_id")?.into_iter().zip(relations)
    {
        let edge = DiagramEdge { source, target, relation };
        texts.entry(study).or_default().edges.push(edge);
    }
    let labels = TableReader::open(release, "labels")?;
    let values = labels.texts("label")?.into_iter().zip(labels.i8s("value")?);
    for (study, value) in labels.texts("study_id")?.into_iter().zip(values) {
        texts.entry(study).or_default().labels.push(value);
    }
    Ok(texts)
}
