//! A table that names the files: one row a series.
//!
//! What is on disk and in no row, and what is in a row and not on disk, is listed. A row names a file (NIfTI, NRRD,
//! `MetaImage`), a folder, or an archive of DICOM files; the identifiers that it leaves out are made of those that it has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemas::ids::{PatientKey, SeriesId, StudyId};
use schemas::manifest::{CorpusSection, Remedy};
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;

use super::super::error::PlanError;
use super::found::{Found, FoundSeries, is_wanted, relative_to, stem};
use super::traits::Layout;
use crate::ingest::csv::{CsvError, CsvRecords, column};
use crate::ingest::dicom::{SliceHeader, group};
use crate::ingest::{IngestError, SeriesSource, SortedFiles};

/// See [`Layout::doc`].
pub(super) struct Table;

impl Layout for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn doc(&self) -> &'static str {
        "A table (`[corpus] rows`, csv, tsv or JSON lines) with a row per series: the path of its file, folder or \
         archive, and its series, study, patient and split; reports come from a csv keyed by the study."
    }

    fn find(
        &self,
        corpus: &CorpusSection,
        files: SortedFiles,
        found: &mut Found,
    ) -> Result<(), PlanError> {
        let root = &corpus.root;
        let SortedFiles { dicom, images, others, ignored: _ } = files;
        let mut left: BTreeMap<PathBuf, Kind> =
            images.into_iter().map(|path| (path, Kind::Image)).collect();
        left.extend(dicom.into_iter().map(|path| (path, Kind::Dicom)));
        left.extend(others.into_iter().map(|(path, error)| (path, Kind::Other(error))));
        let mut taken: BTreeSet<SeriesId> = BTreeSet::new();
        for row in rows(corpus)? {
            let path: PathBuf = root.join(&row.path).components().collect();
            let relative = relative_to(&path, root);
            let exclude = |reason: Reason, detail: String, files: usize| {
                let study = row.study.as_deref().map(StudyId::from);
                let mut out =
                    ExcludedRow::new(reason, &relative).detail(detail).files(files as u32);
                out.series_id.clone_from(&row.series);
                out.study_id = study.map(|study| study.to_string());
                out.patient_key.clone_from(&row.patient);
                out
            };
            let mine: Vec<(PathBuf, Kind)> = if let Some(kind) = left.remove(&path) {
                vec![(path.clone(), kind)]
            } else {
                let inside: Vec<PathBuf> =
                    left.keys().filter(|file| file.starts_with(&path)).cloned().collect();
                inside.into_iter().filter_map(|file| left.remove_entry(&file)).collect()
            };
            if mine.is_empty() {
                let detail =
                    format!("{}: there is no such file that no earlier row names", row.place);
                found.excluded.push(exclude(Reason::UnknownName, detail, 0));
                continue;
            }
            let count = mine.len();
            let (source, identifiers, notes) = match source(&mine, corpus, found) {
                Ok(made) => made,
                Err(error) => {
                    found.excluded.push(exclude(
                        error.reason,
                        format!("{}: {error}", row.place),
                        count,
                    ));
                    continue;
                }
            };
            let name = stem(relative.rsplit('/').next().unwrap_or(&relative)).to_owned();
            let series = SeriesId(row.series.clone().unwrap_or(name));
            if !taken.insert(series.clone()) {
                let detail =
                    format!("{}: the series `{series}` stands in an earlier row", row.place);
                found.excluded.push(exclude(Reason::UnknownName, detail, source.count() as usize));
                continue;
            }
            let study = row.study.clone().unwrap_or_else(|| series.to_string());
            let patient = PatientKey(row.patient.clone().unwrap_or_else(|| study.clone()));
            let series = FoundSeries {
                identifiers,
                corpus_split: row.split.clone(),
                modality: row.modality.clone().unwrap_or_default(),
                notes,
                ..FoundSeries::new(series, StudyId(study), patient, source, relative)
            };
            if is_wanted(&series.modality, corpus) {
                found.series.push(series);
            } else {
                found.leave_out_modality(&series, corpus);
            }
        }
        for (path, kind) in left {
            let error = match kind {
                Kind::Other(error) => error,
                Kind::Image | Kind::Dicom => {
                    IngestError::new(Reason::UnknownName, "no row of `[corpus] rows` names it")
                }
            };
            found.leave_out(&path, root, &error);
        }
        Ok(())
    }

    fn has_splits(&self) -> bool {
        true
    }
}

enum Kind {
    Image,
    Dicom,
    Other(IngestError),
}

/// A source, what names its patient, and what is odd about it.
type Made = (SeriesSource, Vec<String>, Vec<String>);

/// The source that the files of one row make. DICOM files that are part of no series are listed by themselves.
fn source(
    files: &[(PathBuf, Kind)],
    corpus: &CorpusSection,
    found: &mut Found,
) -> Result<Made, IngestError> {
    if let [(path, Kind::Image)] = files {
        let source = SeriesSource::Nifti(path.clone());
        return Ok((source, Vec::new(), Vec::new()));
    }
    let mut dicom = Vec::new();
    let mut others = Vec::new();
    for (path, kind) in files {
        match kind {
            Kind::Dicom => dicom.push(path.clone()),
            Kind::Other(error) => others.push((path.clone(), error.clone())),
            Kind::Image => {
                let detail = "names a folder of several images: a row names one";
                return Err(IngestError::new(Reason::UnknownName, detail));
            }
        }
    }
    if dicom.is_empty() {
        return Err(others.remove(0).1);
    }
    let grouped = group(&dicom, &others);
    if grouped.series.len() != 1 {
        let detail = format!("names files of {} series: a row names one", grouped.series.len());
        return Err(IngestError::new(Reason::UnknownName, detail));
    }
    let series = &grouped.series[0];
    if let (Some(detail), Remedy::Reject) = (&series.incomplete, corpus.gaps) {
        return Err(IngestError::new(Reason::MissingSlices, detail.clone()).remedied_by("gaps"));
    }
    let paths: Vec<PathBuf> = series.slices.iter().map(|slice| slice.path.clone()).collect();
    let identifiers = SliceHeader::identifiers(&paths[0])?;
    // Last, since a row that fails counts all of its files itself.
    found.account(&grouped, &corpus.root);
    let mut notes = series.notes.clone();
    notes.extend(series.incomplete.clone());
    Ok((SeriesSource::Dicom(paths), identifiers, notes))
}

/// One row.
struct Row {
    path: String,
    series: Option<String>,
    study: Option<String>,
    patient: Option<String>,
    split: Option<String>,
    modality: Option<String>,
    /// Where it stands, for messages.
    place: String,
}

/// Every row of every table, in their order.
fn rows(corpus: &CorpusSection) -> Result<Vec<Row>, PlanError> {
    let columns = &corpus.columns;
    let mut rows = Vec::new();
    for table in &corpus.rows {
        let path = corpus.root.join(table);
        let name = table.display();
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        if path.extension().is_some_and(|ending| {
            ["jsonl", "ndjson"].iter().any(|e| ending.eq_ignore_ascii_case(e))
        }) {
            let text = std::fs::read_to_string(&path)
                .map_err(|source| PlanError::Io { path: path.clone(), source })?;
            for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                let place = format!("line {} of `{name}`", at + 1);
                let read = |message: String| CsvError::Read { path: path.clone(), message };
                let value: serde_json::Value = serde_json::from_str(line)
                    .map_err(|error| read(format!("line {}: {error}", at + 1)))?;
                let cell = |column: &str| match value.get(column)? {
                    serde_json::Value::String(text) => given(Some(text.clone())),
                    serde_json::Value::Number(number) => Some(number.to_string()),
                    _ => None,
                };
                let path = cell(&columns.path)
                    .ok_or_else(|| read(format!("line {}: has no `{}`", at + 1, columns.path)))?;
                rows.push(Row {
                    path,
                    series: cell(&columns.series),
                    study: cell(&columns.study),
                    patient: cell(&columns.patient),
                    split: cell(&columns.split),
                    modality: cell(&columns.modality),
                    place,
                });
            }
            continue;
        }
        let mut records = CsvRecords::open(&path)?;
        let key = column(records.path(), records.columns(), &columns.path)?;
        let of = |name: &str| records.columns().iter().position(|column| column == name);
        let [series, study, patient, split, modality] =
            [&columns.series, &columns.study, &columns.patient, &columns.split, &columns.modality]
                .map(|name| of(name));
        let mut number = 0;
        while let Some(cells) = records.next() {
            let cells = cells?;
            number += 1;
            let place = format!("row {number} of `{name}`");
            let cell = |at: Option<usize>| at.and_then(|at| given(cells[at].clone()));
            let Some(path) = cell(Some(key)) else {
                let message = format!("row {number}: `{}` is blank", columns.path);
                return Err(CsvError::Read { path: records.path().to_owned(), message }.into());
            };
            rows.push(Row {
                path,
                series: cell(series),
                study: cell(study),
                patient: cell(patient),
                split: cell(split),
                modality: cell(modality),
                place,
            });
        }
    }
    Ok(rows)
}
