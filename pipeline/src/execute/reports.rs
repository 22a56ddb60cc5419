//! The reports of the studies that are in the release become tables.

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;
use schemas::manifest::Manifest;
use schemas::outcome::UnitOutcome;
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;

use super::error::CurateError;
use super::observe::{Cancel, Observer, Stage};
use super::report_tables::{ReportCounts, ReportTables};
use crate::graph::{ReportOrigin, ReportRows, SentenceEncoder};
use crate::plan::{PlanError, ReportPlace, ReportTexts, StudyPlan, Survey};
use crate::report::{ReportDocument, ReportParser, SectionKind};

/// Reports that are parsed together before their rows are written.
const REPORTS_PER_WINDOW: usize = 256;

/// Which studies are in the release.
pub(super) struct Kept<'a> {
    /// The corpus as planned.
    pub(super) survey: &'a Survey,
    /// Those with a volume, sorted.
    pub(super) studies: Vec<&'a StudyPlan>,
    /// Reports whose volumes were all refused.
    pub(super) excluded: Vec<ExcludedRow>,
}

impl<'a> Kept<'a> {
    pub(super) fn new(survey: &'a Survey, outcomes: &[UnitOutcome]) -> Self {
        let with_volumes: BTreeSet<&str> = outcomes
            .iter()
            .flat_map(|outcome| outcome.volumes.iter().map(|row| row.study_id.as_str()))
            .collect();
        let (studies, lost): (Vec<_>, Vec<_>) =
            survey.studies.iter().partition(|study| with_volumes.contains(study.id.as_str()));
        let excluded = lost
            .into_iter()
            .filter(|study| study.report.is_some())
            .map(|study| {
                ExcludedRow::new(Reason::ReportWithoutVolume, study.id.as_str())
                    .study(&study.id)
                    .patient(&study.patient)
                    .detail("none of the study's volumes could be used")
            })
            .collect();
        Self { survey, studies, excluded }
    }
}

/// Writes every table made from the reports of `kept`.
pub(super) fn write_reports(
    manifest: &Manifest,
    parser: &ReportParser,
    encoder: Option<&dyn SentenceEncoder>,
    kept: &Kept<'_>,
    tables: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<ReportCounts, CurateError> {
    observer.begin(Stage::Reports, kept.studies.len() as u64);
    let mut writer = ReportTables::create(tables)?;
    let with_report: Vec<(&StudyPlan, &ReportPlace)> =
        kept.studies.iter().filter_map(|&study| Some((study, study.report.as_ref()?))).collect();
    let reports = kept.survey.reports.open().map_err(PlanError::from)?;
    for window in with_report.chunks(REPORTS_PER_WINDOW) {
        if cancel.is_set() {
            return Err(CurateError::Interrupted);
        }
        let parsed: Vec<_> = window
            .par_iter()
            .map(|&(study, place)| {
                let identifiers: Vec<&str> = study.identifiers.iter().map(String::as_str).collect();
                let document = document(study, &reports.read(place)?);
                let origin = ReportOrigin {
                    identifiers: &identifiers,
                    study_id: study.id.as_str(),
                    patient_key: study.patient.as_str(),
                    split: study.split.name(),
                    source_labels: &study.source_labels,
                };
                Ok(ReportRows::read(parser, &origin, document, manifest.report.redact))
            })
            .collect::<Result<_, PlanError>>()?;
        writer.add(parsed)?;
        observer.advance(window.len() as u64);
    }
    observer.end();
    if encoder.is_some() {
        observer.begin(Stage::Sentences, 0);
    }
    let counts = writer.finish(tables, &manifest.graph, encoder, &mut |count| {
        observer.advance(count);
        !cancel.is_set()
    })?;
    if encoder.is_some() {
        observer.end();
    }
    Ok(counts)
}

fn document(study: &StudyPlan, texts: &ReportTexts) -> ReportDocument {
    ReportDocument::from_columns(
        study.id.as_str(),
        &[
            (SectionKind::ClinicalInformation, &texts.clinical_information),
            (SectionKind::Technique, &texts.technique),
            (SectionKind::Findings, &texts.findings),
            (SectionKind::Impression, &texts.impression),
        ],
    )
}
