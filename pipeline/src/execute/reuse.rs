//! Shards of sealed releases are used again, by the fingerprints of their units.
//!
//! A unit's fingerprint says what was to be done; that its sources hold the same bytes is told by the sums of the
//! release's lock, and that its shards do by `SHA256SUMS`. Shards are linked where the file system can, copied
//! otherwise; the rows of a unit are those of the release's tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use schemas::lock::{ReleaseLock, SourceObject};
use schemas::outcome::{ShardFile, UnitOutcome};
use schemas::reason::Reason;
use schemas::tables::{ExcludedRow, IndexRow, Row, VolumeRow};

use super::executor::Context;
use super::unit::{shard_path, source_name};
use crate::files::sha256_file;
use crate::plan::{SeriesPlan, Unit};
use crate::release::{Contents, ReleaseError, read_sums, release_below};
use crate::shard::read_table;

/// A release whose shards may be used again.
pub(super) struct Reusable {
    path: PathBuf,
    lock: ReleaseLock,
    /// Units of the release by their fingerprints.
    units: BTreeMap<String, String>,
    sums: BTreeMap<String, String>,
    volumes: Vec<VolumeRow>,
    index: Vec<IndexRow>,
    excluded: Vec<ExcludedRow>,
}

impl Reusable {
    /// Reads lock, sums and tables of the release `contents`.
    ///
    /// # Errors
    ///
    /// [`ReleaseError`] where a file of the release cannot be read.
    pub(super) fn new(contents: Contents) -> Result<Self, ReleaseError> {
        let Contents { path, lock, .. } = contents;
        let units = lock.units.iter().map(|(unit, print)| (print.clone(), unit.clone())).collect();
        Ok(Self {
            units,
            sums: read_sums(&path)?,
            volumes: rows(&path)?,
            index: rows(&path)?,
            excluded: rows(&path)?,
            lock,
            path,
        })
    }

    /// Reads the release at `path`, which is a release or the output folder that holds one.
    ///
    /// # Errors
    ///
    /// [`ReleaseError`] where there is none or a file of it cannot be read.
    pub(super) fn open(path: &Path) -> Result<Self, ReleaseError> {
        Self::new(Contents::read(&release_below(path))?)
    }

    /// The outcome of `unit`, with its shards below `context.release`, where this release has them; none where it
    /// has another work, other sources, or damaged shards.
    ///
    /// # Errors
    ///
    /// The I/O error where a shard cannot be linked or copied.
    pub(super) fn take(
        &self,
        unit: &Unit,
        context: &Context<'_>,
    ) -> io::Result<Option<UnitOutcome>> {
        let Some(earlier) = self.units.get(&unit.fingerprint) else { return Ok(None) };
        let manifest = context.manifest;
        let Some(sources) = self.sources(unit, &manifest.corpus.root) else { return Ok(None) };
        let mut outcome =
            UnitOutcome::new(&unit.fingerprint, &unit.stamp, manifest.limits.slab_above_mib);
        outcome.sources = sources;
        self.fill(unit, earlier, &mut outcome);
        // Whether a volume is too large may depend on limits that a release does not record.
        if outcome.excluded.iter().any(|row| row.reason == Reason::TooLarge.code()) {
            return Ok(None);
        }
        for view in context.views {
            let (from, to) = (shard_path(&view.name, earlier), shard_path(&view.name, &unit.id));
            let Some(sum) = self.sums.get(&from) else { return Ok(None) };
            let source = self.path.join(&from);
            let Ok((sha256, bytes)) = sha256_file(&source) else { return Ok(None) };
            if sha256 != *sum {
                return Ok(None);
            }
            link_or_copy(&source, &context.release.join(&to))?;
            outcome.shards.push(ShardFile { path: to, bytes, sha256 });
        }
        Ok(Some(outcome))
    }

    /// The sources of `unit` as the lock has them, where the files still hold these bytes.
    fn sources(&self, unit: &Unit, root: &Path) -> Option<BTreeMap<String, SourceObject>> {
        let series = unit.studies.iter().flat_map(|study| &study.series);
        let files: Vec<PathBuf> = series.flat_map(SeriesPlan::every_file).collect();
        let unchanged = |path: &PathBuf| {
            let name = source_name(path, root);
            let known = self.lock.sources.get(&name)?;
            let (sha256, bytes) = sha256_file(path).ok()?;
            (known.bytes == bytes && known.sha256 == sha256).then(|| (name, known.clone()))
        };
        files.par_iter().map(unchanged).collect()
    }

    /// Copies the rows of `unit`, in the order in which it is planned. The split and the name of the unit are those of
    /// the plan: they are no part of the work.
    fn fill(&self, unit: &Unit, earlier: &str, outcome: &mut UnitOutcome) {
        let series = unit.studies.iter().flat_map(|study| &study.series);
        let planned: BTreeSet<&str> = series
            .flat_map(|series| std::iter::once(series).chain(&series.alternatives))
            .map(|series| series.id.as_str())
            .collect();
        let split = unit.split.name();
        for row in self.volumes.iter().filter(|row| planned.contains(row.series_id.as_str())) {
            outcome.volumes.push(VolumeRow { split: split.into(), ..row.clone() });
        }
        for row in self.index.iter().filter(|row| planned.contains(row.series_id.as_str())) {
            debug_assert_eq!(row.shard, shard_path(&row.view, earlier));
            let shard = shard_path(&row.view, &unit.id);
            outcome.index.push(IndexRow { split: split.into(), shard, ..row.clone() });
        }
        let of_unit = |row: &&ExcludedRow| {
            row.series_id.as_deref().is_some_and(|series| planned.contains(series))
        };
        outcome.excluded.extend(self.excluded.iter().filter(of_unit).cloned());
    }
}

fn rows<R: Row>(release: &Path) -> Result<Vec<R>, ReleaseError> {
    let mut rows = Vec::new();
    for batch in read_table(&release.join(format!("tables/{}.parquet", R::TABLE)))? {
        rows.extend(R::rows(&batch)?);
    }
    Ok(rows)
}

/// Files of a release are never written in place, so that two releases may share one.
fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Not every file system links, and none does to another one.
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(|_| ()))
}
