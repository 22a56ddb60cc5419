//! What the corpus holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use schemas::ids::{PatientKey, SeriesId, StudyId};
use schemas::manifest::{Layout, Manifest};
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;

use super::reports::{ReportFiles, ReportIndex, ReportPlace};
use super::split::split_of;
use super::{ct_rate, dicom_tree};
use crate::ingest::csv::{CsvError, KeyedCsv};
use crate::ingest::{self, Acquisition, SeriesSource};
use schemas::rescale::Rescale;
use schemas::split::Split;

/// A corpus that cannot be planned: the user has to mend it or the manifest.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A csv file cannot be used.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// A folder cannot be listed or a skip list cannot be read.
    #[error("failed to read `{path}`: {source}")]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No study is left.
    #[error("the corpus `{root}` has no study to work on: {hint}")]
    Empty {
        /// The corpus.
        root: PathBuf,
        /// What was found instead.
        hint: String,
    },
}

/// One series to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesPlan {
    /// The series.
    pub id: SeriesId,
    /// Its files.
    pub source: SeriesSource,
    /// Where it lies, relative to the corpus: the file, or the folder of a DICOM series.
    pub relative: String,
    /// Size of its files in bytes.
    pub bytes: u64,
    /// What the metadata csv says of it.
    pub acquisition: Acquisition,
}

/// One study with its series and report.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyPlan {
    /// The study.
    pub id: StudyId,
    /// The person.
    pub patient: PatientKey,
    /// The person's split.
    pub split: Split,
    /// What names the patient or the visit, sorted: to be looked for in the report, never written.
    pub identifiers: BTreeSet<String>,
    /// Series, sorted by identifier.
    pub series: Vec<SeriesPlan>,
    /// Where the report stands, if there is one with text.
    pub report: Option<ReportPlace>,
    /// Labels that came with the corpus, sorted by name.
    pub source_labels: BTreeMap<String, i8>,
}

/// The corpus as planned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Survey {
    /// Studies to work on, sorted by identifier.
    pub studies: Vec<StudyPlan>,
    /// What is left out before a voxel is read, sorted.
    pub excluded: Vec<ExcludedRow>,
    /// The csv files that reports are read from.
    pub reports: ReportFiles,
    /// csv files and skip lists that were read, relative to the corpus.
    pub tables: Vec<PathBuf>,
    /// Studies and volumes met, used or not.
    pub found_studies: usize,
    /// Series met, used or not.
    pub found_volumes: usize,
}

/// A series met on disk, before reports are matched to it.
#[derive(Debug, Clone)]
pub(super) struct FoundSeries {
    pub(super) id: SeriesId,
    pub(super) study: StudyId,
    pub(super) patient: PatientKey,
    /// What names the patient or the visit.
    pub(super) identifiers: Vec<String>,
    /// The split the layout itself names, where it does.
    pub(super) corpus_split: Option<String>,
    pub(super) source: SeriesSource,
    pub(super) relative: String,
}

/// A decimal number within a cell.
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[0-9]+(?:\.[0-9]+)?").expect("the pattern is valid"));

/// The corpus's csv files, merged by kind.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) reports: ReportIndex,
    pub(super) metadata: Vec<KeyedCsv>,
    pub(super) labels: Vec<KeyedCsv>,
    pub(super) skip: BTreeSet<String>,
}

impl Tables {
    fn read(manifest: &Manifest) -> Result<Self, PlanError> {
        let corpus = &manifest.corpus;
        let read = |paths: &[PathBuf]| -> Result<Vec<KeyedCsv>, CsvError> {
            let key = &corpus.columns.volume;
            paths.iter().map(|path| KeyedCsv::read(&corpus.root.join(path), key)).collect()
        };
        let mut skip = BTreeSet::new();
        for path in &corpus.skip {
            let full = corpus.root.join(path);
            let text =
                fs::read_to_string(&full).map_err(|source| PlanError::Io { path: full, source })?;
            skip.extend(text.lines().map(|line| stem(line.trim()).to_owned()));
        }
        skip.remove("");
        Ok(Self {
            reports: ReportIndex::read(corpus)?,
            metadata: read(&corpus.metadata)?,
            labels: read(&corpus.labels)?,
            skip,
        })
    }

    fn cell<'a>(tables: &'a [KeyedCsv], key: &str, column: &str) -> Option<&'a str> {
        tables.iter().find_map(|table| table.get(key, column))
    }

    fn acquisition(&self, key: &str, manifest: &Manifest) -> Acquisition {
        let columns = &manifest.corpus.columns;
        let cell = |column: &str| Self::cell(&self.metadata, key, column);
        let number = |column: &str| cell(column).and_then(|text| text.trim().parse::<f64>().ok());
        let rescale = number(&columns.rescale_slope)
            .zip(number(&columns.rescale_intercept))
            .map(|(slope, intercept)| Rescale { slope: slope as f32, intercept: intercept as f32 });
        // Written `[0.68, 0.68]` by CT-RATE and `0.68\0.68` by DICOM tools.
        let in_plane = cell(&columns.xy_spacing).and_then(|text| {
            let mut numbers = NUMBER.find_iter(text).map(|found| found.as_str().parse::<f64>());
            Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
        });
        let spacing = in_plane.zip(number(&columns.z_spacing)).map(|([x, y], z)| [x, y, z]);
        let valid = |spacing: &[f64; 3]| spacing.iter().all(|step| *step > 0.0 && step.is_finite());
        Acquisition { rescale, spacing: spacing.filter(valid) }
    }

    fn labels(&self, key: &str, manifest: &Manifest) -> BTreeMap<String, i8> {
        let mut labels = BTreeMap::new();
        for table in &self.labels {
            for column in
                table.columns().iter().filter(|name| **name != manifest.corpus.columns.volume)
            {
                // Written as 0, 1 or 1.0.
                let value = table.get(key, column).and_then(|text| text.trim().parse::<f64>().ok());
                if let Some(value) = value {
                    labels.entry(column.clone()).or_insert(value as i8);
                }
            }
        }
        labels
    }
}

/// A name without `.nii` or `.nii.gz`.
pub(super) fn stem(name: &str) -> &str {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.strip_suffix(".nii").unwrap_or(name)
}

/// Lists the corpus of `manifest` (whose paths are resolved).
///
/// # Errors
///
/// [`PlanError`] where a table or folder cannot be read, or nothing is left.
pub fn survey(manifest: &Manifest) -> Result<Survey, PlanError> {
    let tables = Tables::read(manifest)?;
    let mut survey = Survey::default();
    let corpus = &manifest.corpus;
    survey.tables = [&corpus.reports, &corpus.metadata, &corpus.labels, &corpus.skip]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    survey.tables.sort();
    let found = match corpus.layout {
        Layout::CtRate => ct_rate::find(manifest, &mut survey.excluded)?,
        Layout::DicomTree => dicom_tree::find(manifest, &mut survey.excluded)?,
    };
    survey.found_volumes = found.len() + survey.excluded.len();
    match_reports(manifest, &tables, found, &mut survey);
    survey.reports = tables.reports.files;
    survey.excluded.sort_by(|a, b| (&a.source, &a.reason).cmp(&(&b.source, &b.reason)));
    if survey.studies.is_empty() {
        return Err(PlanError::Empty {
            root: corpus.root.clone(),
            hint: format!(
                "{} volumes were met and {} inputs left out; see `[corpus] volumes` and the names \
                 its layout expects",
                survey.found_volumes,
                survey.excluded.len()
            ),
        });
    }
    Ok(survey)
}

fn match_reports(
    manifest: &Manifest,
    tables: &Tables,
    found: Vec<FoundSeries>,
    survey: &mut Survey,
) {
    let mut studies: BTreeMap<StudyId, Vec<FoundSeries>> = BTreeMap::new();
    for series in found {
        studies.entry(series.study.clone()).or_default().push(series);
    }
    // A row names a volume (CT-RATE) or a study; either way its key leads to one study.
    let mut rows_of_study: BTreeMap<StudyId, Vec<&str>> = BTreeMap::new();
    for key in tables.reports.keys() {
        rows_of_study.entry(study_of_key(key)).or_default().push(key);
    }
    survey.found_studies =
        studies.keys().chain(rows_of_study.keys()).collect::<BTreeSet<_>>().len();
    for (study, keys) in &rows_of_study {
        if !studies.contains_key(study) {
            survey.excluded.push(ExcludedRow {
                source: study.to_string(),
                series_id: None,
                study_id: Some(study.to_string()),
                patient_key: None,
                reason: Reason::ReportWithoutVolume.code().into(),
                detail: format!("the report row `{}` has no volume on disk", keys[0]),
            });
        }
    }
    for (study, mut series) in studies {
        series.sort_by(|a, b| a.id.cmp(&b.id));
        let exclude = |series: &FoundSeries, reason: Reason, detail: String| ExcludedRow {
            source: series.relative.clone(),
            series_id: Some(series.id.to_string()),
            study_id: Some(study.to_string()),
            patient_key: Some(series.patient.to_string()),
            reason: reason.code().into(),
            detail,
        };
        let (skipped, series): (Vec<_>, Vec<_>) =
            series.into_iter().partition(|series| tables.skip.contains(series.id.as_str()));
        survey.excluded.extend(skipped.iter().map(|series| {
            exclude(series, Reason::SkipListed, "named in a skip list of the manifest".into())
        }));
        let rows = rows_of_study.get(&study);
        let report = rows.into_iter().flatten().find_map(|key| tables.reports.place(key));
        if report.is_none() && !manifest.report.keep_without_report {
            let (reason, detail) = match rows {
                Some(_) => (Reason::EmptyReport, "findings and impression are blank"),
                None => (Reason::VolumeWithoutReport, "no report row names this study"),
            };
            survey.excluded.extend(series.iter().map(|s| exclude(s, reason, detail.into())));
            continue;
        }
        let Some(first) = series.first() else { continue };
        let patient = first.patient.clone();
        let split = split_of(&manifest.split, &patient, first.corpus_split.as_deref());
        let volume_keys =
            |id: &SeriesId| [format!("{id}.nii.gz"), id.to_string(), study.to_string()];
        let labels = series
            .iter()
            .flat_map(|series| volume_keys(&series.id))
            .map(|key| tables.labels(&key, manifest))
            .find(|labels| !labels.is_empty())
            .unwrap_or_default();
        let mut identifiers = BTreeSet::from([study.to_string(), patient.to_string()]);
        identifiers.extend(series.iter().flat_map(|series| series.identifiers.iter().cloned()));
        let series = series
            .into_iter()
            .map(|series| {
                let acquisition = volume_keys(&series.id)
                    .iter()
                    .map(|key| tables.acquisition(key, manifest))
                    .find(|found| *found != Acquisition::default())
                    .unwrap_or_default();
                let bytes = series
                    .source
                    .files()
                    .iter()
                    .filter_map(|path| fs::metadata(path).ok())
                    .map(|metadata| metadata.len())
                    .sum();
                SeriesPlan {
                    id: series.id,
                    source: series.source,
                    relative: series.relative,
                    bytes,
                    acquisition,
                }
            })
            .collect();
        survey.studies.push(StudyPlan {
            id: study,
            patient,
            split,
            identifiers,
            series,
            report,
            source_labels: labels,
        });
    }
}

fn study_of_key(key: &str) -> StudyId {
    schemas::ids::CtRateName::parse(key).map_or_else(|| StudyId::from(key), |name| name.study)
}

/// Every file below a folder of the corpus, sorted.
pub(super) fn corpus_files(folder: &Path) -> Result<Vec<PathBuf>, PlanError> {
    ingest::corpus_files(folder).map_err(|source| PlanError::Io { path: folder.to_owned(), source })
}

/// `path` relative to `root`, with forward slashes.
pub(super) fn relative_to(path: &Path, root: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative
        .components()
        .filter(|part| !matches!(part, std::path::Component::CurDir))
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}
