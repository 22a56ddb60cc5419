//! What a layout finds, and the helpers that layouts share.

use std::path::{Path, PathBuf};

use schemas::ids::{PatientKey, SeriesId, StudyId};
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;

use super::super::error::PlanError;
use crate::ingest::{self, SeriesSource};

/// What a layout finds on disk.
#[derive(Debug, Default)]
pub struct Found {
    /// Series, in any order.
    pub series: Vec<FoundSeries>,
    /// Inputs that are left out before a voxel is read.
    pub excluded: Vec<ExcludedRow>,
}

/// A series met on disk, before reports are matched to it.
#[derive(Debug, Clone)]
pub struct FoundSeries {
    /// The series.
    pub id: SeriesId,
    /// Its study.
    pub study: StudyId,
    /// Its patient.
    pub patient: PatientKey,
    /// What names the patient or the visit.
    pub identifiers: Vec<String>,
    /// The split the layout itself names, where it does.
    pub corpus_split: Option<String>,
    /// Its files.
    pub source: SeriesSource,
    /// Where it lies, relative to the corpus: the file, or the folder of a DICOM series.
    pub relative: String,
}

/// A name without `.nii` or `.nii.gz`.
pub(in crate::plan) fn stem(name: &str) -> &str {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.strip_suffix(".nii").unwrap_or(name)
}

/// Every file below a folder of the corpus, sorted.
pub(in crate::plan) fn corpus_files(folder: &Path) -> Result<Vec<PathBuf>, PlanError> {
    ingest::corpus_files(folder).map_err(|source| PlanError::Io { path: folder.to_owned(), source })
}

impl FoundSeries {
    /// The row that says why the series is left out.
    pub fn excluded(&self, reason: Reason, detail: impl Into<String>) -> ExcludedRow {
        ExcludedRow {
            series_id: Some(self.id.to_string()),
            study_id: Some(self.study.to_string()),
            patient_key: Some(self.patient.to_string()),
            detail: detail.into(),
            ..ExcludedRow::new(reason, self.relative.clone())
        }
    }
}

/// `path` relative to `root`, with forward slashes.
pub(in crate::plan) fn relative_to(path: &Path, root: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative
        .components()
        .filter(|part| !matches!(part, std::path::Component::CurDir))
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}
