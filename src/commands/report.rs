//! `radloom report`: reports into graphs, one JSON object a line, and other views of them.

use std::io::{BufWriter, Read, Write};
use std::path::Path;

use pipeline::report::{
    Assertion, Change, Coverage, ParsedReport, ReportDocument, ReportParser, Side, SourceError,
    SourceReport, find_identifiers, organ_texts, read_reports, to_html, to_json_line, to_radgraph,
};
use serde_json::{Map, Value, json};

use crate::cli::{Common, ReportArgs};
use crate::failure::{DONE, Failure};

pub(super) fn run(args: &ReportArgs, common: &Common) -> Result<u8, Failure> {
    let parser = parser(args)?;
    let reports = reports(args)?;
    let stdout = std::io::stdout();
    let mut out = BufWriter::new(stdout.lock());
    let written = if args.coverage {
        coverage(&parser, &reports, common.json, &mut out)
    } else {
        reports.iter().try_for_each(|report| show(&parser, report, args, common.json, &mut out))
    };
    // Whoever reads the output may stop early, as `head` does.
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::io("standard output")(error))
        }
        _ => Ok(DONE),
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

fn reports(args: &ReportArgs) -> Result<Vec<SourceReport>, Failure> {
    if args.file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(Failure::io("-"))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let document = ReportDocument::from_text("-", text);
        return Ok(vec![SourceReport { document, identifiers: Vec::new() }]);
    }
    read_reports(&args.file, &args.column).map_err(|error| match error {
        SourceError::Io { path, source } => Failure::Io { path, source },
        other => Failure::Usage(other.to_string()),
    })
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
    reports: &[SourceReport],
    as_json: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let mut found = Coverage::default();
    for report in reports {
        parser.add_coverage(&report.document, &mut found);
    }
    if as_json {
        let unknown: Vec<Value> = found
            .by_count()
            .iter()
            .map(|(word, count)| json!({"word": word, "count": count}))
            .collect();
        let (words, known, share) = (found.words, found.known, found.share());
        let value = json!({"words": words, "known": known, "share": share, "unknown": unknown});
        return writeln!(out, "{value}");
    }
    for (word, count) in found.by_count() {
        writeln!(out, "{count:6} {word}")?;
    }
    let percent = found.share() * 100.0;
    writeln!(out, "{percent:.1} % of {} content words are known", found.words)
}
