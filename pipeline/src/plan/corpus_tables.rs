//! The csv files of a corpus, merged by kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;
use schemas::manifest::{Columns, CorpusSection};
use schemas::reason::Reason;
use schemas::rescale::Rescale;
use schemas::tables::ExcludedRow;

use super::error::PlanError;
use super::layout::stem;
use super::reports::ReportIndex;
use crate::ingest::Acquisition;
use crate::ingest::csv::{CsvError, KeyedCsv};

/// The ways in which in-plane spacing is written: `[0.7, 0.7]`, `0.7\\0.7`, `[np.float64(0.7), np.float64(0.7)]`,
/// `(7e-1; .7)`, or one number for both.
static IN_PLANE: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"(?:np\.float(?:32|64)\(\s*)?([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)\s*\)?";
    let pattern = format!(r"^\s*[\[(]?\s*{number}(?:(?:\s*[,;\\x|]\s*|\s+){number})?\s*[\])]?\s*$");
    Regex::new(&pattern).expect("the pattern is valid")
});

/// No voxel is larger than this, in mm.
const MAX_SPACING_MM: f64 = 50.0;

/// A voxel size along one axis, where it is one.
fn step(text: &str) -> Option<f64> {
    let step = text.trim().parse::<f64>().ok()?;
    (step > 0.0 && step <= MAX_SPACING_MM).then_some(step)
}

/// In-plane spacing, where the cell is one by the grammar.
fn in_plane(text: &str) -> Option<[f64; 2]> {
    let found = IN_PLANE.captures(text)?;
    let x = step(found.get(1)?.as_str())?;
    let y = found.get(2).map_or(Some(x), |number| step(number.as_str()))?;
    Some([x, y])
}

/// The corpus's csv files, merged by kind.
#[derive(Debug, Default)]
pub(super) struct CorpusTables {
    pub(super) reports: ReportIndex,
    pub(super) metadata: Vec<KeyedCsv>,
    pub(super) labels: Vec<KeyedCsv>,
    pub(super) skip: BTreeSet<String>,
    /// Every file that the manifest names.
    pub(super) paths: BTreeSet<PathBuf>,
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
            paths: [&corpus.reports, &corpus.metadata, &corpus.labels, &corpus.skip, &corpus.rows]
                .into_iter()
                .flatten()
                .map(|path| corpus.root.join(path).components().collect())
                .collect(),
        })
    }

    /// The rows of tables that are not used since they contradict an earlier one.
    pub(super) fn conflicts(&self) -> Vec<ExcludedRow> {
        let of_reports = self.reports.conflicts.iter().cloned();
        let of_tables = self.metadata.iter().chain(&self.labels).flat_map(|table| {
            table.conflicts().iter().map(|key| {
                (key.clone(), "a second row of a table of metadata or labels says something else; the first is used".into())
            })
        });
        let row = |(key, detail): (String, String)| {
            ExcludedRow::new(Reason::DuplicateRow, key).detail(detail)
        };
        of_reports.chain(of_tables).map(row).collect()
    }

    fn cell<'a>(tables: &'a [KeyedCsv], key: &str, column: &str) -> Option<&'a str> {
        tables.iter().find_map(|table| table.get(key, column))
    }

    /// What the metadata say of the volume in the row of `key`. A cell that holds something else than it should is a fault
    /// and no value.
    pub(super) fn acquisition(&self, key: &str, columns: &Columns) -> Acquisition {
        let Some(table) = self.metadata.iter().find(|table| table.has(key)) else {
            return Acquisition::default();
        };
        let mut faults = Vec::new();
        let cell = |column: &str| {
            let own = table.get(key, column);
            own.or_else(|| Self::cell(&self.metadata, key, column))
        };
        let mut number = |column: &str| {
            let text = cell(column)?;
            let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            if number.is_none() {
                faults.push(format!("`{column}` of the metadata is `{text}`, not a number"));
            }
            number
        };
        let (slope, intercept) =
            (number(&columns.rescale_slope), number(&columns.rescale_intercept));
        let rescale = slope
            .zip(intercept)
            .filter(|(slope, _)| *slope != 0.0)
            .map(|(slope, intercept)| Rescale { slope: slope as f32, intercept: intercept as f32 });
        if rescale.is_none() && (slope.is_some() || intercept.is_some()) {
            faults.push("the metadata give no slope and intercept together".into());
        }
        let (xy, z) = (&columns.xy_spacing, &columns.z_spacing);
        let has = |column: &str| {
            self.metadata.iter().any(|table| table.columns().iter().any(|name| name == column))
        };
        let mut spacing = |column: &str, read: &dyn Fn(&str) -> Option<[f64; 2]>| {
            let Some(text) = cell(column) else {
                if has(column) {
                    faults.push(format!("`{column}` of the metadata is blank"));
                }
                return None;
            };
            let value = read(text);
            if value.is_none() {
                faults.push(format!("`{column}` of the metadata is `{text}`, no voxel size in mm"));
            }
            value
        };
        let plane = spacing(xy, &in_plane);
        let depth = spacing(z, &|text| step(text).map(|step| [step; 2]));
        let spacing = plane.zip(depth).map(|([x, y], [z, _])| [x, y, z]);
        Acquisition { rescale, spacing, modality: String::new(), faults }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_a_spacing_is_read_and_nothing_else() {
        for (text, expected) in [
            ("[0.68, 0.68]", [0.68, 0.68]),
            ("0.68\\\\0.7", [0.68, 0.7]),
            ("[np.float64(0.7), np.float64(0.8)]", [0.7, 0.8]),
            ("[7e-1, 7E-1]", [0.7, 0.7]),
            ("[.7, .8]", [0.7, 0.8]),
            ("(0.7; 0.8)", [0.7, 0.8]),
            ("0.7 0.8", [0.7, 0.8]),
            ("0.7x0.8", [0.7, 0.8]),
            (" 0.7 ", [0.7, 0.7]),
        ] {
            assert_eq!(in_plane(&text.replace("\\\\", "\\")), Some(expected), "{text}");
        }
        for text in
            ["[0,7, 0,7]", "0,7", "[0.7, 0.7, 1.5]", "nan", "[0, 0.7]", "-0.7", "700", "0.7 mm", ""]
        {
            assert_eq!(in_plane(text), None, "{text}");
        }
    }
}
