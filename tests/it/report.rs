//! `radloom report`: its verbs, redaction and rows that are no reports.

use crate::support::{Workspace, done, json, run, text, write};

#[test]
fn a_text_is_explained_down_to_the_rule() {
    let said = "There is no pleural effusion, but a nodule is seen.";
    let shown = done(&["report", "explain", said]).stdout;
    for line in [
        "clause `but a nodule is seen.`",
        "phrase `pleural effusion`: concept pleural_effusion (observation)",
        "cue `no` reaches `pleural effusion,`: negated_forward",
        "`pleural effusion` is pleural_effusion, absent: negated_forward by `no`",
        "label ct_rate_18: Lung nodule is 1, guessed by `nodule`",
        "label ct_rate_18: Pleural effusion is 0, stated by `pleural effusion`",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    let value = json(&done(&["report", "explain", said, "--json"]));
    assert_eq!(value["steps"][0]["clauses"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        value["report"]["label_evidence"]["ct_rate_18"]["Lung nodule"]["confidence"],
        "guessed"
    );
}

#[test]
fn a_lexicon_is_looked_through() {
    let workspace = Workspace::new();
    assert_eq!(run(&["report", "lint"]).code, Some(0));
    let file = workspace.path("words.tsv");
    let rows = [
        "concept\tpreferred\tsurface\tkind\tparent\tside\torgan",
        "whorl\twhorl\twhorl sign\tobservation\t-\t-\tlung",
        "swirl\tswirl\twhorl sign\tobservation\t-\t-\tlung",
    ];
    write(&file, rows.join("\n").as_bytes());
    let finished = run(&["report", "lint", text(&file)]);
    assert_eq!(finished.code, Some(1));
    assert!(finished.stdout.contains("line 2: shadowed: `whorl sign`"), "{}", finished.stdout);
    let value: serde_json::Value =
        serde_json::from_str(&run(&["report", "lint", text(&file), "--json"]).stdout)
            .expect("JSON");
    assert_eq!(value["counts"]["shadowed"], 1);
    write(&file, rows[..2].join("\n").as_bytes());
    assert_eq!(run(&["report", "lint", text(&file)]).code, Some(0));
}

#[test]
fn labels_of_a_corpus_are_held_against_its_texts() {
    let workspace = Workspace::new();
    let (reports, labels) = (workspace.path("r.csv"), workspace.path("l.csv"));
    write(
        &reports,
        b"id,text\na,There is no pleural effusion.\nb,\"Emphysema, <b>severe</b>.\"\nc,Normal.\n",
    );
    write(&labels, b"id,Pleural effusion,emphysema\na,1,0\nb,0,1\nc,1,0\nd,1,1\n");
    let out = workspace.path("audit");
    let command = [
        "report",
        "audit",
        text(&reports),
        "--labels",
        text(&labels),
        "--out",
        text(&out),
        "--json",
    ];
    let value = json(&done(&command));
    assert_eq!((&value["reports"], &value["compared"]), (&3.into(), &3.into()));
    assert_eq!(value["disagreements"]["contradicted"], 1);
    assert_eq!(value["disagreements"]["not_mentioned"], 1);
    assert_eq!(value["labels"]["Emphysema"]["both"], 1);
    assert_eq!(value["labels"]["Emphysema"]["kappa"], 1.0);
    let read = |name: &str| std::fs::read_to_string(out.join(name)).expect("reads");
    let rows: Vec<String> = read("disagreements.csv").lines().map(str::to_owned).collect();
    assert_eq!(
        rows[1],
        "contradicted,\"a\",\"Pleural effusion\",1,0,findings,\"There is no pleural effusion.\",\"pleural effusion\",12,28,\
         negated_forward"
    );
    assert_eq!(rows.len(), 3);
    assert!(read("labels.csv").contains("\"Pleural effusion\",0,0,2,1,0,\n"));
    assert!(read("audit.html").contains("There is no <mark>pleural effusion</mark>."));
    // Ids that meet nowhere are told and are no agreement.
    write(&labels, b"id,Pleural effusion\nx,1\n");
    let finished = run(&["report", "audit", text(&reports), "--labels", text(&labels)]);
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("`--key`"), "{}", finished.stderr);
}

#[test]
fn placeholders_stand_for_what_could_name_the_patient() {
    let workspace = Workspace::new();
    let file = workspace.path("r.csv");
    let source = "Patient: Jane Doe. No effusion. MRN: 12345678.";
    write(&file, format!("id,text\na,\"{source}\"\n").as_bytes());
    let value = json(&done(&["report", text(&file), "--redact", "--json"]));
    let shown = value["text"].as_str().expect("a text");
    assert!(!shown.contains("Doe") && !shown.contains("12345678"), "{shown}");
    assert!(shown.contains("No effusion."), "{shown}");
    for redaction in value["redactions"].as_array().expect("a list") {
        let at = |key: &str| redaction[key].as_u64().map(|at| at as usize).expect("an offset");
        let placeholder = &shown[at("start")..at("end")];
        assert!(placeholder.starts_with('[') && placeholder.ends_with(']'), "{placeholder}");
        let words = &source[at("source_start")..at("source_end")];
        assert!(words.contains("Doe") || words.contains("12345678"), "{words}");
    }
    let out = workspace.path("tables");
    done(&["report", text(&file), "--redact", "--out", text(&out), "--json"]);
    let table =
        |name: &str| format!("{:?}", pipeline::shard::read_table(&out.join(name)).expect("reads"));
    let reports = table("reports.parquet");
    assert!(reports.contains("No effusion") && !reports.contains("Doe"), "{reports}");
    assert!(table("identifiers.parquet").contains("record_number"));
}
