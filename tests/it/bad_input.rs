//! What the user gets wrong is named with file, line and field; nothing panics.

use crate::support::{Place, done, json, run, text, write};

/// Runs `curate` on an edited quickstart manifest that must be refused with exit code 2.
fn refused(edit: impl FnOnce(String) -> String) -> String {
    let place = Place::new();
    let said = run(&["curate", text(&place.manifest(edit))]);
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    said.stderr
}

/// Line of the quickstart manifest that starts with `key`.
fn line_of(key: &str) -> usize {
    let text = include_str!("../../manifests/quickstart.toml");
    text.lines().position(|line| line.starts_with(key)).expect("the key is there") + 1
}

#[test]
fn an_unknown_key_a_wrong_type_and_a_wrong_value_name_line_and_field() {
    let said = refused(|text| text.replace("[shard]", "[shard]\nsize = 3"));
    assert!(said.contains("unknown field `size`") && said.contains("`target_mib`"), "{said}");
    assert!(said.contains(&format!("manifest.toml:{}:", line_of("[shard]") + 1)), "{said}");

    let said = refused(|text| text.replace("method = \"corpus\"", "method = \"random\""));
    assert!(said.contains("`hash`") && said.contains("`corpus`"), "{said}");

    let said = refused(|text| text.replace("version = 1\n", "version = \"one\"\n"));
    assert!(said.contains(&format!("manifest.toml:{}:", line_of("version"))), "{said}");

    let said = refused(|text| text.replace("view = \"mg3d\"", "view = \"t3d\""));
    assert!(said.contains("`train.view`") && said.contains("`mg3d`"), "{said}");
}

#[test]
fn a_missing_file_and_a_missing_column_are_named() {
    let said = refused(|text| text.replace("train_reports.csv", "no_reports.csv"));
    assert!(said.contains("`corpus.reports`") && said.contains("no_reports.csv"), "{said}");

    let said =
        refused(|text| text.replace("licence =", "columns = { findings = \"Befund\" }\nlicence ="));
    assert!(said.contains("no column `Befund`") && said.contains("`Findings_EN`"), "{said}");

    let said = run(&["curate", "no-such-manifest.toml"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("no-such-manifest.toml"), "{}", said.stderr);

    let said = refused(|text| text.replace("data/corpus\"", "data/corpses\""));
    assert!(said.contains("`corpus.root`"), "{said}");
}

#[test]
fn an_unset_environment_variable_is_named() {
    let said = refused(|text| {
        let corpus = text.find("root = ").expect("the key is there");
        let end = text[corpus..].find('\n').expect("a line") + corpus;
        format!("{}root = \"${{RADLOOM_NOT_SET}}\"{}", &text[..corpus], &text[end..])
    });
    assert!(said.contains("RADLOOM_NOT_SET"), "{said}");
}

#[test]
fn garbage_in_place_of_volumes_costs_rows_and_not_the_run() {
    let place = Place::new();
    let corpus = place.path("corpus");
    std::fs::create_dir_all(corpus.join("volumes")).expect("makes a folder");
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corpus/dataset");
    let good = source.join("train/train_7/train_7_a/train_7_a_1.nii.gz");
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
        &place.path("m.toml"),
        b"version = 1\nname = \"t\"\n[corpus]\nlayout = \"ct-rate\"\nroot = \"corpus\"\n\
          reports = [\"reports.csv\"]\n[[view]]\nname = \"mg3d\"\npreset = \"mg3d\"\n",
    );
    let summary = json(&done(&["curate", text(&place.path("m.toml")), "--json"]));
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
    let said = run(&["inspect", "no-such-file.nii.gz", "--json"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""));
    assert!(said.stderr.contains("no-such-file.nii.gz"), "{}", said.stderr);
    assert_eq!(run(&["weave"]).code, Some(2));
    assert_eq!(run(&["curate", "x", "--bogus"]).code, Some(2));
    let said = run(&["volume", "in", "out", "--view", "bogus"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("`mg3d`"), "{}", said.stderr);
}
