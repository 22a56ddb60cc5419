//! `radloom report`: reports into graphs, one JSON object a line, and other views of them.
//!
//! Reports are read in windows. While one is parsed on all threads the next is read, and what comes
//! out is written in the order of the file: the same bytes at any thread count, in memory that does
//! not grow with the file.

use std::collections::BTreeMap;
use std::io::{BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use pipeline::execute::ReportTables;
use pipeline::graph::{ReportOrigin, ReportRows};
use pipeline::ingest::{ReportReader, SourceError, SourceReport};
use pipeline::report::{
    Assertion, Change, Coverage, ParsedReport, ReportDocument, ReportParser, Side,
    find_identifiers, organ_texts, to_html, to_json_line, to_radgraph,
};
use rayon::prelude::*;
use schemas::manifest::GraphSection;
use serde_json::{Map, Value, json};

use super::encoder::Encoder;
use super::settings::{cancel_on_signal, use_threads};
use crate::cli::{Common, ReportArgs};
use crate::failure::{DONE, Failure};
use crate::usage::peak_memory;

/// What errors of writing are said to be of.
const STDOUT: &str = "standard output";

/// Reports whose output a thread gathers before the next one's.
const REPORTS_A_PAGE: usize = 16;

pub(super) fn run(args: &ReportArgs, common: &Common) -> Result<u8, Failure> {
    use_threads(common.threads.unwrap_or(0))?;
    let parser = parser(args)?;
    let mut out = BufWriter::new(std::io::stdout());
    let done = match &args.out {
        Some(folder) => tables(&parser, args, folder, common.json, &mut out),
        None if args.coverage => coverage(&parser, args, common.json, &mut out),
        None => each_window(args, |window| {
            let pages = window.par_chunks(REPORTS_A_PAGE).map(|reports| {
                let mut page = Vec::new();
                for report in reports {
                    show(&parser, report, args, common.json, &mut page)?;
                }
                Ok(page)
            });
            let pages: std::io::Result<Vec<Vec<u8>>> = pages.collect();
            pages
                .and_then(|pages| pages.iter().try_for_each(|page| out.write_all(page)))
                .map_err(Failure::io(STDOUT))
        }),
    };
    // What stands before an error is written; that there is one counts more than how the rest went.
    let flushed = out.flush().map_err(Failure::io(STDOUT));
    match done.and(flushed) {
        // Whoever reads the output may stop early, as `head` does.
        Err(Failure::Io { path, source })
            if path == Path::new(STDOUT) && source.kind() == ErrorKind::BrokenPipe =>
        {
            Ok(DONE)
        }
        Err(failure) => Err(failure),
        Ok(()) => Ok(DONE),
    }
}

fn parser(args: &ReportArgs) -> Result<ReportParser, Failure> {
    let read = |path: &Path| std::fs::read_to_string(path).map_err(Failure::io(path));
    let overlay = args.lexicon.as_deref().map(read).transpose()?;
    let file = args.policy.as_deref().filter(|name| {
        Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
    });
    let own = file.map(|path| read(Path::new(path))).transpose()?;
    let policies: Vec<&str> = own.iter().map(String::as_str).collect();
    let mut parser = ReportParser::with_overlay(overlay.as_deref(), &policies)?;
    if file.is_some() {
        parser.keep_last_policy();
    } else if let Some(name) = &args.policy {
        if parser.policy(name).is_none() {
            return Err(Failure::Usage(format!(
                "`--policy {name}` is no label policy: there are {}, or name a TOML file",
                parser.policy_names().join(", ")
            )));
        }
        parser.keep_policies(&[name]);
    }
    Ok(parser)
}

/// Hands the reports to `work` window by window; the next one is read meanwhile.
fn each_window(
    args: &ReportArgs,
    mut work: impl FnMut(Vec<SourceReport>) -> Result<(), Failure> + Send,
) -> Result<(), Failure> {
    if args.file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(Failure::io("-"))?;
        let mut report = SourceReport::from_bytes("-", &bytes);
        report.identifiers.clear();
        return work(vec![report]);
    }
    let failure = |error| match error {
        SourceError::Io { path, source } => Failure::Io { path, source },
        other => Failure::Usage(other.to_string()),
    };
    let mut reader = ReportReader::open(&args.file, &args.column).map_err(failure)?;
    let mut window = reader.next_window().map_err(failure)?;
    while !window.is_empty() {
        let (done, next) = rayon::join(|| work(window), || reader.next_window());
        done?;
        window = next.map_err(failure)?;
    }
    Ok(())
}

/// Writes the tables and says what they hold.
fn tables(
    parser: &ReportParser,
    args: &ReportArgs,
    folder: &Path,
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let encoder = match &args.encoder {
        Some(encoder) => Some(Encoder::open(encoder, args.device.parse()?)?),
        None => None,
    };
    std::fs::create_dir_all(folder).map_err(Failure::io(folder))?;
    let mut tables = ReportTables::create(folder)?;
    let none = BTreeMap::new();
    each_window(args, |window| {
        let rows = window.into_par_iter().map(|report| {
            let SourceReport { document, patient, identifiers } = report;
            let identifiers: Vec<&str> = identifiers.iter().map(String::as_str).collect();
            let parsed = parser.parse(&document);
            let origin = ReportOrigin {
                identifiers: &identifiers,
                study_id: &document.id,
                patient_key: patient.as_deref().unwrap_or(&document.id),
                split: "",
                source_labels: &none,
            };
            (ReportRows::new(&origin, &document, &parsed), document, parsed)
        });
        Ok(tables.add(rows.collect())?)
    })?;
    let cancel = cancel_on_signal();
    let counts = tables.finish(
        folder,
        &GraphSection::default(),
        encoder.as_ref().map(|encoder| encoder as _),
        &mut |_| !cancel.is_set(),
    )?;
    if as_json {
        let value = json!({
            "out": folder, "reports": counts.reports, "sentences": counts.sentences,
            "nodes": counts.nodes, "edges": counts.edges, "sentence_types": counts.sentence_types,
            "similarity": counts.similarity, "identifiers": counts.identifiers, "peak_rss_bytes": peak_memory(),
        });
        return writeln!(out, "{value}").map_err(Failure::io(STDOUT));
    }
    writeln!(
        out,
        "{} reports, {} sentences ({} distinct), {} mentions, {} relations in `{}`",
        counts.reports,
        counts.sentences,
        counts.sentence_types,
        counts.nodes,
        counts.edges,
        folder.display()
    )
    .map_err(Failure::io(STDOUT))
}

fn show(
    parser: &ReportParser,
    report: &SourceReport,
    args: &ReportArgs,
    as_json: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let document = &report.document;
    if args.identifiers {
        return identifiers(report, as_json, out);
    }
    let parsed = parser.parse(document);
    if args.html {
        return write!(out, "{}", to_html(document, &parsed));
    }
    if args.radgraph {
        let value = json!({ document.id.as_str(): to_radgraph(document, &parsed) });
        return writeln!(out, "{value}");
    }
    if args.organs {
        return organs(document, &parsed, as_json, out);
    }
    if as_json {
        return writeln!(out, "{}", to_json_line(document, &parsed));
    }
    outline(document, &parsed).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// A report for people: each sentence with what was found in it.
fn outline(document: &ReportDocument, parsed: &ParsedReport) -> Vec<String> {
    let slice = |start: u32, end: u32| &document.text[start as usize..end as usize];
    let mut lines = vec![format!("report {}", document.id)];
    for sentence in &parsed.sentences {
        lines.push(format!("  {}", slice(sentence.start, sentence.end).replace('\n', " ")));
        for node in parsed.nodes.iter().filter(|node| node.sentence == sentence.id) {
            let words: Vec<&str> = [
                Some(node.kind.as_str()),
                node.assertion.map(Assertion::as_str),
                node.side.map(Side::as_str),
                node.change.map(Change::as_str),
            ]
            .into_iter()
            .flatten()
            .collect();
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

fn organs(
    document: &ReportDocument,
    parsed: &ParsedReport,
    as_json: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let texts = organ_texts(document, parsed);
    if as_json {
        let map: Map<String, Value> =
            texts.into_iter().map(|(organ, text)| (organ, Value::from(text))).collect();
        return writeln!(out, "{}", json!({"id": document.id, "organs": map}));
    }
    writeln!(out, "report {}", document.id)?;
    texts
        .iter()
        .try_for_each(|(organ, text)| writeln!(out, "  {organ}: {}", text.replace('\n', " ")))
}

fn identifiers(report: &SourceReport, as_json: bool, out: &mut impl Write) -> std::io::Result<()> {
    let own: Vec<&str> = report.identifiers.iter().map(String::as_str).collect();
    let text = &report.document.text;
    let found: Vec<Value> = find_identifiers(text, &own)
        .iter()
        .map(|hit| {
            json!({
                "kind": hit.kind, "start": hit.start, "end": hit.end,
                "text": text[hit.start as usize..hit.end as usize],
            })
        })
        .collect();
    if as_json {
        return writeln!(out, "{}", json!({"id": report.document.id, "identifiers": found}));
    }
    found.iter().try_for_each(|hit| {
        let word = |key: &str| hit[key].as_str().unwrap_or_default();
        let (kind, text) = (word("kind"), word("text"));
        writeln!(
            out,
            "{}: {kind} at {}..{}: `{text}`",
            report.document.id, hit["start"], hit["end"]
        )
    })
}

fn coverage(
    parser: &ReportParser,
    args: &ReportArgs,
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut found = Coverage::default();
    each_window(args, |window| {
        for report in window {
            parser.add_coverage(&report.document, &mut found);
        }
        Ok(())
    })?;
    if as_json {
        let unknown: Vec<Value> = found
            .by_count()
            .iter()
            .map(|(word, count)| json!({"word": word, "count": count}))
            .collect();
        let (words, known, share) = (found.words, found.known, found.share());
        let value = json!({"words": words, "known": known, "share": share, "unknown": unknown});
        return writeln!(out, "{value}").map_err(Failure::io(STDOUT));
    }
    for (word, count) in found.by_count() {
        writeln!(out, "{count:6} {word}").map_err(Failure::io(STDOUT))?;
    }
    let percent = found.share() * 100.0;
    writeln!(out, "{percent:.1} % of {} content words are known", found.words)
        .map_err(Failure::io(STDOUT))
}
