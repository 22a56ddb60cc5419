//! A sentence encoder named by the manifest.

use std::collections::BTreeMap;
use std::path::Path;

use pipeline::release::TableReader;

use crate::support::{Workspace, assert_same_tree, done, json, repository, run, text, write};

/// The small encoder of the model's tests, copied into `folder`.
fn copy_encoder(folder: &Path) {
    let from = repository("model/tests/goldens/sentence_encoder");
    std::fs::create_dir_all(folder.join("1_Pooling")).expect("makes");
    for name in ["config.json", "tokenizer.json", "model.safetensors", "1_Pooling/config.json"] {
        std::fs::copy(from.join(name), folder.join(name)).expect("copies");
    }
}

fn pairs(folder: &Path) -> BTreeMap<(u64, u64), (f32, f32)> {
    let table = TableReader::open(folder, "similarity").expect("opens");
    let ids = |column| table.u64s(column).expect("is there").into_iter();
    let values = |column| table.f32s(column).expect("is there").into_iter();
    ids("a").zip(ids("b")).zip(values("text").zip(values("similarity"))).collect()
}

#[test]
fn the_release_s_similarity_is_the_encoder_s_at_any_thread_count_and_the_lock_names_it() {
    let workspace = Workspace::new();
    let words = workspace.path("words");
    done(&["curate", text(&workspace.plain_manifest()), "--out", text(&words)]);
    copy_encoder(&workspace.path("models/bert"));
    let manifest = workspace
        .manifest(|text| text.replace("[split]", "[graph]\nencoder = \"models/bert\"\n[split]"));
    let (one, two) = (workspace.path("one"), workspace.path("two"));
    done(&["curate", text(&manifest), "--threads", "1", "--out", text(&one)]);
    done(&["curate", text(&manifest), "--threads", "2", "--out", text(&two)]);
    assert_same_tree(&one.join("release"), &two.join("release"));
    let again = done(&["curate", text(&manifest), "--out", text(&one)]);
    assert!(again.stdout.contains("nothing to do"), "{}", again.stdout);

    let read = |name: &str| std::fs::read_to_string(one.join("release").join(name)).expect("reads");
    let lock: serde_json::Value = serde_json::from_str(&read("release.lock")).expect("JSON");
    let files: Vec<_> = lock["encoder"].as_object().expect("an object").keys().cloned().collect();
    assert_eq!(
        files,
        ["1_Pooling/config.json", "config.json", "model.safetensors", "tokenizer.json"]
    );
    // Where the folder lies is no part of the release.
    let resolved: serde_json::Value =
        serde_json::from_str(&read("manifest.resolved.json")).expect("JSON");
    assert_eq!(resolved["graph"]["encoder"], "bert");
    assert_ne!(pairs(&one.join("release")), pairs(&words.join("release")));

    // The same folder with other weights is another release.
    let weights = workspace.path("models/bert/model.safetensors");
    let mut bytes = std::fs::read(&weights).expect("reads");
    *bytes.last_mut().expect("not empty") ^= 1;
    write(&weights, &bytes);
    let before = read("release.lock");
    let finished = json(&done(&["curate", text(&manifest), "--out", text(&one), "--json"]));
    assert_ne!(before, read("release.lock"));
    assert_eq!(finished["reused_units"], finished["units"], "no volume is read again for it");
}

#[test]
fn report_relates_sentences_by_the_vectors_of_sentence_transformers() {
    let workspace = Workspace::new();
    let folder = workspace.path("bert");
    copy_encoder(&folder);
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../../model/tests/goldens/sentences.json"))
            .expect("goldens");
    let texts: Vec<&str> = golden["texts"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|text| text.as_str())
        .collect();
    let vectors: Vec<Vec<f64>> =
        serde_json::from_value(golden["vectors"]["mean"].clone()).expect("rows of numbers");
    let rows: String = texts
        .iter()
        .map(|text| format!("{}\n", serde_json::json!({"id": text, "text": format!("{text}.")})))
        .collect();
    write(&workspace.path("reports.jsonl"), rows.as_bytes());
    let out = workspace.path("out");
    let tables = out.join("tables");
    let file = workspace.path("reports.jsonl");
    let arguments =
        ["report", text(&file), "--out", text(&tables), "--encoder", text(&folder), "--json"];
    assert_eq!(json(&done(&arguments))["sentence_types"], texts.len());

    let unit = |row: &[f64]| -> Vec<f64> {
        let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        row.iter().map(|value| value / length).collect()
    };
    let rows: Vec<Vec<f64>> = vectors.iter().map(|row| unit(row)).collect();
    let mean: Vec<f64> = (0..rows[0].len())
        .map(|at| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len() as f64)
        .collect();
    let rows: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| {
            unit(&row.iter().zip(&mean).map(|(value, mean)| value - mean).collect::<Vec<_>>())
        })
        .collect();
    let types = TableReader::open(&out, "sentence_types").expect("opens");
    let ids: BTreeMap<String, u64> = types
        .texts("text")
        .expect("is there")
        .into_iter()
        .zip(types.u64s("sentence_type").expect("is there"))
        .collect();
    let found = pairs(&out);
    assert!(!found.is_empty());
    for (one, row) in texts.iter().zip(&rows) {
        for (other, other_row) in texts.iter().zip(&rows).filter(|(other, _)| *other != one) {
            let (a, b) = (ids[*one], ids[*other]);
            let cosine: f64 = row.iter().zip(other_row).map(|(x, y)| x * y).sum();
            match found.get(&(a.min(b), a.max(b))) {
                Some((text, _)) => assert!(
                    (f64::from(*text) - cosine.max(0.0)).abs() < 1e-4,
                    "{one} and {other}: {text}, not {cosine}"
                ),
                None => assert!(cosine < 0.3 + 1e-4, "{one} and {other} have {cosine}"),
            }
        }
    }
}

#[test]
fn an_encoder_that_cannot_be_used_is_named_with_what_to_do() {
    let workspace = Workspace::new();
    let manifest =
        workspace.manifest(|text| text.replace("[split]", "[graph]\nencoder = \"bert\"\n[split]"));
    let finished = run(&["curate", text(&manifest)]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("`graph.encoder` names a folder that is not there"),
        "{}",
        finished.stderr
    );

    copy_encoder(&workspace.path("bert"));
    let config = workspace.path("bert/config.json");
    let other = std::fs::read_to_string(&config).expect("reads").replace("\"bert\"", "\"mpnet\"");
    write(&config, other.as_bytes());
    let finished = run(&["curate", text(&manifest)]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("config.json") && finished.stderr.contains("mpnet"),
        "{}",
        finished.stderr
    );

    copy_encoder(&workspace.path("bert"));
    write(&workspace.path("bert/model.safetensors"), b"no weights");
    let finished = run(&["curate", text(&manifest)]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.stderr.contains("model.safetensors"), "{}", finished.stderr);
    // The volumes were done by then, and nothing about sentences costs them again.
    copy_encoder(&workspace.path("bert"));
    let finished = done(&["curate", text(&manifest), "--json", "--set", "graph.similar=8"]);
    assert_eq!(json(&finished)["resumed"], true, "{}", finished.stdout);
}
