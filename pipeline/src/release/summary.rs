//! Counts and names on the card and in the metadata.

use std::collections::{BTreeMap, BTreeSet};

use schemas::manifest::Manifest;
use schemas::split::Split;
use schemas::tables::{ExcludedRow, IndexRow, StudyRow, VolumeRow};

use super::sealed::Sealed;

/// Counts on the card; all of them are computed from the tables.
pub(super) struct Summary {
    pub(super) studies: BTreeMap<&'static str, usize>,
    pub(super) patients: usize,
    pub(super) volumes: usize,
    pub(super) samples: usize,
    pub(super) bytes: u64,
    pub(super) excluded: BTreeMap<String, usize>,
    pub(super) found_studies: usize,
    pub(super) found_volumes: usize,
}

impl Summary {
    pub(super) fn new(
        sealed: &Sealed<'_>,
        studies: &[StudyRow],
        volumes: &[VolumeRow],
        index: &[IndexRow],
    ) -> Self {
        let count = |split: Split| studies.iter().filter(|row| row.split == split.name()).count();
        let patients: BTreeSet<_> = studies.iter().map(|row| &row.patient_key).collect();
        Self {
            studies: Split::ALL.into_iter().map(|split| (split.name(), count(split))).collect(),
            patients: patients.len(),
            volumes: volumes.len(),
            samples: index.len(),
            bytes: index.iter().map(|row| row.length).sum(),
            excluded: count_by_reason(&sealed.excluded),
            found_studies: sealed.survey.found_studies,
            found_volumes: sealed.survey.found_volumes,
        }
    }
}

/// Number of rows by reason.
pub(crate) fn count_by_reason(excluded: &[ExcludedRow]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for row in excluded {
        *counts.entry(row.reason.clone()).or_default() += 1;
    }
    counts
}

/// Title of the release.
pub(super) fn title(manifest: &Manifest) -> &str {
    if manifest.release.title.is_empty() { &manifest.name } else { &manifest.release.title }
}

/// Licence of the release.
pub(super) fn licence(manifest: &Manifest) -> &str {
    match (manifest.release.licence.as_str(), manifest.corpus.licence.as_str()) {
        ("", "") => "unknown: ask whoever gave you the corpus",
        ("", corpus) => corpus,
        (release, _) => release,
    }
}

/// Splits that have studies.
pub(super) fn splits(summary: &Summary) -> Vec<Split> {
    Split::ALL
        .into_iter()
        .filter(|split| summary.studies.get(split.name()).is_some_and(|count| *count > 0))
        .collect()
}
