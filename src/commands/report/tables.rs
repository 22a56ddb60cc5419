//! `radloom report --out DIR`: the tables of a release's reports.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use pipeline::execute::ReportTables;
use pipeline::ingest::SourceReport;
use pipeline::report::{ReportOrigin, ReportParser, ReportRows};
use rayon::prelude::*;
use schemas::manifest::GraphSection;
use serde_json::json;

use super::source::{STDOUT, each_window};
use crate::cli::ReportArgs;
use crate::failure::Failure;
use crate::sentence_encoder::Encoder;
use crate::settings::cancel_on_signal;
use crate::usage::peak_memory;

/// Writes the tables and says what they hold.
pub(super) fn tables(
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
    each_window(args.file.as_deref(), &args.source, |window| {
        let rows = window.into_par_iter().map(|report| {
            let SourceReport { document, patient, identifiers } = report;
            let identifiers: Vec<&str> = identifiers.iter().map(String::as_str).collect();
            let study = document.id.clone();
            let origin = ReportOrigin {
                identifiers: &identifiers,
                study_id: &study,
                patient_key: patient.as_deref().unwrap_or(&study),
                split: "",
                source_labels: &none,
            };
            ReportRows::read(parser, &origin, document, args.redact)
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
            "similarity": counts.similarity, "identifiers": counts.identifiers, "warned": counts.warned,
            "peak_rss_bytes": peak_memory(),
        });
        return writeln!(out, "{value}").map_err(Failure::io(STDOUT));
    }
    writeln!(
        out,
        "{} reports ({} with a warning), {} sentences ({} distinct), {} mentions, {} relations in `{}`",
        counts.reports,
        counts.warned,
        counts.sentences,
        counts.sentence_types,
        counts.nodes,
        counts.edges,
        folder.display()
    )
    .map_err(Failure::io(STDOUT))
}
