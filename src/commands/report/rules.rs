//! `radloom report --rules`: the rules of the parser, with hits where there is a file.

use std::io::Write;

use pipeline::report::{ReportParser, RuleHits, rules};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::source::{STDOUT, each_window};
use crate::cli::ReportArgs;
use crate::failure::Failure;

pub(super) fn rules_with_hits(
    parser: &ReportParser,
    args: &ReportArgs,
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut hits = RuleHits::default();
    each_window(args.file.as_deref(), &args.source, |window| {
        let counted = window.par_iter().map(|report| {
            let mut own = RuleHits::default();
            parser.parse(&report.document).add_rule_hits(&mut own);
            own
        });
        for own in counted.collect::<Vec<RuleHits>>() {
            hits.merge(&own);
        }
        Ok(())
    })?;
    let counted = args.file.is_some();
    if as_json {
        let rows: Vec<Value> = rules()
            .iter()
            .map(|info| {
                let mut row = json!({
                    "id": info.rule.name(), "doc": info.rule.doc(), "file": info.file,
                    "example": info.example, "counter_example": info.counter_example,
                });
                if counted {
                    row["hits"] = hits.of(info.rule).into();
                }
                row
            })
            .collect();
        return writeln!(out, "{}", json!({ "rules": rows })).map_err(Failure::io(STDOUT));
    }
    for info in rules() {
        let id = info.rule.name();
        let line = if counted {
            format!("{:8} {id}: {}", hits.of(info.rule), info.rule.doc())
        } else {
            format!(
                "{id}: {}\n    fires on: {}\n    not on:   {}",
                info.rule.doc(),
                info.example,
                info.counter_example
            )
        };
        writeln!(out, "{line}").map_err(Failure::io(STDOUT))?;
    }
    Ok(())
}
