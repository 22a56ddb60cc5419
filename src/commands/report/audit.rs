//! `radloom report audit`: a corpus's own labels beside the parser's.

use std::io::Write;
use std::path::Path;

use pipeline::files::write_atomically;
use pipeline::ingest::LabelTable;
use pipeline::ingest::csv::quoted;
use pipeline::report::{
    Audit, AuditedLabel, Disagreement, DisagreementKind, ReportParser, escape_html,
};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::source::{STDOUT, each_window};
use crate::cli::AuditArgs;
use crate::failure::Failure;

/// Disagreements that a person is shown; the csv file has all.
const SHOWN: usize = 20;
const ON_PAGE: usize = 2000;

pub(super) fn audit(
    parser: &ReportParser,
    args: &AuditArgs,
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let name = parser.policy_names().first().map(|name| (*name).to_owned()).unwrap_or_default();
    let policy = parser.policy(&name);
    let labels: Vec<&str> =
        policy.iter().flat_map(|policy| &policy.labels).map(|label| &*label.name).collect();
    let file = args.labels.as_deref().unwrap_or(&args.file);
    let key = args.key.as_ref().or(args.source.id.as_ref().filter(|_| args.labels.is_none()));
    let table = LabelTable::read(file, key.map(String::as_str), &labels)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let (mut audit, mut reports) = (Audit::default(), 0_u64);
    each_window(Some(&args.file), &args.source, |window| {
        reports += window.len() as u64;
        let compared = window.par_iter().map(|report| {
            let mut own = Audit::default();
            if let Some(corpus) = table.of(&report.document.id) {
                own.add(&report.document, &parser.parse(&report.document), &name, &corpus);
            }
            own
        });
        for own in compared.collect::<Vec<Audit>>() {
            audit.merge(own);
        }
        Ok(())
    })?;
    if audit.reports == 0 && reports > 0 {
        return Err(Failure::Usage(format!(
            "no report of `{}` has a row in `{}`: compare their columns of ids, or name others with `--id` and `--key`",
            args.file.display(),
            file.display()
        )));
    }
    let (compared, counts) = (audit.reports, audit.labels.clone());
    let found = audit.into_disagreements();
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder).map_err(Failure::io(folder))?;
        write_file(folder, "disagreements.csv", &rows(&found))?;
        write_file(folder, "labels.csv", &label_rows(&counts))?;
        write_file(folder, "audit.html", &page(&name, compared, &counts, &found))?;
    }
    let kinds: Vec<(DisagreementKind, usize)> = DisagreementKind::ALL
        .iter()
        .map(|&kind| (kind, found.iter().filter(|other| other.kind == kind).count()))
        .collect();
    if as_json {
        let labels: serde_json::Map<String, Value> =
            counts.iter().map(|(label, counts)| (label.clone(), as_value(counts))).collect();
        let kinds: serde_json::Map<String, Value> =
            kinds.iter().map(|(kind, count)| (kind.name().to_owned(), (*count).into())).collect();
        let mut value = json!({
            "policy": name, "reports": reports, "compared": compared, "labels": labels, "disagreements": kinds,
        });
        match &args.out {
            Some(folder) => value["out"] = json!(folder),
            None => value["rows"] = json!(found),
        }
        return writeln!(out, "{value}").map_err(Failure::io(STDOUT));
    }
    let text = summary(args, reports, compared, &counts, &kinds, &found);
    out.write_all(text.as_bytes()).map_err(Failure::io(STDOUT))
}

fn as_value(counts: &AuditedLabel) -> Value {
    let mut value = json!(counts);
    value["kappa"] = counts.kappa().map(|kappa| (kappa * 1e4).round() / 1e4).into();
    value
}

fn write_file(folder: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = folder.join(name);
    write_atomically(&path, text.as_bytes()).map_err(Failure::io(&path))
}

/// The counts and kappa, blank where there is none, as they stand in a table.
fn cells(counts: &AuditedLabel) -> [String; 6] {
    let AuditedLabel { both, only_parser, only_corpus, neither, uncertain } = counts;
    let kappa = counts.kappa().map(|kappa| format!("{kappa:.3}")).unwrap_or_default();
    let [a, b, c, d, e] = [both, only_parser, only_corpus, neither, uncertain].map(u64::to_string);
    [a, b, c, d, e, kappa]
}

fn summary(
    args: &AuditArgs,
    reports: u64,
    compared: u64,
    counts: &[(String, AuditedLabel)],
    kinds: &[(DisagreementKind, usize)],
    found: &[Disagreement],
) -> String {
    let mut text = format!("{compared} of {reports} reports have labels\n");
    let mut put = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    let mut row = |label: &str, [a, b, c, d, e, f]: [&str; 6]| {
        put(format!("{label:40} {a:>7} {b:>11} {c:>11} {d:>7} {e:>9} {f:>7}"));
    };
    row("label", ["both", "only parser", "only corpus", "neither", "uncertain", "kappa"]);
    for (label, counts) in counts {
        row(label, cells(counts).each_ref().map(String::as_str));
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    put(format!("{} disagreements: {}", found.len(), kinds.join(", ")));
    for one in found.iter().take(SHOWN) {
        let sentence = one.sentence.split_whitespace().collect::<Vec<_>>().join(" ");
        put(format!(
            "{} {}: `{}` is {} in the corpus and {} by the text: {sentence}",
            one.kind, one.id, one.label, one.source_value, one.value
        ));
    }
    match &args.out {
        Some(folder) => put(format!("all of them in `{}`", folder.display())),
        None if found.len() > SHOWN => {
            put(format!("and {} more: name a folder with `--out`", found.len() - SHOWN));
        }
        None => {}
    }
    text
}

fn rows(found: &[Disagreement]) -> String {
    let mut text =
        "kind,id,label,source_value,value,section,sentence,words,start,end,rule\n".to_owned();
    for one in found {
        let number = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
        let cells = [
            one.kind.name().to_owned(),
            quoted(&one.id),
            quoted(&one.label),
            one.source_value.to_string(),
            one.value.to_string(),
            one.section.clone(),
            quoted(&one.sentence),
            quoted(&one.words),
            number(one.start),
            number(one.end),
            one.rule.clone(),
        ];
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn label_rows(counts: &[(String, AuditedLabel)]) -> String {
    let mut text = "label,both,only_parser,only_corpus,neither,uncertain,kappa\n".to_owned();
    for (label, counts) in counts {
        text.push_str(&format!("{},{}\n", quoted(label), cells(counts).join(",")));
    }
    text
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;\
    color-scheme:light dark}table{border-collapse:collapse;font-size:.9rem}td,th{padding:.2rem .6rem;text-align:left;\
    border-bottom:1px solid #8884;vertical-align:top}td.n{text-align:right}mark{border-radius:3px;background:#f5a52466;\
    color:inherit}";

fn page(
    policy: &str,
    compared: u64,
    counts: &[(String, AuditedLabel)],
    found: &[Disagreement],
) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Labels of {0}</title><style>{STYLE}</style>\
         </head><body><h1>Labels of {0}</h1><p>{compared} reports have labels; the parser and the corpus disagree on {1}. \
         The worst come first.</p><table><tr><th>label<th>both<th>only parser<th>only corpus<th>neither<th>uncertain<th>kappa</tr>\n",
        escape_html(policy),
        found.len()
    );
    for (label, counts) in counts {
        let (label, cells) = (escape_html(label), cells(counts).join("<td class=n>"));
        page.push_str(&format!("<tr><td>{label}<td class=n>{cells}</tr>\n"));
    }
    page.push_str("</table>\n");
    for kind in DisagreementKind::ALL {
        let own: Vec<&Disagreement> = found.iter().filter(|one| one.kind == kind).collect();
        if own.is_empty() {
            continue;
        }
        page.push_str(&format!(
            "<h2>{} ({})</h2><p>{}</p><table><tr><th>report<th>label<th>corpus<th>parser<th>sentence<th>rule</tr>\n",
            escape_html(kind.name()),
            own.len(),
            escape_html(kind.doc())
        ));
        for one in own.iter().take(ON_PAGE) {
            page.push_str(&format!(
                "<tr><td>{}<td>{}<td class=n>{}<td class=n>{}<td>{}<td>{}</tr>\n",
                escape_html(&one.id),
                escape_html(&one.label),
                one.source_value,
                one.value,
                marked(&one.sentence, &one.words),
                escape_html(&one.rule)
            ));
        }
        page.push_str("</table>\n");
        if own.len() > ON_PAGE {
            page.push_str(&format!(
                "<p>The others stand in `disagreements.csv`: {}.</p>\n",
                own.len() - ON_PAGE
            ));
        }
    }
    page.push_str("</body></html>\n");
    page
}

/// A sentence with the deciding words marked.
fn marked(sentence: &str, words: &str) -> String {
    match sentence.split_once(words).filter(|_| !words.is_empty()) {
        Some((before, after)) => {
            let [before, words, after] = [before, words, after].map(escape_html);
            format!("{before}<mark>{words}</mark>{after}")
        }
        None => escape_html(sentence),
    }
}
