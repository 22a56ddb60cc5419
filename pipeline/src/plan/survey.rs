//! What the corpus holds.

use std::path::PathBuf;

use schemas::manifest::Manifest;
use schemas::tables::ExcludedRow;

use super::corpus_tables::CorpusTables;
use super::error::PlanError;
use super::layout::{self, Found};
use super::matching::match_reports;
use super::reports::ReportFiles;
use super::study::StudyPlan;

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

/// Lists the corpus of `manifest` (whose paths are resolved).
///
/// # Errors
///
/// [`PlanError`] where a table or folder cannot be read, or nothing is left.
pub fn survey(manifest: &Manifest) -> Result<Survey, PlanError> {
    let corpus = &manifest.corpus;
    let layout = layout::of(manifest)?;
    let tables = CorpusTables::read(corpus)?;
    let mut found = Found::default();
    layout.find(corpus, &mut found)?;
    let found_volumes = found.series.len() + found.excluded.len();
    let matched = match_reports(manifest, layout, &tables, found.series);
    let mut excluded = found.excluded;
    excluded.extend(matched.excluded);
    excluded.sort_by(|a, b| (&a.source, &a.reason).cmp(&(&b.source, &b.reason)));
    if matched.studies.is_empty() {
        return Err(PlanError::Empty {
            root: corpus.root.clone(),
            hint: format!(
                "{found_volumes} volumes were met and {} inputs left out; see `[corpus] volumes` and the names \
                 its layout expects",
                excluded.len()
            ),
        });
    }
    let mut read: Vec<PathBuf> = [&corpus.reports, &corpus.metadata, &corpus.labels, &corpus.skip]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    read.sort();
    Ok(Survey {
        studies: matched.studies,
        excluded,
        reports: tables.reports.files,
        tables: read,
        found_studies: matched.found_studies,
        found_volumes,
    })
}
