//! Sentence vectors against those of sentence-transformers. `tests/goldens/make_sentence_goldens.py` wrote the
//! folder and the file.

use std::path::{Path, PathBuf};

use radloom_model::device::DeviceChoice;
use radloom_model::text::{ReportTokenizer, SentenceModel};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    vectors: Vectors,
}

#[derive(Deserialize)]
struct Vectors {
    mean: Vec<Vec<f32>>,
    cls: Vec<Vec<f32>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/sentence_encoder")
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../goldens/sentences.json")).expect("goldens")
}

/// The folder with one file of another content, or without it.
fn changed(name: &str, content: Option<&str>) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("folder");
    std::fs::create_dir(copy.path().join("1_Pooling")).expect("folder");
    for file in [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "modules.json",
        "sentence_bert_config.json",
        "1_Pooling/config.json",
    ] {
        std::fs::copy(folder().join(file), copy.path().join(file)).expect("copies");
    }
    match content {
        Some(text) => {
            use std::io::Write;
            let mut file = std::fs::File::create(copy.path().join(name)).expect("file");
            file.write_all(text.as_bytes()).expect("writes");
        }
        None => std::fs::remove_file(copy.path().join(name)).expect("removes"),
    }
    copy
}

fn open(folder: &Path) -> SentenceModel {
    SentenceModel::open(folder, DeviceChoice::Cpu).expect("opens")
}

fn encode(model: &SentenceModel, texts: &[&str]) -> Vec<Vec<f32>> {
    model.encode(texts).expect("encodes")
}

fn assert_close(found: &[Vec<f32>], expected: &[Vec<f32>]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!((found - expected).abs() < 2e-5, "{found}, not {expected}");
    }
}

#[test]
fn vectors_are_those_of_sentence_transformers_padded_or_not() {
    let golden = golden();
    let texts: Vec<&str> = golden.texts.iter().map(String::as_str).collect();
    // Folders of other ages name the pooling otherwise, or have no file for it.
    let older = r#"{"word_embedding_dimension": 16, "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}"#;
    let places =
        [changed("1_Pooling/config.json", Some(older)), changed("1_Pooling/config.json", None)];
    for place in places.iter().map(tempfile::TempDir::path).chain([folder().as_path()]) {
        let model = open(place);
        assert_close(&encode(&model, &texts), &golden.vectors.mean);
        for (text, expected) in texts.iter().zip(&golden.vectors.mean) {
            assert_close(&encode(&model, &[text]), std::slice::from_ref(expected));
        }
        assert!(encode(&model, &[]).is_empty());
    }
    let cls = changed("1_Pooling/config.json", Some(r#"{"pooling_mode": "cls"}"#));
    assert_close(&encode(&open(cls.path()), &texts), &golden.vectors.cls);
}

#[test]
fn a_text_longer_than_the_encoder_reaches_is_the_mean_of_its_parts() {
    // Eight tokens a part, of which two are special; single-letter words are one token each or the same unknown one.
    let short = changed("sentence_bert_config.json", Some(r#"{"max_seq_length": 8}"#));
    let model = open(short.path());
    let tokenizer =
        ReportTokenizer::from_file(&folder().join("tokenizer.json")).expect("tokenizer");
    let words = ["a", "s", "e", "o", "a", "n", "s", "a", "e"];
    assert_eq!(tokenizer.text_ids(&words.join(" ")).expect("ids").len(), 9);
    let parts = encode(&model, &[&words[..6].join(" "), &words[6..].join(" ")]);
    let expected: Vec<f32> =
        parts[0].iter().zip(&parts[1]).map(|(a, b)| (a * 8.0 + b * 5.0) / 13.0).collect();
    assert_close(&encode(&model, &[&words.join(" ")]), &[expected]);
}

#[test]
fn what_is_not_built_is_refused_by_file_and_name() {
    let dense = r#"[{"type": "sentence_transformers.models.Transformer"}, {"type": "sentence_transformers.models.Dense"}]"#;
    let weighted = dense.replace("Dense", "WeightedLayerPooling");
    for (name, content, words) in [
        ("modules.json", Some(dense), ["modules.json", "models.Dense"]),
        ("modules.json", Some(weighted.as_str()), ["modules.json", "WeightedLayerPooling"]),
        (
            "1_Pooling/config.json",
            Some(r#"{"pooling_mode_max_tokens": true}"#),
            ["1_Pooling", "max_tokens"],
        ),
        (
            "sentence_bert_config.json",
            Some(r#"{"max_seq_length": 2}"#),
            ["config.json", "2 tokens"],
        ),
        ("config.json", None, ["config.json", "expected config.json"]),
        ("tokenizer.json", None, ["tokenizer.json", "failed to load tokenizer"]),
    ] {
        let folder = changed(name, content);
        let error = SentenceModel::open(folder.path(), DeviceChoice::Cpu).expect_err(name);
        let message = error.to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    }
    let missing = changed("model.safetensors", None);
    let error = open(missing.path()).encode(&["normal"]).expect_err("no weights").to_string();
    assert!(error.contains("model.safetensors"), "{error}");
    let config = std::fs::read_to_string(folder().join("config.json")).expect("reads");
    let fewer =
        changed("config.json", Some(&config.replace("\"vocab_size\": 90", "\"vocab_size\": 7")));
    let error = open(fewer.path()).encode(&["normal"]).expect_err("ids beyond").to_string();
    assert!(error.contains("not of one model"), "{error}");
}
