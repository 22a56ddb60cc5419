//! `radloom report lint`: rows of a lexicon that do not do what they say.

use std::io::Write;
use std::path::Path;

use pipeline::report::{LintKind, lint};
use serde_json::json;

use super::source::STDOUT;
use crate::failure::{DONE, FAILED, Failure};

pub(super) fn lint_rows(
    lexicon: Option<&Path>,
    as_json: bool,
    out: &mut impl Write,
) -> Result<u8, Failure> {
    let text =
        lexicon.map(|path| std::fs::read_to_string(path).map_err(Failure::io(path))).transpose()?;
    let findings = lint(text.as_deref())?;
    let count = |kind: LintKind| findings.iter().filter(|finding| finding.kind == kind).count();
    if as_json {
        let counts: serde_json::Map<String, serde_json::Value> = LintKind::ALL
            .iter()
            .map(|&kind| (kind.name().to_owned(), count(kind).into()))
            .collect();
        writeln!(out, "{}", json!({"findings": findings, "counts": counts}))
            .map_err(Failure::io(STDOUT))?;
    } else {
        for finding in &findings {
            let file = lexicon.map_or(finding.file.clone(), |path| path.display().to_string());
            let more = match finding.phrases {
                1 => String::new(),
                phrases => format!(" and {} others of the row", phrases - 1),
            };
            let (line, kind, phrase) = (finding.line, finding.kind, &finding.phrase);
            writeln!(out, "`{file}` line {line}: {kind}: `{phrase}`{more}: {}", finding.message)
                .map_err(Failure::io(STDOUT))?;
        }
        let counts: Vec<String> =
            LintKind::ALL.iter().map(|&kind| format!("{} {kind}", count(kind))).collect();
        writeln!(out, "{}", counts.join(", ")).map_err(Failure::io(STDOUT))?;
    }
    let wrong = findings.iter().any(|finding| finding.kind.is_error());
    Ok(if wrong { FAILED } else { DONE })
}
