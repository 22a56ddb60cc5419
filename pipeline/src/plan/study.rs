//! Studies and series as planned.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemas::ids::{PatientKey, SeriesId, StudyId};
use schemas::split::Split;

use super::reports::ReportPlace;
use crate::ingest::{Acquisition, SeriesSource};

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
    /// Files that it stands for in the account of the corpus.
    pub files: u32,
    /// What the metadata csv says of it.
    pub acquisition: Acquisition,
    /// What is odd about it as a whole and was accepted.
    pub notes: Vec<String>,
    /// Why another series of the study is preferred; empty where this one is chosen.
    pub why_not: String,
    /// Series that are tried in its place where it is refused when it is read, in their order.
    pub alternatives: Vec<SeriesPlan>,
}

impl SeriesPlan {
    /// Every file on disk that it or what is tried in its place is read from.
    pub fn every_file(&self) -> Vec<PathBuf> {
        let own = self.source.files().into_iter();
        own.chain(self.alternatives.iter().flat_map(Self::every_file)).collect()
    }
}

/// One study with its series and report.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyPlan {
    /// The study.
    pub id: StudyId,
    /// Its patient.
    pub patient: PatientKey,
    /// The patient's split.
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
