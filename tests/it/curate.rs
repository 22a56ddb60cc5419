//! The corpus into a release: nothing is lost, bytes do not depend on threads, damage is found.

use std::collections::BTreeSet;

use pipeline::release::TableReader;

use crate::support::{Workspace, assert_same_tree, done, json, run, text, tree, write};

#[test]
fn every_input_is_in_the_release_or_excluded_with_its_reason() {
    let workspace = Workspace::new();
    let finished = done(&["curate", text(&workspace.plain_manifest()), "--json"]);
    let summary = json(&finished);
    let release = workspace.path("out/release");

    // The faults that were added to the corpus on purpose; see its ATTRIBUTION.md.
    let excluded = TableReader::open(&release, "excluded").expect("opens");
    let sources = excluded.texts("source").expect("is there");
    let reasons = excluded.texts("reason").expect("is there");
    let reason_of = |part: &str| -> Vec<&str> {
        let rows = sources.iter().zip(&reasons);
        rows.filter(|(source, _)| source.contains(part))
            .map(|(_, reason)| reason.as_str())
            .collect()
    };
    assert_eq!(reason_of("train_2_b_1.nii.gz"), ["volume_truncated"]);
    assert_eq!(reason_of("train_10_a"), ["report_without_volume"]);
    assert_eq!(reason_of("train_9_a_1"), ["volume_without_report"]);
    assert_eq!(reason_of("train_3_a_2"), ["localizer"]);

    // Volumes on disk = volumes in the release + volumes excluded.
    let volumes = TableReader::open(&release, "volumes").expect("opens");
    let included: BTreeSet<String> =
        volumes.texts("source").expect("is there").into_iter().collect();
    assert!(included.iter().any(|source| source.ends_with("train_1_a_1")), "the DICOM series");
    assert!(
        included.iter().any(|source| source.ends_with("train_2_a_2.nii.gz")),
        "both reconstructions"
    );
    let of_volumes = sources.iter().filter(|source| source.starts_with("dataset/")).count();
    assert_eq!(summary["volumes"], included.len() + of_volumes);
    assert_eq!(summary["included"], included.len());
    let counted: u64 = summary["excluded"]
        .as_object()
        .expect("an object")
        .values()
        .filter_map(serde_json::Value::as_u64)
        .sum();
    assert_eq!(counted as usize, sources.len());
}

#[test]
fn one_thread_and_two_give_the_same_release_and_a_second_run_does_nothing() {
    let workspace = Workspace::new();
    let manifest = workspace.plain_manifest();
    let (one, two) = (workspace.path("one"), workspace.path("two"));
    done(&["curate", text(&manifest), "--threads", "1", "--out", text(&one)]);
    done(&["curate", text(&manifest), "--threads", "2", "--out", text(&two)]);
    assert_same_tree(&one.join("release"), &two.join("release"));

    let before = std::fs::metadata(one.join("release/release.lock")).expect("is there");
    let finished = done(&["curate", text(&manifest), "--out", text(&one)]);
    assert!(finished.stdout.contains("nothing to do"), "{}", finished.stdout);
    let after = std::fs::metadata(one.join("release/release.lock")).expect("is there");
    assert_eq!(before.modified().ok(), after.modified().ok());
    done(&["release", "verify", text(&one)]);

    // A release of something else is not replaced.
    let finished = run(&["curate", text(&manifest), "--out", text(&one), "--set", "name=other"]);
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("holds a release of `quickstart`"), "{}", finished.stderr);
}

#[test]
fn one_flipped_bit_is_found_in_any_file() {
    let workspace = Workspace::new();
    done(&["curate", text(&workspace.plain_manifest())]);
    let release = workspace.path("out/release");
    let files: Vec<_> = tree(&release).into_keys().collect();
    let shard = files.iter().find(|file| file.starts_with("shards")).expect("a shard");
    let table = files.iter().find(|file| file.ends_with("labels.parquet")).expect("a table");
    for file in [shard.clone(), table.clone(), "README.md".into(), "release.lock".into()] {
        let path = release.join(&file);
        let whole = std::fs::read(&path).expect("reads");
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        write(&path, &flipped);
        let finished = run(&["release", "verify", text(&release), "--json"]);
        assert_eq!(finished.code, Some(1), "{}", file.display());
        let result = json(&finished);
        assert_eq!(result["ok"], false);
        let named = result["errors"].as_array().expect("a list").iter();
        assert!(named.clone().any(|error| error["file"] == text(&file)), "{result}");
        write(&path, &whole);
    }
    assert_eq!(json(&done(&["release", "verify", text(&release), "--json"]))["ok"], true);
    write(&release.join("stranger"), b"");
    assert_eq!(run(&["release", "verify", text(&release)]).code, Some(1));
}

#[test]
fn strict_says_by_its_exit_code_that_inputs_were_left_out() {
    let workspace = Workspace::new();
    let finished = run(&["curate", text(&workspace.plain_manifest()), "--strict", "--quiet"]);
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    assert!(finished.stdout.is_empty() && finished.stderr.is_empty(), "quiet: {}", finished.stderr);
}
