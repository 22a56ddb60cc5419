//! `radloom evaluate`, and the evaluation part of `run`.

use std::path::PathBuf;
use std::sync::Arc;

use model::batch::BatchSource;
use model::device::DeviceChoice;
use model::evaluate::{EvaluateJob, EvaluateReport, evaluate_on};
use model::handoff::SplitSource;
use model::trainer::Checkpoint;
use pipeline::execute::Observer;
use pipeline::files::write_atomically;
use pipeline::loader::{Dataset, DatasetError};
use schemas::manifest::Manifest;
use schemas::manifest::train::EvaluateSection;
use schemas::split::Split;

use super::train;
use crate::cli::{Common, ManifestArgs};
use crate::failure::{DONE, Failure};
use crate::progress::{Progress, print};
use crate::settings;

pub(super) fn run(args: &ManifestArgs, common: &Common) -> Result<u8, Failure> {
    let manifest = settings::manifest(args, common)?;
    check(&manifest)?;
    let device: DeviceChoice = args.device.parse()?;
    let progress = Progress::new(common.quiet);
    let report = evaluate(&manifest, device, &progress)?;
    if common.json {
        print(&serde_json::to_string(&report).unwrap_or_default());
    } else {
        for line in table(&report) {
            print(&line);
        }
    }
    Ok(DONE)
}

/// Refuses an `[evaluate]` section that makes no sense.
pub(super) fn check(manifest: &Manifest) -> Result<(), Failure> {
    match manifest.evaluate.as_ref().and_then(EvaluateSection::problem) {
        Some((key, problem)) => {
            Err(manifest.origin.error(&format!("evaluate.{key}"), problem).into())
        }
        None => Ok(()),
    }
}

/// File of the last evaluation.
pub(super) fn file(manifest: &Manifest) -> PathBuf {
    manifest.release.out.join("evaluation.json")
}

/// Evaluates the last checkpoint of `manifest` and keeps the result beside it.
pub(super) fn evaluate(
    manifest: &Manifest,
    device: DeviceChoice,
    progress: &Progress,
) -> Result<EvaluateReport, Failure> {
    let section = manifest.evaluate.clone().unwrap_or_default();
    let split = Split::from_name(&section.split).ok_or_else(|| {
        Failure::Usage(format!(
            "`evaluate.split` is `{}`: use `train`, `val` or `test`",
            section.split
        ))
    })?;
    let checkpoint = Checkpoint::latest(&train::folder(manifest))?.ok_or(Failure::NoCheckpoint)?;
    let release = train::release(manifest)?;
    let trained = &checkpoint.info.config;
    let dataset = Arc::new(Dataset::open_labelled(&release, &trained.view, split, section.labels)?);
    if dataset.release_id != checkpoint.info.release_id {
        return Err(Failure::OtherRelease {
            trained: checkpoint.info.release_id.clone(),
            found: dataset.release_id.clone(),
        });
    }
    // The probe is fitted on the training split; without one it is left out.
    let training =
        match Dataset::open_labelled(&release, &trained.view, Split::Train, section.labels) {
            Ok(training) => Some(Arc::new(training)),
            Err(DatasetError::Empty { .. }) => None,
            Err(error) => return Err(error.into()),
        };
    progress.begin_titled("evaluating", 0);
    let mut fit = training.map(|training| SplitSource::new(training, trained)).transpose()?;
    let mut measured = SplitSource::new(Arc::clone(&dataset), trained)?;
    let job = EvaluateJob { checkpoint: &checkpoint, section: &section, labels: &dataset.labels };
    let fit = fit.as_mut().map(|source| source as &mut dyn BatchSource);
    let report = evaluate_on(device, job, fit, &mut measured)?;
    progress.end();
    let path = file(manifest);
    let text = serde_json::to_vec_pretty(&report).expect("a report is plain data");
    write_atomically(&path, &text).map_err(Failure::io(path))?;
    Ok(report)
}

/// The metrics as lines; what has no value is counted by family and reason.
pub(super) fn table(report: &EvaluateReport) -> Vec<String> {
    let mut lines =
        vec![format!("{:<44} {:>8} {:>17} {:>4}", "metric", "value", "95 % interval", "n")];
    lines.extend(report.metrics.iter().map(|(name, metric)| {
        format!(
            "{name:<44} {:>8.3} {:>8.3}–{:<8.3} {:>4}",
            metric.value, metric.low, metric.high, metric.n
        )
    }));
    // Metrics of one family mostly lack a value for one kind of reason.
    let mut reasons: std::collections::BTreeMap<(&str, &str), usize> =
        std::collections::BTreeMap::new();
    for skipped in &report.skipped {
        let family = skipped.metric.split('/').next().unwrap_or_default();
        *reasons.entry((family, &skipped.reason)).or_default() += 1;
    }
    lines.extend(reasons.iter().map(|((family, reason), count)| match count {
        1 => format!("{family:<44} {reason}"),
        count => format!("{:<44} {reason}", format!("{family} ({count} labels)")),
    }));
    lines
}
