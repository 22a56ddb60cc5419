//! `radloom report --coverage`: the content words that the lexicon does not know.

use std::io::Write;

use pipeline::report::{Coverage, ReportParser};
use serde_json::{Value, json};

use super::source::{STDOUT, each_window};
use crate::cli::ReportArgs;
use crate::failure::Failure;

pub(super) fn coverage(
    parser: &ReportParser,
    args: &ReportArgs,
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut found = Coverage::default();
    each_window(args.file.as_deref(), &args.source, |window| {
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
