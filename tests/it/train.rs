//! Training from the release: the loss falls, and a resumed run is the run that was not stopped.

use pipeline::loader::Dataset;
use schemas::manifest::train::LabelSource;
use schemas::split::Split;

use crate::support::{Workspace, done, json, run, text};

/// A run small enough for a debug build.
const SMALL: [&str; 12] = [
    "--set",
    "train.batch=2",
    "--set",
    "train.model.embed_dim=24",
    "--set",
    "train.model.text.hidden=32",
    "--set",
    "train.model.patch=[16,16,16]",
    "--set",
    "train.model.window=[4,3,4]",
    "--set",
    "train.checkpoint_every=3",
];

fn losses(stdout: &str) -> Vec<(u64, f64)> {
    stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|value| {
            for key in ["losses", "lr", "data_wait_s", "step_s"] {
                assert!(value.get(key).is_some(), "{key}");
            }
            (value["step"].as_u64().expect("a step"), value["loss"].as_f64().expect("a loss"))
        })
        .collect()
}

#[test]
fn a_resumed_run_gives_the_losses_of_one_that_was_not_stopped() {
    let workspace = Workspace::new();
    let manifest = workspace.plain_manifest();
    done(&["curate", text(&manifest), "--quiet"]);
    let train = |out: &str, steps: &str| {
        let steps = format!("train.steps={steps}");
        let out = workspace.path(out);
        let mut arguments = vec![
            "train",
            text(&manifest),
            "--json",
            "--quiet",
            "--out",
            text(&out),
            "--set",
            &steps,
        ];
        arguments.extend(SMALL);
        // A constant rate, so that a run's length does not enter into its steps.
        arguments.extend(["--set", "train.schedule.kind=constant"]);
        losses(&done(&arguments).stdout)
    };
    let copy = |name: &str| {
        std::fs::create_dir_all(workspace.path(name)).expect("makes a folder");
        std::os::unix::fs::symlink(
            workspace.path("out/release"),
            workspace.path(name).join("release"),
        )
        .expect("links");
    };
    copy("whole");
    copy("parts");
    let whole = train("whole", "8");
    let mut parts = train("parts", "3");
    parts.extend(train("parts", "8"));
    assert_eq!(whole.len(), 8);
    assert_eq!(parts, whole, "bit-equal losses");
}

#[test]
fn run_goes_all_the_way_and_the_loss_falls() {
    let workspace = Workspace::new();
    let manifest = workspace.plain_manifest();
    let mut arguments =
        vec!["run", text(&manifest), "--json", "--quiet", "--set", "train.steps=24"];
    arguments.extend(SMALL);
    let summary = json(&done(&arguments));
    for key in ["release_dir", "release_id", "checkpoint", "gallery", "wall_s", "peak_rss_bytes"] {
        assert!(summary.get(key).is_some(), "{key} in {summary}");
    }
    let log = std::fs::read_to_string(workspace.path("out/train/train.jsonl")).expect("reads");
    let losses = losses(&log);
    let mean =
        |part: &[(u64, f64)]| part.iter().map(|step| step.1).sum::<f64>() / part.len() as f64;
    assert_eq!(losses.len(), 24);
    assert!(mean(&losses[18..]) < 0.9 * mean(&losses[..6]), "{losses:?}");

    let page = std::fs::read_to_string(workspace.path("out/gallery/index.html")).expect("reads");
    for part in ["<svg", "<mark class=\"absent\"", "volume_truncated", "series-000.png"] {
        assert!(page.contains(part), "{part}");
    }
    let mut evaluate = vec!["evaluate", text(&manifest), "--json", "--quiet"];
    evaluate.extend(SMALL);
    let report = json(&done(&evaluate));
    // Two studies carry no metric.
    assert_eq!(report["metrics"], serde_json::json!({}));
    let skipped = report["skipped"].as_array().expect("a list");
    assert!(skipped.len() > 30, "every metric has its reason: {}", skipped.len());

    // The corpus's own labels are those of its csv, study by study.
    let mut own = evaluate.clone();
    own.extend(["--set", "evaluate.labels=\"corpus\""]);
    assert_eq!(json(&done(&own))["labels"], "corpus");
    let release = workspace.path("out/release");
    let labelled = Dataset::open_labelled(&release, "mg3d", Split::Val, LabelSource::Corpus);
    let labelled = labelled.expect("opens");
    let csv = include_str!("../data/corpus/multi_abnormality_labels/valid_predicted_labels.csv");
    let mut rows = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    assert_eq!(rows.next().expect("a head")[1..], labelled.labels);
    let mut of_csv: Vec<Vec<i8>> = rows
        .map(|row| row[1..].iter().map(|cell| cell.parse().expect("a label")).collect())
        .collect();
    let mut found: Vec<Vec<i8>> =
        labelled.studies.iter().map(|study| study.record.labels.clone()).collect();
    of_csv.sort();
    found.sort();
    assert_eq!(found, of_csv);
    let mut wrong = evaluate.clone();
    wrong.extend(["--set", "evaluate.prompts=[[\"a {label}\", \"nothing\"]]"]);
    let finished = run(&wrong);
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("`nothing` lacks `{label}`"), "{}", finished.stderr);

    // A second run finds everything done; another architecture is refused, not mixed in.
    let again = json(&done(&arguments));
    assert_eq!(again["release_id"], summary["release_id"]);
    assert_eq!(again["checkpoint"], summary["checkpoint"]);
    let mut other = arguments.clone();
    other.extend(["--set", "train.model.embed_dim=12", "--set", "train.steps=30"]);
    let finished = run(&other);
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("model"), "{}", finished.stderr);
}

/// A manifest that trains `clip` for some steps on a view that the corpus gives in little time.
fn clip_manifest(workspace: &Workspace, view: &str) -> std::path::PathBuf {
    workspace.manifest(|text| {
        let train = text.find("[train]").expect("the quickstart trains");
        let text = text[..train].replace("name = \"mg3d\"\npreset = \"mg3d\"", view);
        text + r#"
[train]
system = "clip"
view = "v"
steps = 3
batch = 2

[train.model]
encoder = "vit3d"

[train.model.image.vit3d]
patch = [8, 8, 8]
width = 16
depth = 1
heads = 2

[train.model.text]
hidden = 16
layers = 1
heads = 2
"#
    })
}

#[test]
fn crops_and_several_windows_train_and_a_system_for_whole_volumes_refuses_crops_before_curation() {
    let views = [
        "name = \"v\"\npreset = \"t3d\"\nspacing = [6.0, 6.0, 6.0]\ncrops = { count = 4, size = [16, 16, 16] }",
        "name = \"v\"\npreset = \"mg3d\"\nresize = [16, 16, 16]\nwindow = [[-1000, 200], [-160, 240]]\nclip = \"output\"\ndtype = \"u8\"",
    ];
    for (view, channels) in views.into_iter().zip([1, 2]) {
        let workspace = Workspace::new();
        let manifest = clip_manifest(&workspace, view);
        let summary = json(&done(&["run", text(&manifest), "--json", "--quiet"]));
        let checkpoint = summary["checkpoint"].as_str().expect("a path");
        let info = std::fs::read_to_string(format!("{checkpoint}/checkpoint.json")).expect("reads");
        let info: serde_json::Value = serde_json::from_str(&info).expect("JSON");
        assert_eq!(info["volume"], serde_json::json!([channels, 16, 16, 16]), "{view}");
        assert_eq!(info["blocks"], if channels == 1 { 4 } else { 1 });
        let log = std::fs::read_to_string(workspace.path("out/train/train.jsonl")).expect("reads");
        assert_eq!(losses(&log).len(), 3);
    }

    let workspace = Workspace::new();
    let manifest = clip_manifest(&workspace, views[0]);
    let edit = std::fs::read_to_string(&manifest).expect("reads");
    let edit = &edit[..edit.find("[train]").expect("trains")];
    crate::support::write(&manifest, format!("{edit}[train]\nview = \"v\"\n").as_bytes());
    let finished = run(&["run", text(&manifest), "--quiet"]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(finished.stderr.contains("gives 4 crops"), "{}", finished.stderr);
    assert!(workspace.path("out").try_exists().is_ok_and(|there| !there), "nothing was curated");
}

#[test]
fn boxes_drawn_at_load_train_and_evaluate_and_a_resumed_run_draws_the_same() {
    let view =
        "name = \"v\"\npreset = \"native\"\nspacing = [6.0, 6.0, 6.0]\nwindow = [-1000, 1000]";
    let workspace = Workspace::new();
    let manifest = clip_manifest(&workspace, view);
    let input = r#"
[train.input]
crops = { count = 3, size = [16, 16, 16], place = "body" }
augment = { scale = 0.1, noise = 0.02, flip = true }
"#;
    let written = std::fs::read_to_string(&manifest).expect("reads") + input;
    crate::support::write(&manifest, written.as_bytes());
    let constant = ["--set", "train.schedule.kind=constant", "--json", "--quiet"];
    let train = |steps: &str, out: &str| {
        let mut arguments = vec!["train", text(&manifest), "--set", steps, "--out", out];
        arguments.extend(constant);
        losses(&done(&arguments).stdout)
    };
    done(&["curate", text(&manifest), "--quiet"]);
    let out = workspace.path("out");
    let first = train("train.steps=2", text(&out));
    let rest = train("train.steps=6", text(&out));
    let other = workspace.path("other");
    std::fs::create_dir_all(&other).expect("makes a folder");
    std::os::unix::fs::symlink(out.join("release"), other.join("release")).expect("links");
    assert_eq!([first, rest].concat(), train("train.steps=6", text(&other)), "bit-equal losses");
    let arguments = ["run", text(&manifest), "--set", "train.steps=6"];
    let summary = json(&done(&[&arguments[..], &constant[..]].concat()));
    let checkpoint = format!("{}/checkpoint.json", summary["checkpoint"].as_str().expect("a path"));
    let info: serde_json::Value =
        serde_json::from_slice(&std::fs::read(checkpoint).expect("reads")).expect("JSON");
    assert_eq!(
        (&info["volume"], &info["blocks"]),
        (&serde_json::json!([1, 16, 16, 16]), &3.into())
    );

    // Other boxes are another run, and are named.
    let finished = run(&[
        "train",
        text(&manifest),
        "--quiet",
        "--set",
        "train.steps=9",
        "--set",
        "train.input.crops.place=anywhere",
    ]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let message =
        "`train.input.crops.place` is `anywhere`, but the checkpoint was made with `body`";
    assert!(finished.stderr.contains(message), "{}", finished.stderr);
    // Boxes out of boxes, and boxes of no size.
    for (key, value, message) in [
        ("view.0.crops", "{ count = 2, size = [16, 16, 16] }", "out of a view that holds boxes"),
        ("train.input.crops.size", "[16, 0, 16]", "must be 1 to 64 boxes"),
        ("train.input.augment.noise", "2.0", "must be from 0 to 1"),
    ] {
        let set = format!("{key}={value}");
        let finished = run(&["train", text(&manifest), "--quiet", "--set", &set]);
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        assert!(finished.stderr.contains(message), "{}", finished.stderr);
    }
}

#[test]
fn a_damaged_volume_ends_training_or_is_left_out_by_policy() {
    let view = "name = \"v\"\npreset = \"mg3d\"\nresize = [16, 16, 16]";
    let workspace = Workspace::new();
    let manifest = clip_manifest(&workspace, view);
    done(&["curate", text(&manifest), "--quiet"]);
    let release = workspace.path("out/release");
    let index = pipeline::release::TableReader::open(&release, "index").expect("opens");
    let split = index.texts("split").expect("reads");
    let row = split.iter().position(|split| split == "train").expect("there is training");
    let shard = release.join(&index.texts("shard").expect("reads")[row]);
    let mut bytes = std::fs::read(&shard).expect("reads");
    bytes[index.u64s("offset").expect("reads")[row] as usize + 100] ^= 1;
    crate::support::write(&shard, &bytes);
    let train = |policy: &str| {
        let policy = format!("train.input.damaged={policy}");
        run(&["train", text(&manifest), "--set", &policy, "--set", "train.steps=8"])
    };
    let stopped = train("stop");
    assert_eq!(stopped.code, Some(1), "{}", stopped.stderr);
    assert!(stopped.stderr.contains("the file is damaged"), "{}", stopped.stderr);
    let skipped = train("skip");
    assert_eq!(skipped.code, Some(0), "{}", skipped.stderr);
    assert!(skipped.stderr.contains("times a damaged series was left out"), "{}", skipped.stderr);
}

#[test]
fn a_wrong_training_section_is_refused_with_its_line_before_anything_is_done() {
    let workspace = Workspace::new();
    let cases = [
        ("preset = \"tiny\"", "preset = \"tiny\"\nheads = [3, 5]", "3 heads do not divide"),
        ("preset = \"tiny\"", "preset = \"tiny\"\nhead = [2, 4]", "unknown field `head`"),
        ("batch = 4", "batch = 0", "`train.batch` is 0"),
        ("system = \"mg3d\"", "system = \"mg4d\"", "available are `mg3d`, `clip`"),
    ];
    for (from, to, expected) in cases {
        let manifest = workspace.manifest(|text| text.replace(from, to));
        let finished = run(&["run", text(&manifest), "--quiet"]);
        assert_eq!(finished.code, Some(2), "{to}: {}", finished.stderr);
        assert!(finished.stderr.contains("manifest.toml:"), "{}", finished.stderr);
        assert!(finished.stderr.contains(expected), "{}", finished.stderr);
        assert!(
            workspace.path("out").try_exists().is_ok_and(|there| !there),
            "{to}: nothing was curated"
        );
    }
}
