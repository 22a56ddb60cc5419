//! What a layout is.

use schemas::ids::{SeriesId, StudyId};
use schemas::manifest::CorpusSection;

use super::super::error::PlanError;
use super::found::Found;
use crate::ingest::SortedFiles;

/// How a corpus is laid out on disk: which files make a series, and which study, patient and split it belongs to.
pub trait Layout: Sync {
    /// The name in `[corpus] layout`.
    fn name(&self) -> &'static str;

    /// What the layout expects, in one line.
    fn doc(&self) -> &'static str;

    /// Finds the series among the files of `corpus`, and what is left out before a voxel is read. Each identifier of a
    /// series is given once, and each file ends in a series, in a row, or among those that are ignored.
    ///
    /// # Errors
    ///
    /// [`PlanError`] where a table that the layout needs cannot be read.
    fn find(
        &self,
        corpus: &CorpusSection,
        files: SortedFiles,
        found: &mut Found,
    ) -> Result<(), PlanError>;

    /// The study that the key of a row in the csv of reports names. As it is, the key is the study's identifier.
    fn study_of(&self, key: &str) -> StudyId {
        StudyId::from(key)
    }

    /// The keys under which the csv files of metadata and labels may name a series, the most specific first.
    fn row_keys(&self, series: &SeriesId, study: &StudyId) -> Vec<String> {
        vec![series.to_string(), study.to_string()]
    }

    /// Whether the layout names a split for each series, as `[split] method = "corpus"` needs.
    fn has_splits(&self) -> bool {
        false
    }
}
