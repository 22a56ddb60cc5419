//! `radloom curate`, and the part of `run` that ends at the release.

use std::path::PathBuf;
use std::time::Instant;

use model::device::DeviceChoice;
use pipeline::execute::{Cancel, Curation, Options, curate};
use schemas::manifest::Manifest;
use serde_json::{Map, Value, json};

use crate::cli::{Common, CurateArgs, ManifestArgs};
use crate::failure::{DONE, EXCLUSIONS, Failure};
use crate::progress::{Progress, print};
use crate::sentence_encoder::Encoder;
use crate::settings;
use crate::usage;

pub(super) fn run(args: &CurateArgs, common: &Common) -> Result<u8, Failure> {
    let start = Instant::now();
    let CurateArgs { manifest: args, reuse } = args;
    let manifest = settings::manifest(args, common)?;
    let progress = Progress::new(common.quiet);
    let cancel = settings::cancel_on_signal();
    let curation = release(&manifest, reuse, args.device.parse()?, &progress, &cancel)?;
    if common.json {
        print(&Value::Object(summary_json(&curation, start)).to_string());
    } else if !common.quiet {
        for line in summary_lines(&curation) {
            print(&line);
        }
    }
    Ok(exit_code(args, &curation))
}

/// Makes the release, or finds it made.
pub(super) fn release(
    manifest: &Manifest,
    reuse: &[PathBuf],
    device: DeviceChoice,
    progress: &Progress,
    cancel: &Cancel,
) -> Result<Curation, Failure> {
    progress.line(&format!(
        "{}: `{}` into `{}`",
        manifest.name,
        manifest.corpus.root.display(),
        manifest.release.out.display()
    ));
    let encoder = manifest.graph.encoder.as_deref();
    let encoder = encoder.map(|folder| Encoder::open(folder, device)).transpose()?;
    let encoder = encoder.as_ref().map(|encoder| encoder as _);
    let options = Options { encoder, reuse, ..Options::default() };
    Ok(curate(manifest, &options, progress, cancel)?)
}

/// 3 under `--strict` when inputs were left out.
pub(super) fn exit_code(args: &ManifestArgs, curation: &Curation) -> u8 {
    if args.strict && !curation.excluded.is_empty() { EXCLUSIONS } else { DONE }
}

/// The machine-readable summary of a run up to the release.
pub(super) fn summary_json(curation: &Curation, start: Instant) -> Map<String, Value> {
    let value = json!({
        "release_dir": curation.release,
        "release_id": curation.release_id,
        "studies": curation.studies,
        "volumes": curation.volumes,
        "included": curation.included,
        "excluded": curation.excluded,
        "files": files_json(curation),
        "warned_reports": curation.warned_reports,
        "wall_s": start.elapsed().as_secs_f64(),
        "peak_rss_bytes": usage::peak_memory(),
        "resumed": curation.resumed_units > 0,
        "units": curation.units,
        "reused_units": curation.reused_units,
        "replaced": curation.replaced,
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Where the files of the corpus went: found = used + excluded + ignored.
fn files_json(curation: &Curation) -> Value {
    let Some(files) = &curation.files else { return Value::Null };
    json!({
        "found": files.found,
        "used": curation.used_files,
        "excluded": curation.excluded_files,
        "ignored": files.ignored,
    })
}

/// The same for people.
pub(super) fn summary_lines(curation: &Curation) -> Vec<String> {
    let mut lines = Vec::new();
    if curation.unchanged {
        lines.push("The release is there already and nothing has changed: nothing to do.".into());
    } else if curation.resumed_units > 0 {
        lines.push(format!(
            "Went on from an earlier run: {} of {} units were done.",
            curation.resumed_units, curation.units
        ));
    }
    if curation.reused_units > 0 {
        lines.push(format!(
            "Took the shards of {} of {} units from a sealed release.",
            curation.reused_units, curation.units
        ));
    }
    if let Some(earlier) = &curation.replaced {
        lines.push(format!("The release that was there is kept at `{}`.", earlier.display()));
    }
    lines.push(format!("in        {} studies, {} volumes", curation.studies, curation.volumes));
    lines.push(format!(
        "out       {} studies, {} volumes",
        curation.included_studies, curation.included
    ));
    if !curation.excluded.is_empty() {
        let reasons: Vec<_> =
            curation.excluded.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        lines.push(format!("left out  {}", reasons.join(", ")));
    }
    if let Some(files) = &curation.files {
        let ignored: Vec<_> =
            files.ignored.iter().map(|(what, count)| format!("{count} {what}")).collect();
        let ignored = if ignored.is_empty() { "none".to_owned() } else { ignored.join(", ") };
        lines.push(format!(
            "files     {} found: {} used, {} left out, ignored {ignored}",
            files.found, curation.used_files, curation.excluded_files
        ));
    }
    if let Some(warned) = curation.warned_reports.filter(|&warned| warned > 0) {
        lines.push(format!(
            "warnings  of {warned} reports: see the column `warnings` of the table `reports`"
        ));
    }
    lines.push(format!("release   `{}`", curation.release.display()));
    lines.push(format!("id        {}", curation.release_id));
    lines
}
