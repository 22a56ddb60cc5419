//! Series found on disk are matched with reports, labels and metadata.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use schemas::ids::{SeriesId, StudyId};
use schemas::manifest::Manifest;
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;

use super::corpus_tables::CorpusTables;
use super::layout::{FoundSeries, Layout};
use super::split::split_of;
use super::study::{SeriesPlan, StudyPlan};
use crate::ingest::Acquisition;

/// Studies with all that belongs to them.
pub(super) struct Matched {
    /// Studies to work on, sorted by identifier.
    pub(super) studies: Vec<StudyPlan>,
    /// What is left out: reports without volumes, volumes without reports, series on a skip list.
    pub(super) excluded: Vec<ExcludedRow>,
    /// Studies met among series and reports.
    pub(super) found_studies: usize,
}

/// Matches `found` series with the rows of the `tables`.
pub(super) fn match_reports(
    manifest: &Manifest,
    layout: &dyn Layout,
    tables: &CorpusTables,
    found: Vec<FoundSeries>,
) -> Matched {
    let mut studies: BTreeMap<StudyId, Vec<FoundSeries>> = BTreeMap::new();
    for series in found {
        studies.entry(series.study.clone()).or_default().push(series);
    }
    // A row names a volume or a study; either way its key leads to one study.
    let mut rows_of_study: BTreeMap<StudyId, Vec<&str>> = BTreeMap::new();
    for key in tables.reports.keys() {
        rows_of_study.entry(layout.study_of(key)).or_default().push(key);
    }
    let mut matched = Matched {
        studies: Vec::new(),
        excluded: Vec::new(),
        found_studies: studies.keys().chain(rows_of_study.keys()).collect::<BTreeSet<_>>().len(),
    };
    for (study, keys) in rows_of_study.iter().filter(|(study, _)| !studies.contains_key(study)) {
        matched.excluded.push(ExcludedRow {
            study_id: Some(study.to_string()),
            detail: format!(
                "the report row `{}` names no study that has a volume to read",
                keys[0]
            ),
            ..ExcludedRow::new(Reason::ReportWithoutVolume, study.as_str())
        });
    }
    for (study, series) in studies {
        let used = without_skipped(series, tables, &mut matched.excluded);
        let rows = rows_of_study.get(&study).map_or(&[][..], Vec::as_slice);
        let report = rows.iter().find_map(|key| tables.reports.place(key));
        if report.is_none() && !manifest.report.keep_without_report {
            let (reason, detail) = if rows.is_empty() {
                (Reason::VolumeWithoutReport, "no report row names this study")
            } else {
                (Reason::EmptyReport, "findings and impression are blank")
            };
            let with_others = used.iter().flat_map(|series| {
                std::iter::once(series).chain(series.alternatives.iter().map(|other| &other.series))
            });
            matched.excluded.extend(with_others.map(|series| series.excluded(reason, detail)));
            continue;
        }
        let Some(first) = used.first() else { continue };
        let patient = first.patient.clone();
        let split = split_of(&manifest.split, &patient, first.corpus_split.as_deref());
        let columns = &manifest.corpus.columns;
        let source_labels = used
            .iter()
            .flat_map(|series| layout.row_keys(&series.id, &study))
            .map(|key| tables.labels(&key, columns))
            .find(|labels| !labels.is_empty())
            .unwrap_or_default();
        let mut identifiers = BTreeSet::from([study.to_string(), patient.to_string()]);
        identifiers.extend(used.iter().flat_map(|series| series.identifiers.iter().cloned()));
        let acquisition = |id: &SeriesId| {
            let keys = layout.row_keys(id, &study).into_iter();
            keys.map(|key| tables.acquisition(&key, columns))
                .find(|found| *found != Acquisition::default())
                .unwrap_or_default()
        };
        let series = used.into_iter().map(|series| series_plan(&acquisition, series)).collect();
        matched.studies.push(StudyPlan {
            id: study,
            patient,
            split,
            identifiers,
            series,
            report,
            source_labels,
        });
    }
    matched
}

/// The series of a study that no skip list names, sorted; the others are excluded.
fn without_skipped(
    mut series: Vec<FoundSeries>,
    tables: &CorpusTables,
    excluded: &mut Vec<ExcludedRow>,
) -> Vec<FoundSeries> {
    series.sort_by(|a, b| a.id.cmp(&b.id));
    let (skipped, used): (Vec<_>, Vec<_>) =
        series.into_iter().partition(|series| tables.skip.contains(series.id.as_str()));
    // What would be tried in its place is what comes next.
    let (skipped, used) =
        skipped.into_iter().fold((Vec::new(), used), |(mut out, mut used), mut series| {
            let mut rest = std::mem::take(&mut series.alternatives).into_iter();
            if let Some(next) = rest.next() {
                used.push(FoundSeries { alternatives: rest.collect(), ..next.series });
            }
            out.push(series);
            (out, used)
        });
    excluded.extend(
        skipped.iter().map(|series| {
            series.excluded(Reason::SkipListed, "named in a skip list of the manifest")
        }),
    );
    used
}

fn series_plan(acquisition: &dyn Fn(&SeriesId) -> Acquisition, series: FoundSeries) -> SeriesPlan {
    let files = series.source.files();
    let sizes = files.iter().filter_map(|path| fs::metadata(path).ok());
    SeriesPlan {
        bytes: sizes.map(|metadata| metadata.len()).sum(),
        acquisition: Acquisition { modality: series.modality, ..acquisition(&series.id) },
        id: series.id,
        source: series.source,
        relative: series.relative,
        files: series.files,
        notes: series.notes,
        why_not: String::new(),
        alternatives: series
            .alternatives
            .into_iter()
            .map(|other| SeriesPlan {
                why_not: other.why,
                ..series_plan(acquisition, other.series)
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use schemas::ids::PatientKey;
    use schemas::manifest::{Overrides, parse};

    use super::*;
    use crate::ingest::SeriesSource;
    use crate::plan::layout;

    #[test]
    fn a_study_whose_report_is_a_placeholder_is_excluded_as_one_without_text() {
        let folder = tempfile::tempdir().expect("a folder");
        let report = |name: &str, text: &str| format!("{name},{text},{text}\n");
        let rows: String = ["nan", "N/A", "None", "Clear."]
            .iter()
            .enumerate()
            .map(|(patient, text)| report(&format!("train_{patient}_a_1.nii.gz"), text))
            .collect();
        let csv = format!("VolumeName,Findings_EN,Impressions_EN\n{rows}");
        crate::files::write_atomically(&folder.path().join("r.csv"), csv.as_bytes())
            .expect("writes");
        let text = "version = 1\nname = \"t\"\n[corpus]\nlayout = \"ct-rate\"\nroot = \".\"\n\
                    reports = [\"r.csv\"]\n[[view]]\nname = \"v\"\npreset = \"mg3d\"\n";
        let mut manifest = parse("m", text, &Overrides::default()).expect("parses");
        folder.path().clone_into(&mut manifest.corpus.root);
        let tables = CorpusTables::read(&manifest.corpus).expect("reads");
        let found = (0..4).map(|patient| {
            let name = format!("train_{patient}_a_1.nii.gz");
            let source = SeriesSource::Nifti(PathBuf::from(&name));
            let id = SeriesId(format!("train_{patient}_a_1"));
            let study = StudyId(format!("train_{patient}_a"));
            let patient = PatientKey(format!("train_{patient}"));
            let series = FoundSeries::new(id, study, patient, source, name);
            FoundSeries { corpus_split: Some("train".into()), ..series }
        });
        let layout = layout::of(&manifest).expect("is known");
        let matched = match_reports(&manifest, layout, &tables, found.collect());
        let studies: Vec<&str> = matched.studies.iter().map(|study| study.id.as_str()).collect();
        assert_eq!(studies, ["train_3_a"]);
        let excluded: Vec<(&str, Option<&str>)> = matched
            .excluded
            .iter()
            .map(|row| (row.reason.as_str(), row.study_id.as_deref()))
            .collect();
        assert_eq!(
            excluded,
            [
                ("empty_report", Some("train_0_a")),
                ("empty_report", Some("train_1_a")),
                ("empty_report", Some("train_2_a"))
            ]
        );
    }
}
