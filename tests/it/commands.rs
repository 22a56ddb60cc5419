//! Verbs that stand alone, and the contract of their JSON.

use std::path::Path;

use crate::support::{Workspace, done, json, run, text, volumes, write};

#[test]
fn inspect_gives_a_verdict_for_every_series() {
    let finished = run(&["inspect", text(&volumes("train")), "--json"]);
    assert_eq!(finished.code, Some(0));
    let verdict = |name: &str| {
        let line = finished.stdout.lines().find(|line| line.contains(name)).expect("is listed");
        let value: serde_json::Value = serde_json::from_str(line).expect("is JSON");
        for key in
            ["path", "modality", "verdict", "shape", "spacing", "affine", "unit", "hu_policy"]
        {
            assert!(value.get(key).is_some(), "{key} in {line}");
        }
        for key in ["frames", "transfer_syntax", "warnings"] {
            assert!(value.get(key).is_some(), "{key} in {line}");
        }
        value["verdict"].as_str().expect("text").to_owned()
    };
    assert_eq!(verdict("train_1_a_1"), "regular");
    assert_eq!(verdict("train_2_b_1"), "truncated");
    assert_eq!(verdict("train_3_a_2"), "localizer");
}

#[test]
fn volume_writes_the_view_with_the_affine_it_reports() {
    let workspace = Workspace::new();
    let output = workspace.path("view.nii.gz");
    let input = volumes("train/train_3/train_3_a/train_3_a_1.nii.gz");
    let finished = done(&["volume", text(&input), text(&output), "--view", "mg3d", "--json"]);
    let value = json(&finished);
    assert_eq!(value["shape"], serde_json::json!([128, 96, 128]));
    for key in ["spacing", "affine", "wall_s", "cpu_s", "peak_rss_bytes"] {
        assert!(value.get(key).is_some(), "{key}");
    }
    let seen = json(&done(&["inspect", text(&output), "--json"]));
    assert_eq!(seen["verdict"], "regular");
    assert_eq!(seen["orientation"], "LPS");
    for row in 0..3 {
        for column in 0..4 {
            let (a, b) = (&value["affine"][row][column], &seen["affine"][row][column]);
            let difference = a.as_f64().expect("a number") - b.as_f64().expect("a number");
            assert!(difference.abs() < 1e-3, "the file holds the reported affine in f32");
        }
    }
}

#[test]
fn volume_takes_a_view_as_a_table_and_slabs_change_nothing() {
    let workspace = Workspace::new();
    let input = volumes("train/train_3/train_3_a/train_3_a_1.nii.gz");
    let boxes = workspace.path("boxes.nii");
    let view = "{ preset = \"t3d\", crops = { count = 2, size = [32, 24, 16] } }";
    let value = json(&done(&["volume", text(&input), text(&boxes), "--view", view, "--json"]));
    assert_eq!(value["shape"], serde_json::json!([32, 24, 16]));
    assert_eq!(value["crop_starts"].as_array().expect("a list").len(), 2);
    let size = std::fs::metadata(&boxes).expect("is written").len();
    assert_eq!(size, 352 + 2 * 32 * 24 * 16 * 2, "a plain file of two images");
    let (whole, slabs) = (workspace.path("whole.nii"), workspace.path("slabs.nii"));
    done(&["volume", text(&input), text(&whole), "--view", "merlin"]);
    done(&["volume", text(&input), text(&slabs), "--view", "merlin", "--slab-above-mib", "0"]);
    assert!(std::fs::read(whole).expect("reads") == std::fs::read(slabs).expect("reads"));
    let finished = run(&["volume", text(&input), text(&boxes), "--view", "merlyn"]);
    assert_eq!(finished.code, Some(2));
    assert!(
        finished.stderr.contains("merlyn") && finished.stderr.contains("merlin"),
        "{}",
        finished.stderr
    );
}

#[test]
fn inspect_shows_a_series_as_a_picture() {
    let workspace = Workspace::new();
    let picture = workspace.path("montage.png");
    done(&[
        "inspect",
        text(&volumes("train/train_3/train_3_a/train_3_a_1.nii.gz")),
        "--montage",
        text(&picture),
    ]);
    let bytes = std::fs::read(&picture).expect("is written");
    assert!(bytes.starts_with(b"\x89PNG"));
    let finished = run(&["inspect", text(&volumes("train")), "--montage", text(&picture)]);
    assert_eq!(finished.code, Some(2), "a picture shows one series");
}

#[test]
fn report_prints_one_object_a_report_with_byte_offsets() {
    let workspace = Workspace::new();
    let file = workspace.path("r.csv");
    write(
        &file,
        "id,text\na,\"No pleural effusion. A 6 mm nodule in the left lung.\"\nb,\n".as_bytes(),
    );
    let finished = done(&["report", text(&file), "--json", "--policy", "ct_rate_18"]);
    let lines: Vec<serde_json::Value> =
        finished.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2);
    let report = &lines[0];
    assert_eq!(report["id"], "a");
    assert_eq!(report["sentences"].as_array().expect("a list").len(), 2);
    let labels = &report["labels"]["ct_rate_18"];
    assert_eq!(labels["Lung nodule"], 1, "{report}");
    assert_eq!(labels["Pleural effusion"], 0, "{report}");
    assert_eq!(labels.as_object().expect("an object").len(), 18);
    let source = "No pleural effusion. A 6 mm nodule in the left lung.";
    for node in report["nodes"].as_array().expect("a list") {
        let at = |key: &str| node[key].as_u64().expect("an offset") as usize;
        assert_eq!(node["text"], source[at("start")..at("end")]);
    }
    let missing = run(&["report", text(&file), "--column", "befund", "--json"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("no column `befund`"), "{}", missing.stderr);
}

#[test]
fn report_lists_the_rules_and_how_often_each_decided() {
    let listed = json(&done(&["report", "--rules", "--json"]));
    let rules = listed["rules"].as_array().expect("a list");
    assert!(rules.len() > 20 && rules.iter().all(|rule| rule.get("hits").is_none()), "{listed}");
    let workspace = Workspace::new();
    let file = workspace.path("r.txt");
    write(&file, b"No effusion. No mass. A nodule.");
    let counted = json(&done(&["report", text(&file), "--rules", "--json"]));
    let hits = |id: &str| {
        let rules = counted["rules"].as_array().expect("a list");
        rules.iter().find(|rule| rule["id"] == id).map(|rule| rule["hits"].clone())
    };
    assert_eq!(hits("negated_forward"), Some(2.into()), "{counted}");
    assert_eq!(hits("stated"), Some(1.into()), "{counted}");
    assert_eq!(run(&["report"]).code, Some(2), "a file is asked for without `--rules`");
}

/// More reports than one window holds, of few distinct sentences.
fn many_reports(path: &Path, count: usize) {
    let findings = ["No effusion.", "A 4 mm nodule in the left lung.", "Heart size is normal."];
    let mut content = String::from("id,PatientID,text\n");
    for row in 0..count {
        let (first, second) = (findings[row % 3], findings[(row / 3) % 3]);
        content += &format!("r{row},p{},\"{first}\n{second}\"\n", row / 2);
    }
    write(path, content.as_bytes());
}

#[test]
fn report_gives_the_same_lines_and_tables_at_any_thread_count() {
    let workspace = Workspace::new();
    let file = workspace.path("r.csv");
    many_reports(&file, 1300);
    let lines =
        |threads: &str| done(&["report", text(&file), "--json", "--threads", threads]).stdout;
    let one = lines("1");
    assert!(one == lines("3"), "lines depend on threads");
    let graphs: Vec<serde_json::Value> =
        one.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ids: Vec<String> = (0..1300).map(|row| format!("r{row}")).collect();
    assert!(graphs.iter().map(|graph| &graph["id"]).eq(&ids), "reports come in their order");

    let tables = |threads: &str| {
        let out = workspace.path(&format!("tables-{threads}"));
        let command = ["report", text(&file), "--out", text(&out), "--json", "--threads", threads];
        let finished: serde_json::Value =
            serde_json::from_str(&done(&command).stdout).expect("an object");
        (out, finished)
    };
    let ((a, finished), (b, _)) = (tables("1"), tables("3"));
    let mut names: Vec<_> = std::fs::read_dir(&a)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names.len(), 9, "{names:?}");
    for name in names {
        let read = |folder: &Path| std::fs::read(folder.join(&name)).expect("reads");
        assert!(read(&a) == read(&b), "{} depends on threads", name.display());
    }
    let sum = |key: &str| -> usize {
        graphs.iter().map(|graph| graph[key].as_array().expect("a list").len()).sum()
    };
    assert_eq!(finished["reports"], 1300);
    assert_eq!(finished["sentence_types"], 3);
    for key in ["sentences", "nodes", "edges"] {
        assert_eq!(finished[key], sum(key), "{key}");
    }
    let batches = pipeline::shard::read_table(&a.join("reports.parquet")).expect("reads");
    let mut rows = 0;
    for batch in &batches {
        rows += batch.num_rows();
    }
    assert_eq!(rows, 1300);
}

#[test]
fn a_broken_line_is_named_and_the_reports_around_it_are_printed() {
    let workspace = Workspace::new();
    let file = workspace.path("r.jsonl");
    let lines =
        [r#"{"id": "a", "text": "No mass."}"#, r#"{"id": "b""#, r#"{"id": "c", "text": "Mass."}"#];
    write(&file, lines.join("\n").as_bytes());
    let finished = done(&["report", text(&file), "--json"]);
    let ids: Vec<String> = finished
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["id"].to_string()
        })
        .collect();
    assert_eq!(ids, ["\"a\"", "\"c\""]);
    assert!(finished.stderr.contains("line 2"), "{}", finished.stderr);
    // Where no row is a report, the field is the wrong one.
    write(&file, b"{\"id\": \"a\"}\n{\"id\": \"b\"}\n");
    let finished = run(&["report", text(&file), "--json"]);
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("`--column`"), "{}", finished.stderr);
}

#[test]
fn the_loader_s_order_does_not_depend_on_ranks_or_threads() {
    let workspace = Workspace::new();
    done(&["curate", text(&workspace.plain_manifest()), "--quiet"]);
    let out = workspace.path("out");
    let hash = |ranks: &str, threads: &str| {
        let finished = done(&[
            "loader",
            "bench",
            text(&out),
            "--json",
            "--batch",
            "4",
            "--epochs",
            "3",
            "--ranks",
            ranks,
            "--threads",
            threads,
        ]);
        let value = json(&finished);
        for key in ["samples_per_s", "gb_per_s", "cpu_s_per_gb", "stall_percent", "peak_rss_bytes"]
        {
            assert!(value[key].is_number(), "{key}");
        }
        value["order_hash"].as_str().expect("text").to_owned()
    };
    let expected = hash("1", "1");
    for (ranks, threads) in [("1", "3"), ("2", "1"), ("4", "2")] {
        assert_eq!(hash(ranks, threads), expected, "{ranks} ranks, {threads} threads");
    }
    let finished = run(&["loader", "bench", text(&out), "--batch", "4", "--ranks", "3"]);
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("does not divide"), "{}", finished.stderr);
}

#[test]
fn schema_is_the_committed_one_and_every_manifest_is_valid() {
    let finished = done(&["schema"]);
    assert_eq!(finished.stdout, include_str!("../../schemas/json/manifest.schema.json"));
    for manifest in [
        include_str!("../../manifests/quickstart.toml"),
        include_str!("../../manifests/clip-quickstart.toml"),
        include_str!("../../manifests/ct-rate.toml"),
        include_str!("../../manifests/dicom-tree.toml"),
        include_str!("../../manifests/phantom.toml"),
        include_str!("../../manifests/train/mg3d.toml"),
    ] {
        assert!(manifest.starts_with("#:schema "));
        schemas::manifest::parse("m.toml", manifest, &schemas::manifest::Overrides::default())
            .expect("is valid");
    }
    done(&["doctor", "--json"]);
    assert!(done(&["completions", "bash"]).stdout.contains("radloom"));
}
