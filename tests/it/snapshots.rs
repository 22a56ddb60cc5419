//! What users see, kept as files in `snapshots/`: help, JSON of each verb, a release's card, messages about manifests.
//!
//! After a change that is meant, `INSTA_UPDATE=always cargo test --test it snapshots::` writes the files anew; the diff
//! shows what users will see.

use serde_json::{Map, Value};

use crate::support::{Finished, Workspace, done, run, text, verbs, volumes, write};

/// Fields whose numbers belong to this run or this machine.
const MEASURED: [&str; 21] = [
    "cpu_s",
    "cpu_s_per_gb",
    "hash_s_per_gb",
    "copy_s_per_gb",
    "data_wait_s",
    "gb_per_s",
    "gradient_norm",
    "high",
    "loss",
    "losses",
    "low",
    "mean",
    "peak_rss_bytes",
    "samples_per_s",
    "seconds",
    "stall_percent",
    "step_s",
    "threads",
    "time_s",
    "value",
    "wall_s",
];

/// The text without what differs from run to run: folders, identities, the version of the program.
fn settled(workspace: &Workspace, text: &str) -> String {
    let text = text
        .replace(crate::support::text(&workspace.path("")).trim_end_matches('/'), "[folder]")
        .replace(env!("CARGO_MANIFEST_DIR"), "[repository]")
        .replace(concat!("radloom ", env!("CARGO_PKG_VERSION")), "radloom [version]");
    without_identities(&text)
}

/// Runs of at least 16 hexadecimal digits, where one is a letter and one is a digit, become `[hash]`: they depend on
/// every byte of a release.
fn without_identities(text: &str) -> String {
    let mut settled = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_hexdigit()) {
        let run = &rest[start..];
        let end = run.find(|letter: char| !letter.is_ascii_hexdigit()).unwrap_or(run.len());
        let word = &run[..end];
        settled += &rest[..start];
        let hash = word.len() >= 16 && word.contains(|letter: char| letter.is_ascii_digit());
        settled += if hash { "[hash]" } else { word };
        rest = &run[end..];
    }
    settled + rest
}

/// The same JSON with measured numbers hidden.
fn hidden(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| {
                let measured = MEASURED.contains(&key.as_str()) && !value.is_null();
                let value = if measured { "[measured]".into() } else { hidden(value) };
                (key.clone(), value)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(values) => values.iter().map(hidden).collect(),
        other => other.clone(),
    }
}

/// Every line of stdout as indented JSON.
fn shown(workspace: &Workspace, finished: &Finished) -> String {
    let values = serde_json::Deserializer::from_str(&finished.stdout).into_iter::<Value>();
    let texts = values.map(|value| {
        let value = hidden(&value.expect("stdout is JSON"));
        serde_json::to_string_pretty(&value).expect("is plain data")
    });
    settled(workspace, &texts.collect::<Vec<_>>().join("\n"))
}

#[test]
fn help_of_every_verb_and_the_lists() {
    let mut text = done(&["--help"]).stdout;
    for verb in verbs() {
        for inner in [&[verb.as_str()][..], &[verb.as_str(), "verify"], &[verb.as_str(), "bench"]] {
            let finished = run(&[inner, &["--help"]].concat());
            let fits = inner.len() == 1
                || finished.stdout.contains(&format!("radloom {}", inner.join(" ")));
            if finished.code == Some(0) && fits {
                text += &format!("\n=== {}\n{}", inner.join(" "), finished.stdout);
            }
        }
    }
    let listed = done(&["list"]).stdout;
    insta::assert_snapshot!("list", settled(&Workspace::new(), &listed));
    insta::assert_snapshot!("help", settled(&Workspace::new(), &text));
}

#[test]
fn json_of_the_verbs_that_stand_alone() {
    let workspace = Workspace::new();
    for (name, path) in [
        ("inspect_nifti", "train/train_3/train_3_a/train_3_a_1.nii.gz"),
        ("inspect_dicom", "train/train_1/train_1_a/train_1_a_1"),
        ("inspect_truncated", "train/train_2/train_2_b"),
    ] {
        let finished = done(&["inspect", text(&volumes(path)), "--json"]);
        insta::assert_snapshot!(name, shown(&workspace, &finished));
    }
    let input = volumes("train/train_3/train_3_a/train_3_a_1.nii.gz");
    let output = workspace.path("view.nii.gz");
    let finished = done(&["volume", text(&input), text(&output), "--view", "mg3d", "--json"]);
    insta::assert_snapshot!("volume", shown(&workspace, &finished));

    let report = workspace.path("report.txt");
    write(
        &report,
        b"Findings: No pleural effusion. A 5 mm nodule in the left lower lobe, unchanged.\n",
    );
    let finished = done(&["report", text(&report), "--json"]);
    insta::assert_snapshot!("report", shown(&workspace, &finished));
    let finished = done(&["list", "layouts", "--json"]);
    insta::assert_snapshot!("list_layouts", shown(&workspace, &finished));
}

#[test]
fn json_of_a_run_and_what_it_leaves() {
    let workspace = Workspace::new();
    let manifest = workspace.manifest(|text| text.replace("steps = 40", "steps = 2"));
    // `run` comes last and finds everything done but the page.
    for verb in ["curate", "train", "evaluate", "run"] {
        let finished = done(&[verb, text(&manifest), "--json"]);
        insta::assert_snapshot!(verb, shown(&workspace, &finished));
    }
    let release = workspace.path("out/release");
    for (name, arguments) in [
        ("release_verify", vec!["release", "verify", text(&release)]),
        ("inspect_release", vec!["inspect", text(&release)]),
        ("loader_bench", vec!["loader", "bench", text(&release), "--batch", "2"]),
    ] {
        let finished = done(&[&arguments[..], &["--json"]].concat());
        insta::assert_snapshot!(name, shown(&workspace, &finished));
    }
    let read = |name: &str| std::fs::read_to_string(release.join(name)).expect("reads");
    insta::assert_snapshot!("release_card", settled(&workspace, &read("README.md")));
    insta::assert_snapshot!("croissant", outline(&workspace, &read("croissant.json")));
}

/// Croissant with one line per file and per field.
fn outline(workspace: &Workspace, text: &str) -> String {
    let mut value: Value = serde_json::from_str(text).expect("is JSON");
    let list = |value: &Value, line: &dyn Fn(&Value) -> String| -> Value {
        value.as_array().into_iter().flatten().map(line).map(Value::from).collect()
    };
    let word = |value: &Value, key: &str| match &value[key] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    value["distribution"] = list(&value["distribution"], &|file| {
        format!("{} {} {}", word(file, "@type"), word(file, "@id"), word(file, "encodingFormat"))
    });
    let sets = value["recordSet"].as_array().cloned().unwrap_or_default();
    let sets = sets.iter().map(|set| {
        let fields = list(&set["field"], &|field| {
            format!("{}: {}", word(field, "name"), word(field, "dataType"))
        });
        (word(set, "name"), fields)
    });
    value["recordSet"] = Value::Object(sets.collect());
    settled(workspace, &serde_json::to_string_pretty(&value).expect("is plain data"))
}

#[test]
fn messages_about_manifests() {
    let edits: [(&str, &str, &str); 14] = [
        ("a misspelt key", "[shard]\n", "[shard]\nmax_study = 3\n"),
        ("a misspelt section", "[shard]\n", "[shards]\n"),
        ("a value of the wrong type", "seed = 7", "seed = \"seven\""),
        ("a value that is none of the list", "method = \"corpus\"", "method = \"random\""),
        ("a layout that is none of the list", "layout = \"ct-rate\"", "layout = \"bids\""),
        ("a preset that is none of the list", "preset = \"mg3d\"", "preset = \"mg3\""),
        ("a version to come", "version = 1\n", "version = 2\n"),
        ("a missing section", "[[view]]\nname = \"mg3d\"\npreset = \"mg3d\"\n", ""),
        ("a view that is not there", "view = \"mg3d\"", "view = \"t3d\""),
        ("a file that is not there", "train_reports.csv", "no_reports.csv"),
        ("a folder that is not there", "tests/data/corpus\"", "tests/data/corpora\""),
        ("broken TOML", "steps = 40", "steps = "),
        ("a system that is none of the list", "system = \"mg3d\"", "system = \"mg4d\""),
        (
            "a key of the model that is misspelt",
            "preset = \"tiny\"",
            "preset = \"tiny\"\nheds = [3]",
        ),
    ];
    let workspace = Workspace::new();
    let mut all = String::new();
    for (name, from, to) in edits {
        let path = workspace.manifest(|text| {
            assert!(text.contains(from), "{name}");
            text.replacen(from, to, 1)
        });
        let finished = run(&["run", text(&path)]);
        let end = finished.code.map_or("a signal".into(), |code| format!("exit code {code}"));
        all += &format!("=== {name}: {end}\n{}\n", finished.stderr);
    }
    insta::assert_snapshot!("manifest_errors", settled(&workspace, &all));
}
