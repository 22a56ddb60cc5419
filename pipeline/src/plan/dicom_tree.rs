//! A tree of DICOM files: series by SeriesInstanceUID, one series chosen for each study.
//!
//! The rule, stated so that it can be argued with: localizers and series under 20 slices give way to
//! any other; original images come before derived ones; then the series with most slices wins; ties go to the lower
//! SeriesInstanceUID. What was not chosen is listed with the reason `series_not_chosen`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::PathBuf;

use schemas::ids::{PatientKey, SeriesId, StudyId};
use schemas::manifest::Manifest;
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;

use super::survey::{FoundSeries, PlanError, corpus_files, relative_to};
use crate::ingest::SeriesSource;
use crate::ingest::dicom::{DicomSeries, group, is_dicom};

pub(super) fn find(
    manifest: &Manifest,
    excluded: &mut Vec<ExcludedRow>,
) -> Result<Vec<FoundSeries>, PlanError> {
    let root = &manifest.corpus.root;
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in &manifest.corpus.volumes {
        files.extend(corpus_files(&root.join(folder))?.into_iter().filter(|path| is_dicom(path)));
    }
    files.sort_unstable();
    files.dedup();
    let (series, unreadable) = group(&files);
    excluded.extend(unreadable.into_iter().map(|(path, error)| ExcludedRow {
        source: relative_to(&path, root),
        series_id: None,
        study_id: None,
        patient_key: None,
        reason: error.reason.code().into(),
        detail: error.detail,
    }));
    let mut studies: BTreeMap<String, Vec<DicomSeries>> = BTreeMap::new();
    for (_, series) in series {
        studies.entry(series.slices[0].study_uid.clone()).or_default().push(series);
    }
    let mut found = Vec::new();
    for (_, mut candidates) in studies {
        candidates.sort_by_cached_key(rank);
        let mut candidates = candidates.into_iter();
        let Some(chosen) = candidates.next() else { continue };
        let chosen = describe(&chosen, root);
        excluded.extend(candidates.map(|series| {
            let other = describe(&series, root);
            ExcludedRow {
                source: other.relative,
                series_id: Some(other.id.to_string()),
                study_id: Some(other.study.to_string()),
                patient_key: Some(other.patient.to_string()),
                reason: Reason::SeriesNotChosen.code().into(),
                detail: format!("series `{}` of the study was chosen", chosen.id),
            }
        }));
        found.push(chosen);
    }
    Ok(found)
}

type Rank = (bool, bool, bool, Reverse<usize>, String);

fn rank(series: &DicomSeries) -> Rank {
    let first = &series.slices[0];
    let derived = first.image_type.iter().any(|value| value.eq_ignore_ascii_case("DERIVED"));
    (
        first.is_localizer(),
        series.slices.len() < 20,
        derived,
        Reverse(series.slices.len()),
        first.series_uid.clone(),
    )
}

fn describe(series: &DicomSeries, root: &std::path::Path) -> FoundSeries {
    let first = &series.slices[0];
    let patient = if first.patient_id.is_empty() { &first.study_uid } else { &first.patient_id };
    FoundSeries {
        id: SeriesId(first.series_uid.clone()),
        study: StudyId(first.study_uid.clone()),
        patient: PatientKey(patient.clone()),
        corpus_split: None,
        relative: first.path.parent().map(|folder| relative_to(folder, root)).unwrap_or_default(),
        source: SeriesSource::Dicom(series.slices.iter().map(|slice| slice.path.clone()).collect()),
    }
}
