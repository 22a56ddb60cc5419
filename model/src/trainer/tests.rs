//! Runs of a tiny model: the loss falls, and stopping changes nothing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::backend::flex::FlexDevice;
use burn::backend::{Autodiff, Flex};
use schemas::manifest::ManifestOrigin;
use schemas::manifest::train::{
    EvaluateSection, OptimizerGroup, OptimizerSection, ScheduleKind, ScheduleSection, SystemTable,
    TrainSection,
};

use super::{Checkpoint, Outcome, StepReport, TrainError, TrainJob, TrainSummary, train};
use crate::batch::{BatchSource, ListSource, StudyBatch};
use crate::evaluate::{EvaluateJob, evaluate};
use crate::system::mg3d::Mg3dSystem;
use crate::system::{InputShape, Vocabulary};
use crate::testing::{FINDINGS, VOLUME, batch_of, synthetic_batch, texts};

fn table(keys: serde_json::Value) -> SystemTable {
    serde_json::from_value(keys).expect("a table")
}

fn section(steps: u64) -> TrainSection {
    TrainSection {
        seed: 3,
        steps,
        batch: 4,
        checkpoint_every: 4,
        keep_checkpoints: 2,
        optimizer: OptimizerSection { lr: 3e-3, ..OptimizerSection::default() },
        schedule: ScheduleSection {
            warmup_steps: 2,
            kind: ScheduleKind::Constant,
            ..ScheduleSection::default()
        },
        model: table(serde_json::json!({
            "patch": [4, 4, 4],
            "embed_dim": 12,
            "depths": [2, 1],
            "heads": [2, 4],
            "window": [2, 2, 2],
            "projection_dim": 24,
            "text": { "hidden": 16, "layers": 1, "heads": 2, "max_tokens": 48 },
        })),
        objectives: table(serde_json::json!({ "image_mask_block": [8, 8, 8] })),
        ..TrainSection::default()
    }
}

fn batches(count: u64) -> Vec<StudyBatch> {
    (0..count).map(|step| synthetic_batch(step, 4)).collect()
}

struct Run {
    summary: TrainSummary,
    reports: Vec<StepReport>,
}

/// Runs to the end, or until `stop_after` steps are reported.
fn run(
    out: &Path,
    section: &TrainSection,
    source: &mut dyn BatchSource,
    resume: Option<&Checkpoint>,
    stop_after: Option<u64>,
) -> Result<Run, TrainError> {
    let cancel = Arc::new(AtomicBool::new(false));
    let texts = texts();
    let origin = ManifestOrigin::default();
    let job = TrainJob {
        section,
        origin: &origin,
        out,
        release_id: "release",
        input: InputShape { blocks: 1, block: VOLUME },
        vocabulary: Vocabulary::Texts(&texts),
        resume,
        cancel: Arc::clone(&cancel),
    };
    let mut reports = Vec::new();
    let mut progress = |report: &StepReport| {
        reports.push(report.clone());
        if Some(report.step) == stop_after {
            cancel.store(true, Ordering::Relaxed);
        }
    };
    let summary = train::<Mg3dSystem, Autodiff<Flex>>(&job, source, &mut progress, &FlexDevice)?;
    Ok(Run { summary, reports })
}

/// What must not depend on stopping.
fn losses(reports: &[StepReport]) -> Vec<(u64, u64, Vec<u64>, u64)> {
    reports
        .iter()
        .map(|report| {
            let parts = report.losses.values().map(|loss| loss.to_bits()).collect();
            (report.step, report.loss.to_bits(), parts, report.gradient_norm.to_bits())
        })
        .collect()
}

#[test]
fn a_run_that_stops_and_goes_on_gives_bit_equal_losses_and_weights() {
    let folder = tempfile::tempdir().expect("folder");
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let section = section(10);
    let uninterrupted =
        run(&whole, &section, &mut ListSource::new(batches(10)), None, None).expect("whole run");
    assert_eq!(uninterrupted.summary.outcome, Outcome::Finished);
    assert_eq!(uninterrupted.reports.len(), 10);

    let mut source = ListSource::new(batches(10));
    let first = run(&parts, &section, &mut source, None, Some(6)).expect("first part");
    assert_eq!((first.summary.outcome, first.summary.step), (Outcome::Interrupted, 6));
    let checkpoint = Checkpoint::latest(&parts).expect("readable").expect("a checkpoint");
    assert_eq!(checkpoint.info.step, 6);
    let mut source = ListSource::new(batches(10)).seek(&checkpoint.info.loader_token);
    let second = run(&parts, &section, &mut source, Some(&checkpoint), None).expect("second part");

    let mut together = first.reports.clone();
    together.extend(second.reports);
    assert_eq!(losses(&together), losses(&uninterrupted.reports));
    for file in ["model.safetensors", "optimizer.safetensors", "tokenizer.json"] {
        let read =
            |summary: &TrainSummary| std::fs::read(summary.checkpoint.join(file)).expect(file);
        assert!(read(&uninterrupted.summary) == read(&second.summary), "{file} differs");
    }
    // The log holds every step once.
    let log = std::fs::read_to_string(parts.join("train.jsonl")).expect("log");
    let steps: Vec<u64> = log
        .lines()
        .map(|line| serde_json::from_str::<StepReport>(line).expect("a report").step)
        .collect();
    assert_eq!(steps, (1..=10).collect::<Vec<u64>>());
    // Two checkpoints are kept, and no temporary folder is left.
    let mut names: Vec<String> = std::fs::read_dir(parts.join("checkpoints"))
        .expect("folder")
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["latest", "step-000008", "step-000010"]);
}

#[test]
fn the_loss_falls_and_every_objective_learns() {
    let folder = tempfile::tempdir().expect("folder");
    let steps = 120;
    let section = TrainSection { checkpoint_every: 1000, ..section(steps) };
    let run = run(folder.path(), &section, &mut ListSource::new(batches(steps)), None, None)
        .expect("run");
    let mean = |reports: &[StepReport], name: &str| {
        reports.iter().filter_map(|report| report.losses.get(name)).sum::<f64>()
            / reports.len() as f64
    };
    let (start, end) = (&run.reports[..10], &run.reports[run.reports.len() - 10..]);
    for (name, factor) in [
        ("mlm", 0.8),
        ("sal", 0.8),
        ("mim", 0.7),
        ("image_report", 0.8),
        ("multi_modal", 0.8),
        ("disentangled", 0.9),
        ("similarity", 0.9),
    ] {
        let (before, after) = (mean(start, name), mean(end, name));
        assert!(after < factor * before, "{name}: {before} -> {after}");
    }

    // What was learned shows on the set itself.
    let checkpoint = Checkpoint::open(&run.summary.checkpoint).expect("checkpoint");
    let labels: Vec<String> = FINDINGS.iter().map(|label| (*label).to_owned()).collect();
    let measures = EvaluateSection { bootstrap: 50, ..EvaluateSection::default() };
    let job = EvaluateJob { checkpoint: &checkpoint, section: &measures, labels: &labels };
    // Three rounds of the eight combinations of findings: twelve positives and negatives of each.
    let split = |first: [u64; 4]| {
        let rest = (1..6).map(|number| {
            batch_of(number, &[4 * number, 4 * number + 1, 4 * number + 2, 4 * number + 3])
        });
        ListSource::new(std::iter::once(batch_of(0, &first)).chain(rest).collect())
    };
    let all = || split([0, 1, 2, 3]);
    let report = evaluate::<Mg3dSystem, Flex>(job, Some(&mut all()), &mut all(), &FlexDevice)
        .expect("report");
    let probe = report.metrics["linear_probe_auroc_macro"];
    assert!(
        probe.value > 0.9 && probe.low <= probe.value && probe.value <= probe.high,
        "{probe:?}"
    );
    assert!(report.metrics["masked_image_mse"].value < 0.2);
    assert_eq!(report.metrics["retrieval_text_to_image_recall_at_5"].n, 24);
    // Same checkpoint, same numbers; and reconstructions of a study count once.
    let again = evaluate::<Mg3dSystem, Flex>(job, Some(&mut all()), &mut all(), &FlexDevice)
        .expect("report");
    assert_eq!(report, again);
    let mut twice = split([0, 0, 2, 3]);
    let merged = evaluate::<Mg3dSystem, Flex>(job, None, &mut twice, &FlexDevice).expect("report");
    assert_eq!(merged.metrics["masked_image_mse"].n, 23);
    assert!(merged.skipped.iter().any(|skipped| skipped.metric == "linear_probe_auroc/nodule"));
    // What few studies cannot carry is not given as a number.
    let mut few = ListSource::new(vec![batch_of(0, &[0, 1, 2, 3]), batch_of(1, &[4, 5, 6, 7])]);
    let few =
        evaluate::<Mg3dSystem, Flex>(job, Some(&mut all()), &mut few, &FlexDevice).expect("report");
    assert!(few.metrics.is_empty(), "{:?}", few.metrics);
    assert!(few.skipped.iter().all(|skipped| skipped.reason.starts_with("not estimable")));
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let first = section(2);
    run(folder.path(), &first, &mut ListSource::new(batches(2)), None, None).expect("run");
    let checkpoint = Checkpoint::latest(folder.path()).expect("readable").expect("a checkpoint");
    let other = TrainSection { seed: 4, ..section(4) };
    let error =
        run(folder.path(), &other, &mut ListSource::new(batches(4)), Some(&checkpoint), None);
    assert!(matches!(error, Err(TrainError::Mismatch { field: "seed" })));
    // A source that was not moved to the position gives the wrong batch.
    let longer = section(4);
    let error =
        run(folder.path(), &longer, &mut ListSource::new(batches(4)), Some(&checkpoint), None);
    assert!(matches!(error, Err(TrainError::Order { found: 0, expected: 2 })));
}

#[test]
fn another_length_is_refused_where_it_changes_the_rate_unless_the_manifest_says_so() {
    let folder = tempfile::tempdir().expect("folder");
    let falling = |steps| {
        let mut section = section(steps);
        section.schedule.kind = ScheduleKind::Linear;
        section
    };
    run(folder.path(), &falling(2), &mut ListSource::new(batches(2)), None, None).expect("run");
    let checkpoint = Checkpoint::latest(folder.path()).expect("readable").expect("a checkpoint");
    let go_on = |section: &TrainSection| {
        run(folder.path(), section, &mut ListSource::new(batches(4)), Some(&checkpoint), None)
    };
    let error = go_on(&falling(4));
    assert!(matches!(error, Err(TrainError::Steps { ours: 4, theirs: 2 })));
    // Then only the source stands elsewhere.
    let error = go_on(&TrainSection { extend: true, ..falling(4) });
    assert!(matches!(error, Err(TrainError::Order { found: 0, expected: 2 })));
}

#[test]
fn a_group_that_names_no_module_is_refused_with_the_modules_there_are() {
    let folder = tempfile::tempdir().expect("folder");
    let mut section = section(1);
    section.optimizer.groups = vec![OptimizerGroup {
        modules: vec!["language_encoder".into(), "text_encoder".into()],
        lr_factor: 0.1,
        weight_decay: None,
    }];
    let error = run(folder.path(), &section, &mut ListSource::new(batches(1)), None, None);
    let message = error.err().expect("a misspelt module").to_string();
    assert!(message.contains("`text_encoder`") && message.contains("`vision_encoder`"));
}

#[test]
fn a_newer_checkpoint_format_is_refused_in_plain_words() {
    let folder = tempfile::tempdir().expect("folder");
    let done =
        run(folder.path(), &section(1), &mut ListSource::new(batches(1)), None, None).expect("run");
    let path = done.summary.checkpoint.join("checkpoint.json");
    let text = std::fs::read_to_string(&path).expect("info");
    let newer = text.replacen("\"version\": 1", "\"version\": 9, \"unheard_of\": 1", 1);
    let mut file = std::fs::File::create(&path).expect("file");
    std::io::Write::write_all(&mut file, newer.as_bytes()).expect("write");
    let error = Checkpoint::latest(folder.path()).expect_err("newer");
    assert!(error.to_string().contains("format version 9"), "{error}");
}

#[test]
fn a_source_that_ends_early_leaves_a_checkpoint() {
    let folder = tempfile::tempdir().expect("folder");
    let done =
        run(folder.path(), &section(9), &mut ListSource::new(batches(3)), None, None).expect("run");
    assert_eq!((done.summary.outcome, done.summary.step), (Outcome::Exhausted, 3));
    assert!(done.summary.checkpoint.ends_with("step-000003"));
}
