//! The labels that a corpus has of its reports.

use std::collections::BTreeMap;
use std::path::Path;

use super::columns::{ReportColumns, fold};
use super::report::SourceError;
use crate::ingest::csv::{CsvRecords, KeyedCsv};

/// Labels by the ids of the reports, from a csv file with a column for each label.
#[derive(Debug, Clone)]
pub struct LabelTable {
    table: KeyedCsv,
    /// Each label with the name of its column.
    columns: Vec<(String, String)>,
}

impl LabelTable {
    /// Reads the columns named as one of `labels`, but for case and marks. `key` is the column with the ids of the reports; where
    /// it is left out, one of the names that tables of reports use for it.
    ///
    /// # Errors
    /// When the file cannot be read, or has no column with ids or none with labels.
    pub fn read(path: &Path, key: Option<&str>, labels: &[&str]) -> Result<Self, SourceError> {
        let refused = |message: String| SourceError::Format { path: path.to_owned(), message };
        let records = CsvRecords::open(path).map_err(|error| refused(error.to_string()))?;
        let named = records.columns().to_vec();
        let found = || format!("it has `{}`", named.join("`, `"));
        let key = match key {
            Some(key) => named.iter().find(|name| *name == key),
            None => ReportColumns::id_of(&named).and_then(|at| named.get(at)),
        };
        let key = key.ok_or_else(|| {
            refused(format!(
                "no column holds the ids of the reports: {}; name yours with `--key`",
                found()
            ))
        })?;
        let columns: Vec<(String, String)> = labels
            .iter()
            .filter_map(|label| {
                let column = named.iter().find(|name| fold(name) == fold(label))?;
                Some(((*label).to_owned(), column.clone()))
            })
            .collect();
        if columns.is_empty() {
            return Err(refused(format!(
                "no column is named as a label, such as `{}`: {}",
                labels.first().copied().unwrap_or_default(),
                found()
            )));
        }
        let table = KeyedCsv::read(path, key).map_err(|error| refused(error.to_string()))?;
        Ok(Self { table, columns })
    }

    /// The labels of a report that are 1, 0 or -1 (or `true`, `false`) in its row; none where it has no row.
    pub fn of(&self, id: &str) -> Option<BTreeMap<String, i8>> {
        let value = |column: &str| {
            let cell = self.table.get(id, column)?.trim().to_lowercase();
            match cell.as_str() {
                "true" => Some(1),
                "false" => Some(0),
                // `1`, `1.0` and `-1.00` alike.
                number => number
                    .trim_end_matches(|c| c == '0' && number.contains('.'))
                    .trim_end_matches('.')
                    .parse::<i8>()
                    .ok()
                    .filter(|value| (-1..=1).contains(value)),
            }
        };
        let labels = self.columns.iter();
        self.table.has(id).then(|| {
            labels.filter_map(|(label, column)| Some((label.clone(), value(column)?))).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(content: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(content.as_bytes()).expect("writes");
        file
    }

    #[test]
    fn columns_are_found_by_the_names_of_labels() {
        let labels = ["Pleural effusion", "Lung nodule", "Emphysema"];
        let csv = file("VolumeName,pleural_effusion,Lung nodule,other\na,1.0,-1,7\nb,0,maybe,1\n");
        let table = LabelTable::read(csv.path(), None, &labels).expect("reads");
        let of = |id| {
            let found: Option<BTreeMap<String, i8>> = table.of(id);
            found.map(|found| found.into_iter().collect::<Vec<_>>())
        };
        assert_eq!(of("a"), Some(vec![("Lung nodule".into(), -1), ("Pleural effusion".into(), 1)]));
        assert_eq!(of("b"), Some(vec![("Pleural effusion".into(), 0)]));
        assert_eq!(of("c"), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let labels = ["Emphysema"];
        let error = |content: &str, key| {
            LabelTable::read(file(content).path(), key, &labels).expect_err("refused").to_string()
        };
        assert!(error("name,Emphysema\na,1\n", None).contains("name yours with `--key`"));
        assert!(error("name,Emphysema\na,1\n", Some("study")).contains("`name`, `Emphysema`"));
        assert!(error("id,Fibrosis\na,1\n", None).contains("such as `Emphysema`"));
    }
}
