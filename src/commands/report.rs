//! `radloom report`: reports into graphs, one JSON object a line.

use std::io::Read;
use std::path::Path;

use pipeline::report::{ReportDocument, ReportParser, SectionKind, to_json};
use serde_json::Value;

use crate::cli::{Common, ReportArgs};
use crate::failure::{DONE, Failure};
use crate::progress::print;

/// CT-RATE's report columns, used when a csv has them and no `--column` of its own.
const COLUMNS: [(&str, SectionKind); 4] = [
    ("ClinicalInformation_EN", SectionKind::ClinicalInformation),
    ("Technique_EN", SectionKind::Technique),
    ("Findings_EN", SectionKind::Findings),
    ("Impressions_EN", SectionKind::Impression),
];

pub(super) fn run(args: &ReportArgs, common: &Common) -> Result<u8, Failure> {
    let overlay = match &args.lexicon {
        Some(path) => Some(std::fs::read_to_string(path).map_err(Failure::io(path))?),
        None => None,
    };
    let parser = ReportParser::with_overlay(overlay.as_deref(), &[])?;
    if let Some(policy) = &args.policy
        && parser.policy(policy).is_none()
    {
        return Err(Failure::Usage(format!("`--policy {policy}` is no label policy")));
    }
    for document in documents(args)? {
        let mut parsed = parser.parse(&document);
        if let Some(policy) = &args.policy {
            parsed.labels.retain(|set| set.policy == *policy);
        }
        if common.json {
            print(&to_json(&document, &parsed).to_string());
        } else {
            for line in outline(&document, &parsed) {
                print(&line);
            }
        }
    }
    Ok(DONE)
}

/// A report for people: each sentence with what was found in it.
fn outline(document: &ReportDocument, parsed: &pipeline::report::ParsedReport) -> Vec<String> {
    let slice = |start: u32, end: u32| &document.text[start as usize..end as usize];
    let mut lines = vec![format!("report {}", document.id)];
    for sentence in &parsed.sentences {
        lines.push(format!("  {}", slice(sentence.start, sentence.end).replace('\n', " ")));
        for node in parsed.nodes.iter().filter(|node| node.sentence == sentence.id) {
            let parts = [
                serde_json::to_value(node.kind).ok(),
                node.assertion.and_then(|value| serde_json::to_value(value).ok()),
                node.side.and_then(|value| serde_json::to_value(value).ok()),
                node.change.and_then(|value| serde_json::to_value(value).ok()),
            ];
            let words: Vec<_> =
                parts.iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            lines.push(format!("    {}: {}", node.preferred, words.join(", ")));
        }
    }
    for set in &parsed.labels {
        let named: Vec<_> = set
            .values
            .iter()
            .filter(|value| value.value != 0)
            .map(|value| format!("{} {:+}", value.label, value.value))
            .collect();
        lines.push(format!("  {}: {}", set.policy, named.join(", ")));
    }
    lines
}

fn documents(args: &ReportArgs) -> Result<Vec<ReportDocument>, Failure> {
    let path = args.file.as_path();
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match extension.as_str() {
        "csv" => csv_documents(path, &args.column),
        "jsonl" | "ndjson" => jsonl_documents(path, &args.column),
        _ if path == Path::new("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(Failure::io("-"))?;
            Ok(vec![ReportDocument::from_text("-", text)])
        }
        _ => {
            let bytes = std::fs::read(path).map_err(Failure::io(path))?;
            // Reports from old systems are not always UTF-8; offsets count bytes of the decoded text.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Ok(vec![ReportDocument::from_text(name, text)])
        }
    }
}

fn csv_documents(path: &Path, column: &str) -> Result<Vec<ReportDocument>, Failure> {
    let usage = |error: pipeline::ingest::csv::CsvError| Failure::Usage(error.to_string());
    let rows = pipeline::ingest::csv::read_rows(path).map_err(usage)?;
    let has = |name: &str| rows.columns.iter().position(|found| found == name);
    let id = has("id").or_else(|| has("VolumeName")).or_else(|| has("study_id"));
    let identifier = |index: usize, cells: &[Option<String>]| {
        id.and_then(|at| cells[at].clone()).unwrap_or_else(|| index.to_string())
    };
    if let Some(at) = has(column) {
        return Ok(rows
            .rows
            .iter()
            .enumerate()
            .map(|(index, cells)| {
                ReportDocument::from_text(
                    identifier(index, cells),
                    cells[at].clone().unwrap_or_default(),
                )
            })
            .collect());
    }
    let columns: Vec<(usize, SectionKind)> =
        COLUMNS.iter().filter_map(|&(name, kind)| Some((has(name)?, kind))).collect();
    if columns.is_empty() {
        return Err(Failure::Usage(format!(
            "`{}` has no column `{column}`: it has {}; name yours with `--column`",
            path.display(),
            rows.columns.join(", ")
        )));
    }
    Ok(rows
        .rows
        .iter()
        .enumerate()
        .map(|(index, cells)| {
            let texts: Vec<(SectionKind, &str)> = columns
                .iter()
                .map(|&(at, kind)| (kind, cells[at].as_deref().unwrap_or_default()))
                .collect();
            ReportDocument::from_columns(identifier(index, cells), &texts)
        })
        .collect())
}

fn jsonl_documents(path: &Path, field: &str) -> Result<Vec<ReportDocument>, Failure> {
    let content = std::fs::read_to_string(path).map_err(Failure::io(path))?;
    let mut documents = Vec::new();
    for (index, line) in content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let problem = |what: String| {
            Failure::Usage(format!("`{}`, line {}: {what}", path.display(), index + 1))
        };
        let value: Value =
            serde_json::from_str(line).map_err(|error| problem(error.to_string()))?;
        let text = value.get(field).and_then(Value::as_str).ok_or_else(|| {
            problem(format!("has no text field `{field}`; name yours with `--column`"))
        })?;
        let id = match value.get("id") {
            Some(Value::String(id)) => id.clone(),
            Some(other) => other.to_string(),
            None => index.to_string(),
        };
        documents.push(ReportDocument::from_text(id, text));
    }
    Ok(documents)
}
