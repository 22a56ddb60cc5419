//! Trees of DICOM files: names, archives, faulty geometry and the choice of a series.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use pipeline::ingest::dicom::SliceHeader;
use pipeline::release::TableReader;
use serde_json::Value;

use crate::support::{Workspace, done, json, run, tree, volumes, write};

const SERIES: &str = "1.2.826.0.1.3680043.2.1125.1.18085492126195434258212517481071422";

fn sample(series: &str) -> Vec<Vec<u8>> {
    tree(&volumes(series)).into_values().collect()
}

/// The slices of the one whole series there is, in order.
fn slices() -> Vec<Vec<u8>> {
    sample("train/train_1/train_1_a/train_1_a_1")
}

/// Writes these files below `root`.
fn plant(root: &Path, files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("is in a folder")).expect("makes folders");
        write(&path, bytes);
    }
}

/// Curates the tree at `root` with these lines added to `[corpus]`; the summary and the release.
fn curate(
    workspace: &Workspace,
    root: &Path,
    name: &str,
    studies: &[String],
    lines: &str,
) -> (Value, PathBuf) {
    let rows: String =
        studies.iter().map(|uid| format!("{uid},No effusion.,As on 1 January 2006.\n")).collect();
    let reports = format!("StudyInstanceUID,findings,impression\n{rows}");
    write(&root.join("reports.csv"), reports.as_bytes());
    let manifest = workspace.path(&format!("{name}.toml"));
    let text = include_str!("../../manifests/dicom-tree.toml")
        .replace("${DICOM_TREE}", root.to_str().expect("UTF-8"))
        .replace("[corpus]\n", &format!("[corpus]\n{lines}\n"))
        .replace("../out/dicom-tree", &format!("out-{name}"));
    write(&manifest, text.as_bytes());
    let summary = json(&done(&["curate", manifest.to_str().expect("UTF-8"), "--json"]));
    (summary, workspace.path(&format!("out-{name}/release")))
}

fn study(workspace: &Workspace, slice: &[u8]) -> String {
    let path = workspace.path("slice");
    write(&path, slice);
    SliceHeader::read(&path).expect("is DICOM").study_uid.clone()
}

/// Series of one study, each of a folder, curated; the summary and the release.
fn curated(name: &str, series: &[&[Vec<u8>]], lines: &str) -> (Workspace, Value, PathBuf) {
    let workspace = Workspace::new();
    let root = workspace.path("tree");
    for (number, slices) in series.iter().enumerate() {
        let files = slices.iter().enumerate();
        let files = files.map(|(at, bytes)| (format!("{number}/IM{at:04}"), bytes.clone()));
        plant(&root, &files.collect::<Vec<_>>());
    }
    let uid = study(&workspace, &series[0][0]);
    let (summary, release) = curate(&workspace, &root, name, &[uid], lines);
    (workspace, summary, release)
}

/// The hash of each view.
fn views(release: &Path) -> BTreeMap<String, u64> {
    let index = TableReader::open(release, "index").expect("opens");
    let names = index.texts("view").expect("is there");
    names.into_iter().zip(index.u64s("xxh3").expect("is there")).collect()
}

fn texts(release: &Path, table: &str, column: &str) -> Vec<String> {
    TableReader::open(release, table).expect("opens").texts(column).expect("is there")
}

#[test]
fn names_depth_and_archives_change_no_voxel() {
    let (slices, scout) = (slices(), sample("train/train_3/train_3_a/train_3_a_2"));
    let workspace = Workspace::new();
    let studies = [&slices[0], &scout[0]].map(|slice| study(&workspace, slice));
    let mut found = Vec::new();
    for name in ["straight", "reversed", "zipped"] {
        let root = workspace.path(name);
        let mut files: Vec<(String, Vec<u8>)> = slices
            .iter()
            .enumerate()
            .map(|(index, bytes)| {
                let number = if name == "reversed" { slices.len() - index } else { index };
                let folder = if index % 2 == 0 { "deep" } else { "deep/er" };
                (format!("{folder}/IM{number:04}"), bytes.clone())
            })
            .collect();
        if name == "zipped" {
            let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for (path, bytes) in &files {
                let options = zip::write::SimpleFileOptions::default();
                archive.start_file(path.as_str(), options).expect("is begun");
                archive.write_all(bytes).expect("is written");
            }
            files = vec![("export.zip".into(), archive.finish().expect("ends").into_inner())];
        }
        files.push(("scout.dcm".into(), scout[0].clone()));
        files.push(("notes.txt".into(), b"no image".to_vec()));
        plant(&root, &files);
        let (summary, release) = curate(&workspace, &root, name, &studies, "");
        assert_eq!(summary["included"], 1, "{name}: {summary}");
        assert_eq!(summary["excluded"]["localizer"], 1, "{name}: {summary}");
        let views = views(&release);
        assert!(views.keys().eq(["mg3d", "native"]));
        found.push(views);
    }
    // The date of the study stands in its report.
    assert_eq!(texts(&workspace.path("out-straight/release"), "identifiers", "kind"), ["own"]);
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
}

#[test]
fn a_gap_is_refused_or_filled_or_cut_away_as_the_manifest_says() {
    let mut slices = slices();
    let (whole, sound) = (slices.len() as u32, other_series(&slices, 4));
    slices.remove(50);
    let (_place, summary, release) = curated("reject", &[&slices, &sound], "");
    assert_eq!(summary["included"], 1, "{summary}");
    assert_eq!(summary["excluded"]["missing_slices"], 1, "{summary}");
    assert!(texts(&release, "excluded", "detail")[0].contains("gap"));
    for (policy, depth) in [("repair", whole), ("accept", 50)] {
        let (_place, summary, release) =
            curated(policy, &[&slices], &format!("gaps = \"{policy}\""));
        assert_eq!(summary["included"], 1, "{policy}: {summary}");
        assert_eq!(texts(&release, "volumes", "verdict"), ["missing_slices"]);
        let index = TableReader::open(&release, "index").expect("opens");
        let shapes = index.u32_triples("shape").expect("is there");
        let native = texts(&release, "index", "view").iter().position(|view| view == "native");
        assert_eq!(shapes[native.expect("is there")][0], depth, "{policy}");
    }
}

#[test]
fn the_command_line_takes_the_same_remedies() {
    let workspace = Workspace::new();
    let mut slices = slices();
    slices.remove(50);
    let files = slices.into_iter().enumerate().map(|(at, bytes)| (format!("IM{at:04}"), bytes));
    plant(&workspace.path("tree"), &files.collect::<Vec<_>>());
    let (input, output) = (workspace.path("tree"), workspace.path("out.nii"));
    let volume = |more: &[&str]| {
        let paths = [&input, &output].map(|path| path.to_str().expect("UTF-8"));
        run(&[&["volume"], &paths[..], &["--json"], more].concat())
    };
    let refused = volume(&[]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("--gaps"), "says what to do: {}", refused.stderr);
    let repaired = json(&volume(&["--gaps", "repair"]));
    assert_eq!(repaired["shape"][2], 79);
    assert_eq!(json(&volume(&["--gaps", "accept"]))["shape"][2], 50);
}

#[test]
fn slices_at_one_place_are_refused_or_the_first_is_kept() {
    let once = slices();
    let mut twice = once.clone();
    // Air instead of the image; the instance number is that of the slice it lies upon.
    let mut copy = once[40].clone();
    let pixels = copy.len() - 64 * 64 * 2;
    copy[pixels..].fill(0);
    twice.push(copy);
    let (_place, summary, _) = curated("reject", &[&twice, &other_series(&once, 4)], "");
    assert_eq!(summary["included"], 1, "{summary}");
    assert_eq!(summary["excluded"]["duplicate_positions"], 1, "{summary}");
    let (_place, summary, release) = curated("accept", &[&twice], "duplicates = \"accept\"");
    assert_eq!(summary["included"], 1, "{summary}");
    let (_place, _, expected) = curated("once", &[&once], "");
    assert_eq!(views(&release), views(&expected));
}

/// The slices with one text of them replaced by another of the same length.
fn with(slices: &[Vec<u8>], from: &str, to: &str) -> Vec<Vec<u8>> {
    assert_eq!(from.len(), to.len());
    let replaced = slices.iter().map(|bytes| {
        let mut bytes = bytes.clone();
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes());
        let at = at.expect("stands in every slice");
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        bytes
    });
    replaced.collect()
}

/// The slices as another series of the study.
fn other_series(slices: &[Vec<u8>], number: usize) -> Vec<Vec<u8>> {
    with(slices, SERIES, &format!("{}{number}", &SERIES[..SERIES.len() - 1]))
}

#[test]
fn of_a_study_the_largest_original_series_is_chosen_and_the_others_are_listed() {
    let whole = slices();
    let short = other_series(&whole[..40], 4);
    let derived = with(&other_series(&whole, 6), "ORIGINAL", "DERIVED ");
    let studies: [&[Vec<u8>]; 3] = [&short, &derived, &whole];
    let (_place, summary, _) = curated("all", &studies, "");
    assert_eq!(summary["included"], 3, "{summary}");
    let (_place, summary, release) = curated("primary", &studies, "series = \"primary\"");
    assert_eq!(summary["included"], 1, "{summary}");
    assert_eq!(summary["excluded"]["series_not_chosen"], 2, "{summary}");
    let (_place, _, expected) = curated("alone", &[&whole], "");
    assert_eq!(views(&release), views(&expected));
    let details = texts(&release, "excluded", "detail");
    assert!(details.iter().all(|detail| !detail.is_empty()), "each says why: {details:?}");
}
