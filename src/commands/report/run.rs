//! Runs the verb in the form that was asked for.

use std::borrow::Cow;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use pipeline::ingest::SourceReport;
use pipeline::report::ReportParser;
use rayon::prelude::*;

use super::audit::audit;
use super::coverage::coverage;
use super::explain::explain;
use super::forms::form;
use super::identifiers::{identifiers, redacted};
use super::lint::lint_rows;
use super::rules::rules_with_hits;
use super::source::{STDOUT, each_window};
use super::tables::tables;
use crate::cli::{Common, ReportArgs, ReportVerb};
use crate::failure::{DONE, Failure};
use crate::settings::use_threads;

/// Reports whose output a thread gathers before the next one's.
const REPORTS_PER_PAGE: usize = 16;

pub(in crate::commands) fn run(args: &ReportArgs, common: &Common) -> Result<u8, Failure> {
    use_threads(common.threads.unwrap_or(0))?;
    let mut out = BufWriter::new(std::io::stdout());
    let done = match &args.verb {
        Some(verb) => run_verb(verb, common.json, &mut out),
        None => read(args, common.json, &mut out).map(|()| DONE),
    };
    // What stands before an error is written; that there is one counts more than how the rest went.
    let flushed = out.flush().map_err(Failure::io(STDOUT));
    match done.and_then(|code| flushed.map(|()| code)) {
        // Whoever reads the output may stop early, as `head` does.
        Err(Failure::Io { path, source })
            if path == Path::new(STDOUT) && source.kind() == ErrorKind::BrokenPipe =>
        {
            Ok(DONE)
        }
        done => done,
    }
}

fn run_verb(verb: &ReportVerb, as_json: bool, out: &mut impl Write) -> Result<u8, Failure> {
    match verb {
        ReportVerb::Explain { text, lexicon } => {
            let parser = parser(lexicon.as_deref(), None)?;
            explain(&parser, text, as_json, out).map_err(Failure::io(STDOUT)).map(|()| DONE)
        }
        ReportVerb::Lint { lexicon } => lint_rows(lexicon.as_deref(), as_json, out),
        ReportVerb::Audit(args) => {
            let parser = parser(args.source.lexicon.as_deref(), Some(&args.policy))?;
            audit(&parser, args, as_json, out).map(|()| DONE)
        }
    }
}

/// Parses the reports of a file into the form that is asked for.
fn read(args: &ReportArgs, as_json: bool, out: &mut (impl Write + Send)) -> Result<(), Failure> {
    let parser = parser(args.source.lexicon.as_deref(), args.policy.as_deref())?;
    match &args.out {
        Some(folder) => tables(&parser, args, folder, as_json, out),
        None if args.rules => rules_with_hits(&parser, args, as_json, out),
        None if args.coverage => coverage(&parser, args, as_json, out),
        None => each_window(args.file.as_deref(), &args.source, |window| {
            let pages = window.par_chunks(REPORTS_PER_PAGE).map(|reports| {
                let mut page = Vec::new();
                for report in reports {
                    show(&parser, report, args, as_json, &mut page)?;
                }
                Ok(page)
            });
            let pages: std::io::Result<Vec<Vec<u8>>> = pages.collect();
            pages
                .and_then(|pages| pages.iter().try_for_each(|page| out.write_all(page)))
                .map_err(Failure::io(STDOUT))
        }),
    }
}

/// The parser with a lexicon of the user's own and one policy in use, or the default ones.
fn parser(lexicon: Option<&Path>, policy: Option<&str>) -> Result<ReportParser, Failure> {
    let read = |path: &Path| std::fs::read_to_string(path).map_err(Failure::io(path));
    let overlay = lexicon.map(read).transpose()?;
    let file = policy.filter(|name| {
        Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
    });
    let own = file.map(|path| read(Path::new(path))).transpose()?;
    let policies: Vec<&str> = own.iter().map(String::as_str).collect();
    let mut parser = ReportParser::with_overlay(overlay.as_deref(), &policies)?;
    if file.is_some() {
        parser.keep_last_policy();
    } else if let Some(name) = policy {
        if parser.policy(name).is_none() {
            return Err(Failure::Usage(format!(
                "`--policy {name}` is not a label policy: available: {}; or name a TOML file",
                parser.policy_names().join(", ")
            )));
        }
        parser.keep_policies(&[name]);
    } else {
        parser.keep_default_policies();
    }
    Ok(parser)
}

fn show(
    parser: &ReportParser,
    report: &SourceReport,
    args: &ReportArgs,
    as_json: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let own: Vec<&str> = report.identifiers.iter().map(String::as_str).collect();
    let (document, redactions) = if args.redact {
        let (document, redactions) = parser.redact(&report.document, &own);
        (Cow::Owned(document), Some(redactions))
    } else {
        (Cow::Borrowed(&report.document), None)
    };
    if args.identifiers {
        return identifiers(parser, &document, &own, as_json, out);
    }
    let other_form = args.html || args.radgraph || args.organs;
    if let Some(redactions) = redactions.filter(|_| !other_form) {
        return redacted(&document, &redactions, as_json, out);
    }
    let name = match () {
        () if args.html => "html",
        () if args.radgraph => "radgraph",
        () if args.organs && as_json => "organs-json",
        () if args.organs => "organs",
        () if as_json => "json",
        () => "outline",
    };
    (form(name).write)(&document, &parser.parse(&document), out)
}
