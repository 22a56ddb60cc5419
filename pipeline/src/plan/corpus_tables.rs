//! The csv files of a corpus, merged by kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;
use schemas::manifest::{Columns, CorpusSection};
use schemas::rescale::Rescale;

use super::error::PlanError;
use super::layout::stem;
use super::reports::ReportIndex;
use crate::ingest::Acquisition;
use crate::ingest::csv::{CsvError, KeyedCsv};

/// A decimal number within a cell.
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[0-9]+(?:\.[0-9]+)?").expect("the pattern is valid"));

/// The corpus's csv files, merged by kind.
#[derive(Debug, Default)]
pub(super) struct CorpusTables {
    pub(super) reports: ReportIndex,
    pub(super) metadata: Vec<KeyedCsv>,
    pub(super) labels: Vec<KeyedCsv>,
    pub(super) skip: BTreeSet<String>,
}

impl CorpusTables {
    pub(super) fn read(corpus: &CorpusSection) -> Result<Self, PlanError> {
        let read = |paths: &[PathBuf]| -> Result<Vec<KeyedCsv>, CsvError> {
            let key = &corpus.columns.volume;
            paths.iter().map(|path| KeyedCsv::read(&corpus.root.join(path), key)).collect()
        };
        let mut skip = BTreeSet::new();
        for path in &corpus.skip {
            let full = corpus.root.join(path);
            let text =
                fs::read_to_string(&full).map_err(|source| PlanError::Io { path: full, source })?;
            skip.extend(text.lines().map(|line| stem(line.trim()).to_owned()));
        }
        skip.remove("");
        Ok(Self {
            reports: ReportIndex::read(corpus)?,
            metadata: read(&corpus.metadata)?,
            labels: read(&corpus.labels)?,
            skip,
        })
    }

    fn cell<'a>(tables: &'a [KeyedCsv], key: &str, column: &str) -> Option<&'a str> {
        tables.iter().find_map(|table| table.get(key, column))
    }

    /// What the metadata say of the volume in the row of `key`.
    pub(super) fn acquisition(&self, key: &str, columns: &Columns) -> Acquisition {
        let cell = |column: &str| Self::cell(&self.metadata, key, column);
        let number = |column: &str| cell(column).and_then(|text| text.trim().parse::<f64>().ok());
        let rescale = number(&columns.rescale_slope)
            .zip(number(&columns.rescale_intercept))
            .map(|(slope, intercept)| Rescale { slope: slope as f32, intercept: intercept as f32 });
        // Written `[0.68, 0.68]` by CT-RATE and `0.68\0.68` by DICOM tools.
        let in_plane = cell(&columns.xy_spacing).and_then(|text| {
            let mut numbers = NUMBER.find_iter(text).map(|found| found.as_str().parse::<f64>());
            Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
        });
        let spacing = in_plane.zip(number(&columns.z_spacing)).map(|([x, y], z)| [x, y, z]);
        let valid = |spacing: &[f64; 3]| spacing.iter().all(|step| *step > 0.0 && step.is_finite());
        Acquisition { rescale, spacing: spacing.filter(valid) }
    }

    /// The labels in the row of `key`.
    pub(super) fn labels(&self, key: &str, columns: &Columns) -> BTreeMap<String, i8> {
        let mut labels = BTreeMap::new();
        for table in &self.labels {
            for column in table.columns().iter().filter(|name| **name != columns.volume) {
                // Written as 0, 1 or 1.0.
                let value = table.get(key, column).and_then(|text| text.trim().parse::<f64>().ok());
                if let Some(value) = value {
                    labels.entry(column.clone()).or_insert(value as i8);
                }
            }
        }
        labels
    }
}
