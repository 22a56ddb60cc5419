//! The metrics of a split.

use std::collections::BTreeMap;

use burn::module::AutodiffModule;
use burn::tensor::backend::{AutodiffBackend, Backend};
use schemas::manifest::ManifestOrigin;
use schemas::manifest::train::{EvaluateSection, LabelSource, MetricKind};
use serde::{Deserialize, Serialize};

use super::bootstrap::{Resamples, weighted_mean};
use super::error::EvaluateError;
use super::features::{Extractor, Study};
use super::probe::LinearProbe;
use super::ranking::Ranking;
use super::retrieval::ranks;
use crate::batch::BatchSource;
use crate::device::{BackendJob, DeviceChoice, dispatch};
use crate::system::{System, SystemJob, with_system};
use crate::text::TokenCache;
use crate::trainer::Checkpoint;

/// Penalty of the linear probe, that of a regression with `C = 1`.
const RIDGE: f64 = 1.0;

/// Positives and negatives, or studies where a metric has no classes, below which a metric is not given as a number:
/// one study more or less would move it by a tenth.
const MIN_ESTIMABLE: usize = 10;

/// What a ranking of studies is measured by.
const MEASURES: [(&str, Measure); 2] =
    [("auroc", Ranking::auroc), ("ap", Ranking::average_precision)];

/// A measure of a ranking whose items are weighted.
type Measure = fn(&Ranking, &[f64]) -> Option<f64>;

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct EvaluateJob<'a> {
    /// Model.
    pub checkpoint: &'a Checkpoint,
    /// Section of the manifest.
    pub section: &'a EvaluateSection,
    /// Names of the labels, in the order of [`StudyRecord::labels`](schemas::study::StudyRecord::labels).
    pub labels: &'a [String],
}

/// Metrics of a split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EvaluateReport {
    /// Whose labels were the truth.
    #[serde(default)]
    pub labels: LabelSource,
    /// Values by name.
    pub metrics: BTreeMap<String, Metric>,
    /// What has no value, and why.
    pub skipped: Vec<Skipped>,
}

/// One value with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Value on all studies.
    pub value: f64,
    /// Lower end of the interval over resampled patients.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Studies that take part.
    pub n: usize,
}

/// A metric without a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Name it would have.
    pub metric: String,
    /// Why it has no value.
    pub reason: String,
    /// Studies that would take part.
    pub n: usize,
}

/// Measures on a device chosen at run time; see [`evaluate`].
///
/// # Errors
/// As [`evaluate`], and when the build lacks the device.
pub fn evaluate_on(
    device: DeviceChoice,
    job: EvaluateJob<'_>,
    train: Option<&mut dyn BatchSource>,
    split: &mut dyn BatchSource,
) -> Result<EvaluateReport, EvaluateError> {
    struct Run<'r, 't, 's> {
        job: EvaluateJob<'r>,
        train: Option<&'t mut (dyn BatchSource + 't)>,
        split: &'s mut (dyn BatchSource + 's),
    }
    impl BackendJob for Run<'_, '_, '_> {
        type Output = Result<EvaluateReport, EvaluateError>;

        fn run<B: AutodiffBackend>(self, device: &B::Device) -> Self::Output {
            let name = &self.job.checkpoint.info.config.system;
            with_system::<B, _>(name, &ManifestOrigin::default(), device, self)?
        }
    }
    impl SystemJob for Run<'_, '_, '_> {
        type Output = Result<EvaluateReport, EvaluateError>;

        fn run<S: System, B: AutodiffBackend>(self, device: &B::Device) -> Self::Output
        where
            S::Model<B>: AutodiffModule<B>,
        {
            evaluate::<S, B::InnerBackend>(self.job, self.train, self.split, device)
        }
    }
    dispatch(device, Run { job, train, split })?
}

/// Measures a checkpoint on every batch of `split`; the linear probe is fitted on `train`.
///
/// # Errors
/// When the checkpoint or a batch cannot be read.
pub fn evaluate<S: System, B: Backend>(
    job: EvaluateJob<'_>,
    train: Option<&mut dyn BatchSource>,
    split: &mut dyn BatchSource,
    device: &B::Device,
) -> Result<EvaluateReport, EvaluateError> {
    let seed = job.section.seed;
    let system: S = job.checkpoint.system(seed)?;
    let model = job.checkpoint.model::<S, B>(&system, device)?;
    let tokenizer = job.checkpoint.tokenizer()?;
    let tokens = TokenCache::new(&tokenizer, system.max_tokens());
    let extractor = Extractor { system: &system, model: &model, tokens: &tokens, device };
    let studies = extractor.studies(split)?;
    let patients: Vec<String> = studies.iter().map(|study| study.patient.clone()).collect();
    let resamples = Resamples::new(&patients, job.section.bootstrap, seed);
    let mut table = Table {
        studies: &studies,
        labels: job.labels,
        resamples,
        report: EvaluateReport { labels: job.section.labels, ..EvaluateReport::default() },
    };
    let wanted = |kind| job.section.metrics.contains(&kind);
    if wanted(MetricKind::Retrieval) {
        table.retrieval(job.section, seed);
    }
    if wanted(MetricKind::ZeroShot) {
        let prompts = |side: usize| -> Result<Vec<Vec<f64>>, EvaluateError> {
            let forms = job.section.prompts.iter().map(|pair| &pair[side]);
            extractor.prompts(job.labels, &forms.collect::<Vec<_>>())
        };
        let (present, absent) = (prompts(0)?, prompts(1)?);
        let scores = present.iter().zip(&absent).map(|(present, absent)| {
            let score = |study: &Study| dot(&study.image, present) - dot(&study.image, absent);
            Ok(studies.iter().map(score).collect())
        });
        table.rankings("zero_shot", scores.collect());
    }
    if wanted(MetricKind::LinearProbe) {
        let fitted = match train {
            Some(source) => extractor.studies(source)?,
            None => Vec::new(),
        };
        let scores = (0..job.labels.len()).map(|label| probe_scores(&fitted, &studies, label));
        table.rankings("linear_probe", scores.collect());
    }
    if wanted(MetricKind::MaskedImage) {
        let errors: Option<Vec<f64>> = studies.iter().map(|study| study.error).collect();
        if let Some(errors) = errors {
            table.mean("masked_image_mse", &errors);
        } else {
            let reason = format!("the system `{}` reconstructs no image", S::NAME);
            table.skip("masked_image_mse".to_owned(), reason, studies.len());
        }
    }
    Ok(table.report)
}

/// Studies and the metrics found so far.
struct Table<'a> {
    studies: &'a [Study],
    labels: &'a [String],
    resamples: Resamples,
    report: EvaluateReport,
}

impl Table<'_> {
    /// Recall at 1, 5 and 10, of many studies at 50 and 100, in both directions, over studies with a report.
    fn retrieval(&mut self, section: &EvaluateSection, seed: u64) {
        let with_text: Vec<&Study> =
            self.studies.iter().filter(|study| study.report.is_some()).collect();
        let images: Vec<Vec<f64>> = with_text.iter().map(|study| study.image.clone()).collect();
        let reports: Vec<Vec<f64>> =
            with_text.iter().filter_map(|study| study.report.clone()).collect();
        let patients: Vec<String> = with_text.iter().map(|study| study.patient.clone()).collect();
        let resamples = Resamples::new(&patients, section.bootstrap, seed);
        let n = with_text.len();
        for (direction, ranks) in [
            ("text_to_image", ranks(&reports, &images)),
            ("image_to_text", ranks(&images, &reports)),
        ] {
            for k in [1, 5, 10, 50, 100] {
                // The larger ones say something of large splits only.
                if k > 10 && n <= 10 * k {
                    continue;
                }
                let name = format!("retrieval_{direction}_recall_at_{k}");
                // Among few studies a recall is mostly chance.
                if n < MIN_ESTIMABLE || n <= k {
                    let least = MIN_ESTIMABLE.max(k + 1);
                    let reason =
                        format!("not estimable: {n} of at least {least} studies with a report");
                    self.skip(name, reason, n);
                    continue;
                }
                let hits: Vec<f64> =
                    ranks.iter().map(|&rank| f64::from(u8::from(rank <= k))).collect();
                let interval = resamples.interval(|weights| weighted_mean(&hits, weights));
                self.add(name, interval, n);
            }
        }
    }

    /// AUROC and average precision of every label, and their means. A label without scores brings the reason instead.
    fn rankings(&mut self, protocol: &str, scores: Vec<Result<Vec<f64>, String>>) {
        let mut rankings = Vec::new();
        for (label, scores) in scores.into_iter().enumerate() {
            let name = &self.labels[label];
            let truth: Vec<Option<bool>> =
                self.studies.iter().map(|study| known(study, label)).collect();
            let n = truth.iter().flatten().count();
            let positives = truth.iter().flatten().filter(|positive| **positive).count();
            let negatives = n - positives;
            let scores = match scores {
                _ if positives.min(negatives) < MIN_ESTIMABLE => Err(format!(
                    "not estimable: {positives} with and {negatives} without the label, {MIN_ESTIMABLE} of each \
                         are needed"
                )),
                scores => scores,
            };
            match scores {
                Err(reason) => self.skip(format!("{protocol}_auroc/{name}"), reason, n),
                Ok(scores) => {
                    let ranking = Ranking::new(&scores, &truth);
                    for (measure, function) in MEASURES {
                        let interval =
                            self.resamples.interval(|weights| function(&ranking, weights));
                        self.add(format!("{protocol}_{measure}/{name}"), interval, n);
                    }
                    rankings.push(ranking);
                }
            }
        }
        for (measure, function) in MEASURES {
            let name = format!("{protocol}_{measure}_macro");
            let interval = self.resamples.interval(|weights| {
                let values: Vec<f64> =
                    rankings.iter().filter_map(|ranking| function(ranking, weights)).collect();
                (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
            });
            if interval.is_some() {
                self.add(name, interval, self.studies.len());
            } else if measure == "auroc" {
                let reason = "not estimable: no label has a value".to_owned();
                self.skip(name, reason, self.studies.len());
            }
        }
    }

    /// Mean of one value per study.
    fn mean(&mut self, name: &str, values: &[f64]) {
        if values.len() < MIN_ESTIMABLE {
            let n = values.len();
            let reason = format!("not estimable: {n} of at least {MIN_ESTIMABLE} studies");
            self.skip(name.to_owned(), reason, n);
            return;
        }
        let interval = self.resamples.interval(|weights| weighted_mean(values, weights));
        match interval {
            Some(_) => self.add(name.to_owned(), interval, values.len()),
            None => self.skip(name.to_owned(), "the split has no study".to_owned(), 0),
        }
    }

    fn add(&mut self, name: String, interval: Option<(f64, f64, f64)>, n: usize) {
        match interval {
            Some((value, low, high)) => {
                self.report.metrics.insert(name, Metric { value, low, high, n });
            }
            None => self.skip(name, "the split lacks positives or negatives".to_owned(), n),
        }
    }

    fn skip(&mut self, metric: String, reason: String, n: usize) {
        self.report.skipped.push(Skipped { metric, reason, n });
    }
}

/// Probe scores of the evaluated studies, fitted on the training studies.
fn probe_scores(train: &[Study], studies: &[Study], label: usize) -> Result<Vec<f64>, String> {
    let (mut rows, mut positive) = (Vec::new(), Vec::new());
    for study in train {
        if let Some(known) = known(study, label) {
            rows.push(study.pooled.as_slice());
            positive.push(known);
        }
    }
    let probe = LinearProbe::fit(&rows, &positive, RIDGE).ok_or_else(|| {
        let positives = positive.iter().filter(|positive| **positive).count();
        format!("the training split has {positives} positives among {} known studies", rows.len())
    })?;
    Ok(studies.iter().map(|study| probe.score(&study.pooled)).collect())
}

/// Truth of a label, if known.
fn known(study: &Study, label: usize) -> Option<bool> {
    match study.labels.get(label) {
        Some(1) => Some(true),
        Some(0) => Some(false),
        _ => None,
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
