//! Training from the release: the loss falls, and a resumed run is the run that was not stopped.

use crate::support::{Place, done, json, run, text};

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
    let place = Place::new();
    let manifest = place.plain_manifest();
    done(&["curate", text(&manifest), "--quiet"]);
    let train = |out: &str, steps: &str| {
        let steps = format!("train.steps={steps}");
        let out = place.path(out);
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
        std::fs::create_dir_all(place.path(name)).expect("makes a folder");
        std::os::unix::fs::symlink(place.path("out/release"), place.path(name).join("release"))
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
    let place = Place::new();
    let manifest = place.plain_manifest();
    let mut arguments =
        vec!["run", text(&manifest), "--json", "--quiet", "--set", "train.steps=24"];
    arguments.extend(SMALL);
    let summary = json(&done(&arguments));
    for key in ["release_dir", "release_id", "checkpoint", "gallery", "wall_s", "peak_rss_bytes"] {
        assert!(summary.get(key).is_some(), "{key} in {summary}");
    }
    let log = std::fs::read_to_string(place.path("out/train/train.jsonl")).expect("reads");
    let losses = losses(&log);
    let mean =
        |part: &[(u64, f64)]| part.iter().map(|step| step.1).sum::<f64>() / part.len() as f64;
    assert_eq!(losses.len(), 24);
    assert!(mean(&losses[18..]) < 0.9 * mean(&losses[..6]), "{losses:?}");

    let page = std::fs::read_to_string(place.path("out/gallery/index.html")).expect("reads");
    for part in ["<svg", "<mark class=\"absent\"", "volume_truncated", "series-000.png"] {
        assert!(page.contains(part), "{part}");
    }
    let mut evaluate = vec!["evaluate", text(&manifest), "--json", "--quiet"];
    evaluate.extend(SMALL);
    let report = json(&done(&evaluate));
    for (name, metric) in report["metrics"].as_object().expect("an object") {
        let number = |key: &str| metric[key].as_f64().expect("a number");
        assert!(number("low") <= number("value") && number("value") <= number("high"), "{name}");
    }

    // A second run finds everything done; another architecture is refused, not mixed in.
    let again = json(&done(&arguments));
    assert_eq!(again["release_id"], summary["release_id"]);
    assert_eq!(again["checkpoint"], summary["checkpoint"]);
    let mut other = arguments.clone();
    other.extend(["--set", "train.model.embed_dim=12", "--set", "train.steps=30"]);
    let said = run(&other);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("model"), "{}", said.stderr);
}
