//! What the user gets wrong is named with file, line and field; nothing panics.

use crate::support::{Workspace, done, json, run, text, volumes, write};

/// Runs `curate` on an edited quickstart manifest that must be refused with exit code 2.
fn refused(edit: impl FnOnce(String) -> String) -> String {
    let workspace = Workspace::new();
    let finished = run(&["curate", text(&workspace.manifest(edit))]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    finished.stderr
}

/// Line of the quickstart manifest that starts with `key`.
fn line_of(key: &str) -> usize {
    let text = include_str!("../../manifests/quickstart.toml");
    text.lines().position(|line| line.starts_with(key)).expect("the key is there") + 1
}

#[test]
fn an_unknown_key_a_wrong_type_and_a_wrong_value_name_line_and_field() {
    let finished = refused(|text| text.replace("[shard]", "[shard]\nsize = 3"));
    assert!(
        finished.contains("unknown field `size`") && finished.contains("`target_mib`"),
        "{finished}"
    );
    assert!(finished.contains(&format!("manifest.toml:{}:", line_of("[shard]") + 1)), "{finished}");

    let finished = refused(|text| text.replace("method = \"corpus\"", "method = \"random\""));
    assert!(finished.contains("`hash`") && finished.contains("`corpus`"), "{finished}");

    let finished = refused(|text| text.replace("version = 1\n", "version = \"one\"\n"));
    assert!(finished.contains(&format!("manifest.toml:{}:", line_of("version"))), "{finished}");

    let finished = refused(|text| text.replace("view = \"mg3d\"", "view = \"t3d\""));
    assert!(finished.contains("`train.view`") && finished.contains("`mg3d`"), "{finished}");
}

#[test]
fn a_missing_file_and_a_missing_column_are_named() {
    let finished = refused(|text| text.replace("train_reports.csv", "no_reports.csv"));
    assert!(
        finished.contains("`corpus.reports`") && finished.contains("no_reports.csv"),
        "{finished}"
    );

    let finished =
        refused(|text| text.replace("licence =", "columns = { findings = \"Befund\" }\nlicence ="));
    assert!(
        finished.contains("no column `Befund`") && finished.contains("`Findings_EN`"),
        "{finished}"
    );

    let finished = run(&["curate", "no-such-manifest.toml"]);
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("no-such-manifest.toml"), "{}", finished.stderr);

    let finished = refused(|text| text.replace("data/corpus\"", "data/corpses\""));
    assert!(finished.contains("`corpus.root`"), "{finished}");
}

#[test]
fn an_unset_environment_variable_is_named() {
    let finished = refused(|text| {
        let corpus = text.find("root = ").expect("the key is there");
        let end = text[corpus..].find('\n').expect("a line") + corpus;
        format!("{}root = \"${{RADLOOM_NOT_SET}}\"{}", &text[..corpus], &text[end..])
    });
    assert!(finished.contains("RADLOOM_NOT_SET"), "{finished}");
}

#[test]
fn garbage_in_place_of_volumes_costs_rows_and_not_the_run() {
    let workspace = Workspace::new();
    let corpus = workspace.path("corpus");
    std::fs::create_dir_all(corpus.join("volumes")).expect("makes a folder");
    let good = volumes("train/train_7/train_7_a/train_7_a_1.nii.gz");
    let bytes = std::fs::read(good).expect("reads");
    write(&corpus.join("volumes/train_1_a_1.nii.gz"), &bytes);
    write(&corpus.join("volumes/train_2_a_1.nii.gz"), b"");
    write(&corpus.join("volumes/train_3_a_1.nii.gz"), b"this is no volume");
    write(&corpus.join("volumes/train_4_a_1.nii.gz"), &bytes[..bytes.len() / 2]);
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 0xff;
    write(&corpus.join("volumes/train_5_a_1.nii.gz"), &flipped);
    write(&corpus.join("volumes/holiday.nii.gz"), &bytes);
    let mut reports = String::from("VolumeName,Findings_EN,Impressions_EN\n");
    for patient in 1..=6 {
        reports += &format!("train_{patient}_a_1.nii.gz,\"No effusion.\nA 5 mm nodule.\",\"\"\n");
    }
    reports += "train_7_a_1.nii.gz,Not given.,\n";
    write(&corpus.join("reports.csv"), reports.as_bytes());
    write(
        &workspace.path("m.toml"),
        b"version = 1\nname = \"t\"\n[corpus]\nlayout = \"ct-rate\"\nroot = \"corpus\"\n\
          reports = [\"reports.csv\"]\n[[view]]\nname = \"mg3d\"\npreset = \"mg3d\"\n",
    );
    let summary = json(&done(&["curate", text(&workspace.path("m.toml")), "--json"]));
    assert_eq!(summary["included"], 1, "{summary}");
    let reasons = summary["excluded"].as_object().expect("an object");
    let count = |reason: &str| reasons.get(reason).and_then(serde_json::Value::as_u64).unwrap_or(0);
    assert_eq!(count("unknown_name"), 1, "{summary}");
    assert_eq!(count("volume_truncated"), 2, "the empty and the cut file: {summary}");
    assert_eq!(
        count("volume_truncated") + count("volume_corrupt") + count("volume_unsupported"),
        4
    );
    assert_eq!(count("report_without_volume"), 4 + 2, "{summary}");
    assert_eq!(count("internal_error"), 0);
}

#[test]
fn an_unknown_verb_or_flag_is_usage() {
    let finished = run(&["inspect", "no-such-file.nii.gz", "--json"]);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""));
    assert!(finished.stderr.contains("no-such-file.nii.gz"), "{}", finished.stderr);
    assert_eq!(run(&["weave"]).code, Some(2));
    assert_eq!(run(&["curate", "x", "--bogus"]).code, Some(2));
    let finished = run(&["volume", "in", "out", "--view", "bogus"]);
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("`mg3d`"), "{}", finished.stderr);
}
