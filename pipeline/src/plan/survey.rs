//! What the corpus holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemas::lock::FileCounts;
use schemas::manifest::{Manifest, Unreadable};
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;

use super::corpus_tables::CorpusTables;
use super::error::PlanError;
use super::layout::{self, Found};
use super::matching::match_reports;
use super::reports::ReportFiles;
use super::study::StudyPlan;
use crate::ingest::{CorpusFiles, NamePatterns, SortedFiles, corpus_files, sort_files};

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
    /// The files of the corpus.
    pub files: FileCounts,
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
    let files = list(manifest, &tables.paths)?;
    let mut counts = FileCounts { found: files.found, ignored: BTreeMap::new() };
    for (pattern, paths) in &files.sorted.ignored {
        found.ignore(pattern, paths.len());
    }
    found.ignore("tables of the manifest", files.tables);
    layout.find(corpus, files.sorted, &mut found)?;
    counts.ignored = std::mem::take(&mut found.ignored);
    let found_volumes = found.series.len() + found.excluded.len();
    if manifest.limits.unreadable == Unreadable::Stop
        && let Some(row) = found.excluded.iter().find(|row| row.reason == Reason::Unreadable.code())
    {
        return Err(PlanError::Unreadable {
            path: row.source.clone().into(),
            detail: row.detail.clone(),
        });
    }
    let matched = match_reports(manifest, layout, &tables, found.series);
    let mut excluded = found.excluded;
    excluded.extend(matched.excluded);
    excluded.extend(tables.conflicts());
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
    let mut read: Vec<PathBuf> =
        [&corpus.reports, &corpus.metadata, &corpus.labels, &corpus.skip, &corpus.rows]
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
        files: counts,
    })
}

/// The files of a corpus.
struct Listed {
    sorted: SortedFiles,
    found: u64,
    /// Tables that the manifest names and that lie below the folders of volumes.
    tables: usize,
}

/// Lists and sorts the files below the volume folders of the corpus, each once; `tables` are those that the manifest names.
/// What the run itself writes is no part of the corpus, wherever it lies.
fn list(manifest: &Manifest, tables: &BTreeSet<PathBuf>) -> Result<Listed, PlanError> {
    let corpus = &manifest.corpus;
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let out = absolute(&manifest.release.out);
    let mut all = CorpusFiles::default();
    for folder in &corpus.volumes {
        let path: PathBuf = corpus.root.join(folder).components().collect();
        let listed = corpus_files(&path).map_err(|source| PlanError::Io { path, source })?;
        all.files.extend(listed.files);
        all.refused.extend(listed.refused);
    }
    all.files.sort_unstable();
    all.files.dedup();
    all.refused.sort_by(|a, b| a.0.cmp(&b.0));
    all.refused.dedup_by(|a, b| a.0 == b.0);
    all.files.retain(|path| !absolute(path).starts_with(&out));
    all.refused.retain(|(path, _)| !absolute(path).starts_with(&out));
    let found = (all.files.len() + all.refused.len()) as u64;
    let before = all.files.len();
    all.files.retain(|path| !tables.contains(path));
    let tables = before - all.files.len();
    let ignore = NamePatterns::new(&corpus.ignore)
        .map_err(|(pattern, problem)| PlanError::Pattern { pattern, problem })?;
    Ok(Listed { sorted: sort_files(all, &corpus.root, &ignore), found, tables })
}
