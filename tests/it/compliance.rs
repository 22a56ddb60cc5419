//! What every stage must do, whatever it is for: nothing is lost, threads change nothing, nothing in is no defect.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipeline::ingest::{Acquisition, ReadOptions, SeriesSource, read_series};
use pipeline::loader::{Dataset, Loader, LoaderConfig, OrderPlan, RankShare};
use pipeline::release::TableReader;
use pipeline::report::{ReportDocument, ReportParser, to_json};
use pipeline::volume::make_view;
use rayon::prelude::*;
use schemas::manifest::train::{InputSection, OrderSection};
use schemas::manifest::{IntensityPolicy, LimitsSection, ViewSection};
use schemas::split::Split;
use serde_json::Value;

use crate::support::{self, Finished, Workspace, json, kept, run, text, tree, write};

/// Exit code of a defect.
const DEFECT: i32 = 101;

/// What a stage made of its items.
#[derive(Debug, Default, PartialEq, Eq)]
struct Made {
    /// Items that went on.
    out: usize,
    /// Items that were left out with a reason.
    excluded: usize,
    /// Everything that was written.
    bytes: Vec<u8>,
}

/// Holds a stage to its contract. `stage` works on the first items of the list, as many as it is asked for, with so
/// many threads.
fn assert_stage_complies(name: &str, items: usize, stage: impl Fn(usize, usize) -> Made) {
    let one = stage(items, 1);
    assert_eq!(one.out + one.excluded, items, "{name}: items in = items out + items excluded");
    assert!(!one.bytes.is_empty(), "{name} writes something");
    for threads in [2, 3] {
        let other = stage(items, threads);
        assert_eq!(
            (other.out, other.excluded),
            (one.out, one.excluded),
            "{name}: {threads} threads"
        );
        assert!(other.bytes == one.bytes, "{name}: {threads} threads give other bytes than one");
    }
    let nothing = stage(0, 2);
    assert_eq!((nothing.out, nothing.excluded), (0, 0), "{name}: nothing in, nothing out");
}

/// Runs a part of the library with so many threads.
fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    pool.install(work)
}

/// Runs the binary; an empty input may be refused in words, but never by a defect.
fn verb(arguments: &[&str], items: usize, threads: usize) -> Finished {
    let threads = threads.to_string();
    let finished = run(&[arguments, &["--json", "--threads", &threads]].concat());
    assert_ne!(finished.code, Some(DEFECT), "{}", finished.stderr);
    assert!(items == 0 || finished.code == Some(0), "{arguments:?}: {}", finished.stderr);
    assert!(
        finished.code == Some(0)
            || finished.stderr.starts_with("error: ")
            || finished.stderr.contains("\nerror: ")
    );
    finished
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(support::volumes(name)).expect("reads")
}

/// Volumes as a stage finds them: whole, cut short, empty, damaged, and no volume at all.
fn volumes() -> Vec<(String, Vec<u8>)> {
    let whole = sample("train/train_7/train_7_a/train_7_a_1.nii.gz");
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    let contents = [
        whole.clone(),
        whole[..whole.len() / 2].to_vec(),
        Vec::new(),
        damaged,
        b"this is not a volume".to_vec(),
        sample("valid/valid_2/valid_2_a/valid_2_a_1.nii.gz"),
    ];
    let named = contents.into_iter().enumerate();
    named.map(|(at, bytes)| (format!("train_{}_a_1.nii.gz", at + 1), bytes)).collect()
}

/// A corpus of the first volumes with a report for each.
fn plant(root: &Path, volumes: &[(String, Vec<u8>)]) {
    std::fs::create_dir_all(root.join("volumes")).expect("makes a folder");
    let mut reports = String::from("VolumeName,Findings_EN,Impressions_EN\n");
    for (name, bytes) in volumes {
        write(&root.join("volumes").join(name), bytes);
        reports +=
            &format!("{name},\"No effusion. A 5 mm nodule in the left lower lobe.\",Stable.\n");
    }
    write(&root.join("reports.csv"), reports.as_bytes());
}

const TEXTS: [&str; 5] = [
    "Findings: No pleural effusion. A 5 mm nodule in the left lower lobe, unchanged.",
    "",
    "Impression: Possible pneumonia; cannot exclude malignancy. Compared with 3 January 2019.",
    "no findings\u{a0}\u{fffd} \u{1f4a9} 12 x 7 x cm",
    "The heart is normal in size. No pericardial effusion or pneumothorax.",
];

/// A csv of the first texts.
fn csv(path: &Path, items: usize) {
    let rows = TEXTS.iter().take(items).enumerate().map(|(at, text)| format!("r{at},\"{text}\"\n"));
    write(path, format!("id,text\n{}", rows.collect::<String>()).as_bytes());
}

fn bytes_of(folder: &Path) -> Vec<u8> {
    let files = tree(folder).into_iter();
    files
        .flat_map(|(path, bytes)| [path.to_string_lossy().as_bytes().to_vec(), bytes].concat())
        .collect()
}

#[test]
fn ingest_complies() {
    let items = volumes();
    assert_stage_complies("ingest", items.len(), |count, threads| {
        let workspace = Workspace::new();
        // Always in one folder, so that paths are the same bytes.
        plant(&workspace.path("corpus"), &items[..count]);
        let folder = workspace.path("corpus/volumes");
        let finished = verb(&["inspect", text(&folder)], count, threads);
        let verdicts: Vec<Value> = serde_json::Deserializer::from_str(&finished.stdout)
            .into_iter()
            .map(|value| value.expect("is JSON"))
            .collect();
        let out = verdicts.iter().filter(|series| series["verdict"] == "regular").count();
        Made {
            out,
            excluded: verdicts.len() - out,
            bytes: finished.stdout.replace(text(&folder), "").into_bytes(),
        }
    });
}

#[test]
fn volume_complies() {
    let workspace = Workspace::new();
    let sources: Vec<PathBuf> = volumes()
        .into_iter()
        .filter(|(name, _)| matches!(name.as_str(), "train_1_a_1.nii.gz" | "train_6_a_1.nii.gz"))
        .map(|(name, bytes)| {
            write(&workspace.path(&name), &bytes);
            workspace.path(&name)
        })
        .collect();
    let recipe = ViewSection::from_line("{ preset = \"mg3d\", resize = [24, 20, 16] }")
        .and_then(|view| view.resolve().map_err(|error| error.to_string()))
        .expect("a recipe");
    let options = ReadOptions {
        intensity: IntensityPolicy::Hounsfield,
        ..ReadOptions::with_limits(&LimitsSection::default())
    };
    let read: Vec<_> = sources
        .into_iter()
        .map(|path| {
            let source = SeriesSource::Nifti(path);
            read_series(&source, &Acquisition::default(), &options).expect("is sound").volume
        })
        .collect();
    assert_stage_complies("volume", read.len(), |count, threads| {
        let views: Vec<_> = with_threads(threads, || {
            read[..count].par_iter().map(|volume| make_view(volume, &recipe)).collect()
        });
        let bytes = views.iter().flat_map(|view| view.bytes.to_vec()).collect();
        Made { out: views.len(), excluded: 0, bytes }
    });
}

#[test]
fn report_complies() {
    let parser = ReportParser::builtin().expect("the built-in lexicon loads");
    assert_stage_complies("report", TEXTS.len(), |count, threads| {
        let lines: Vec<String> = with_threads(threads, || {
            let texts = TEXTS[..count].par_iter();
            texts
                .map(|text| {
                    let document = ReportDocument::from_text("r", *text);
                    let parsed = parser.parse(&document);
                    for sentence in &parsed.sentences {
                        let span = sentence.start as usize..sentence.end as usize;
                        assert!(document.text.get(span).is_some(), "spans are of the text");
                    }
                    to_json(&document, &parsed).to_string()
                })
                .collect()
        });
        Made { out: lines.len(), excluded: 0, bytes: lines.concat().into_bytes() }
    });
}

#[test]
fn tables_of_reports_and_their_graph_comply() {
    assert_stage_complies("tables of reports", TEXTS.len(), |count, threads| {
        let workspace = Workspace::new();
        let (file, out) = (workspace.path("reports.csv"), workspace.path("tables"));
        csv(&file, count);
        let finished = verb(&["report", text(&file), "--out", text(&out)], count, threads);
        Made {
            out: json(&finished)["reports"].as_u64().expect("a count") as usize,
            excluded: 0,
            bytes: bytes_of(&out),
        }
    });
}

#[test]
fn curation_complies() {
    let items = volumes();
    assert_stage_complies("curation", items.len(), |count, threads| {
        let workspace = Workspace::new();
        plant(&workspace.path("corpus"), &items[..count]);
        let manifest = workspace.path("m.toml");
        write(
            &manifest,
            b"version = 1\nname = \"t\"\n[corpus]\nlayout = \"ct-rate\"\nroot = \"corpus\"\n\
              volumes = [\"volumes\"]\nreports = [\"reports.csv\"]\n[[view]]\nname = \"small\"\n\
              preset = \"mg3d\"\nresize = [16, 16, 16]\n[shard]\nmax_studies = 2\n\
              [release]\nout = \"out\"\n",
        );
        let finished = verb(&["curate", text(&manifest)], count, threads);
        let Ok(summary) = serde_json::from_str::<Value>(&finished.stdout) else {
            assert_eq!((count, finished.code), (0, Some(2)), "{}", finished.stderr);
            return Made::default();
        };
        let release = workspace.path("out/release");
        let excluded = TableReader::open(&release, "excluded").expect("opens");
        let sources = excluded.texts("source").expect("is there");
        let reasons = excluded.texts("reason").expect("is there");
        assert!(reasons.iter().all(|reason| !reason.is_empty() && reason != "internal_error"));
        Made {
            out: summary["included"].as_u64().expect("a count") as usize,
            excluded: sources.iter().filter(|source| source.starts_with("volumes/")).count(),
            bytes: bytes_of(&release),
        }
    });
}

#[test]
fn the_loader_complies() {
    let release = kept("release").pop().expect("there is one");
    let index = TableReader::open(&release, "index").expect("opens");
    assert_stage_complies("loader", index.rows(), |count, threads| {
        // A split without samples is the empty input.
        let split = if count == 0 { Split::Test } else { Split::Train };
        let dataset = match Dataset::open(&release, "small", split) {
            Ok(dataset) => Arc::new(dataset),
            Err(error) => {
                assert_eq!(count, 0, "{error}");
                return Made::default();
            }
        };
        let config = LoaderConfig {
            plan: OrderPlan { seed: 7, batch: 1, rules: OrderSection::default() },
            input: InputSection::default(),
            share: RankShare { rank: 0, world_size: 1 },
            threads,
            ring_bytes: 1 << 20,
            position: 0,
            batches: Some(count as u64),
        };
        let mut loader = Loader::start(dataset, config).expect("starts");
        let mut made = Made::default();
        while let Some(batch) = loader.next_batch().expect("a batch") {
            for series in batch.studies.iter().flat_map(|study| &study.series) {
                made.out += 1;
                made.bytes.extend(series.record.sample_id.as_str().bytes());
            }
            made.bytes.extend(batch.slot.bytes());
        }
        made
    });
}
