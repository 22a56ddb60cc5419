//! A small corpus, read back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::finding::{Finding, Kind};
use super::grid::Grid;
use super::report::Wordings;
use super::tables::LABELS;
use super::{PhantomError, PhantomOptions, PhantomSummary, make, paint, patients};
use crate::report::{ReportDocument, ReportParser};

fn small(folder: &Path, options: &PhantomOptions) -> PhantomSummary {
    make(folder, options, &|| ()).expect("is made")
}

/// Every file below `folder` with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("reads") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("is below").to_owned();
                found.insert(name, fs::read(&path).expect("reads"));
            }
        }
    }
    found
}

#[test]
fn the_same_seed_gives_the_same_bytes_at_any_thread_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = PhantomOptions { studies: 9, seed: 3, size: 32, faults: 0.5 };
    let mut made = Vec::new();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let own = folder.path().join(threads.to_string());
        let summary = pool.install(|| small(&own, &options));
        assert_eq!((summary.studies, summary.faults), (9, 5));
        made.push(files(&own));
    }
    assert!(made[0] == made[1]);
    let other = folder.path().join("other");
    small(&other, &PhantomOptions { seed: 4, ..options });
    assert!(files(&other) != made[0]);
}

#[test]
fn options_without_sense_and_a_folder_in_use_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = PhantomOptions { studies: 1, size: 32, ..PhantomOptions::default() };
    for bad in [
        PhantomOptions { studies: 0, ..good },
        PhantomOptions { size: 8, ..good },
        PhantomOptions { faults: 1.5, ..good },
    ] {
        let refused = make(folder.path(), &bad, &|| ()).expect_err("is refused");
        assert!(matches!(refused, PhantomError::Option { .. }), "{refused}");
    }
    small(folder.path(), &good);
    let refused = make(folder.path(), &good, &|| ()).expect_err("is refused");
    assert!(matches!(refused, PhantomError::Exists { .. }), "{refused}");
}

/// What a finding should look like: the mean density of its voxels before the scanner.
#[test]
fn painted_findings_have_the_density_of_what_they_are() {
    let wanted = |kind| match kind {
        Kind::AorticCalcification | Kind::CoronaryCalcification => Some(250.0..1500.0),
        Kind::PericardialEffusion | Kind::PleuralEffusion => Some(-80.0..45.0),
        Kind::Nodule | Kind::Mass | Kind::Lymphadenopathy => Some(-250.0..230.0),
        Kind::Consolidation => Some(-450.0..100.0),
        Kind::Atelectasis => Some(-450.0..130.0),
        Kind::GroundGlass => Some(-720.0..-430.0),
        Kind::Emphysema | Kind::Pneumothorax => Some(-1001.0..-880.0),
        Kind::Cardiomegaly | Kind::HiatalHernia => None,
    };
    let mut seen = BTreeMap::new();
    for study in patients::draw(40, 11) {
        let anatomy = study.anatomy(11);
        let edge = 96;
        let spacing = [anatomy.width() * 1.05, anatomy.width() * 1.05, 300.0];
        let mut grid = Grid::new([edge; 3], spacing.map(|extent| extent / edge as f32), [0.0; 3]);
        let effusion = study.finding(Kind::PericardialEffusion).map_or(0.0, |one| one.size);
        anatomy.paint(&mut grid, effusion);
        for finding in &study.findings {
            grid.mask.fill(0);
            paint::paint(&mut grid, &anatomy, std::slice::from_ref(finding));
            let own: Vec<f32> = grid
                .mask
                .iter()
                .zip(&grid.hounsfield)
                .filter(|(mask, _)| **mask == finding.kind.code())
                .map(|(_, density)| *density)
                .collect();
            assert!(!own.is_empty(), "{} has no voxel", finding.kind.key());
            let mean = own.iter().sum::<f32>() / own.len() as f32;
            if let Some(range) = wanted(finding.kind) {
                assert!(range.contains(&mean), "{} has {mean} HU", finding.kind.key());
            }
            *seen.entry(finding.kind).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.len(), Kind::ALL.len());
}

#[test]
fn a_measured_nodule_has_its_size() {
    let mut measured = 0;
    for study in patients::draw(40, 2) {
        let Some(finding) = study.finding(Kind::Nodule) else { continue };
        let finding = &Finding { count: 1, ..finding.clone() };
        let anatomy = study.anatomy(2);
        let edge = 192;
        let spacing = [1.9; 3];
        let mut grid = Grid::new([edge; 3], spacing, [0.0; 3]);
        anatomy.paint(&mut grid, 0.0);
        paint::paint(&mut grid, &anatomy, std::slice::from_ref(finding));
        let covered =
            grid.mask.iter().map(|&mask| f32::from(u8::from(mask == Kind::Nodule.code())));
        // The diameter of a ball of this volume.
        let volume = covered.sum::<f32>() * spacing.iter().product::<f32>();
        let diameter = (6.0 * volume / std::f32::consts::PI).cbrt();
        assert!(diameter < 1.1 * finding.size + 1.0, "{diameter} of {}", finding.size);
        assert!(diameter > 0.7 * finding.size - 1.0, "{diameter} of {}", finding.size);
        measured += 1;
    }
    assert!(measured > 3);
}

/// Claims of the reports against what the parser reads in them: F1 of nodes (concept, assertion, side, change) and
/// of edges (concept, anatomy or size).
#[test]
fn our_parser_reads_what_the_reports_claim() {
    let parser = ReportParser::builtin().expect("the built-in lexicon");
    let wordings = Wordings::builtin();
    let (mut nodes, mut edges) = (Score::default(), Score::default());
    let mut wrong = Vec::new();
    for study in patients::draw(300, 8) {
        let mut draws = study.draws("phantom report", 8);
        let report = wordings.report(&study.findings, study.is_later, &mut draws);
        for claim in &report.claims {
            let claim = serde_json::to_value(claim).expect("plain data");
            let sentence = claim["sentence"].as_str().expect("a sentence");
            let document = ReportDocument::from_text("r", sentence);
            let read = serde_json::to_value(parser.parse(&document)).expect("plain data");
            let (own_nodes, own_edges) = claimed(&claim);
            let (read_nodes, read_edges) = parsed(&read);
            if own_nodes != read_nodes || own_edges != read_edges {
                wrong.push(format!(
                    "{sentence}: {own_nodes:?} {own_edges:?} {read_nodes:?} {read_edges:?}"
                ));
            }
            nodes.add(&own_nodes, &read_nodes);
            edges.add(&own_edges, &read_edges);
        }
    }
    wrong.sort();
    wrong.dedup();
    let (nodes, edges) = (nodes.f1(), edges.f1());
    assert!(nodes >= 0.97 && edges >= 0.97, "nodes {nodes} edges {edges}\n{}", wrong.join("\n"));
}

#[test]
fn the_labels_are_those_of_the_policy_in_its_order() {
    let parser = ReportParser::builtin().expect("the built-in lexicon");
    let report = parser.parse(&ReportDocument::from_text("r", "No nodule."));
    let own =
        report.labels.iter().find(|labels| &*labels.policy == "ct_rate_18").expect("built in");
    let names: Vec<&str> = own.values.iter().map(|value| &*value.label).collect();
    assert_eq!(names, LABELS);
}

#[derive(Default)]
struct Score {
    right: usize,
    all: usize,
}

impl Score {
    fn add(&mut self, own: &[String], read: &[String]) {
        self.right += own.iter().filter(|one| read.contains(one)).count();
        self.all += own.len() + read.len();
    }

    fn f1(&self) -> f64 {
        2.0 * self.right as f64 / self.all as f64
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

fn claimed(claim: &Value) -> (Vec<String>, Vec<String>) {
    let concept = text(&claim["concept"]);
    let node =
        [&concept, &text(&claim["assertion"]), &text(&claim["side"]), &text(&claim["change"])]
            .map(String::as_str)
            .join(" ");
    let mut edges: Vec<String> = Vec::new();
    if let Some(anatomy) = claim["anatomy"].as_str() {
        edges.push(format!("{concept} located_at {anatomy}"));
    }
    for size in claim["sizes_mm"].as_array().into_iter().flatten() {
        edges.push(format!("{concept} measures {size}"));
    }
    edges.sort();
    (vec![node], edges)
}

fn parsed(read: &Value) -> (Vec<String>, Vec<String>) {
    let all = read["nodes"].as_array().expect("nodes");
    let concept = |index: &Value| text(&all[index.as_u64().expect("an index") as usize]["concept"]);
    let nodes = all
        .iter()
        .filter(|node| node["kind"] == "observation")
        .map(|node| {
            [&node["concept"], &node["assertion"], &node["side"], &node["change"]]
                .map(text)
                .join(" ")
        })
        .collect();
    let mut edges: Vec<String> = read["edges"]
        .as_array()
        .expect("edges")
        .iter()
        .filter(|edge| edge["relation"] == "located_at")
        .map(|edge| format!("{} located_at {}", concept(&edge["source"]), concept(&edge["target"])))
        .collect();
    for size in read["measurements"].as_array().into_iter().flatten() {
        for value in size["values_mm"].as_array().into_iter().flatten() {
            edges.push(format!("{} measures {value}", concept(&size["node"])));
        }
    }
    edges.sort();
    (nodes, edges)
}
