//! A csv file held whole and looked up by key; every cell as text.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use super::error::{CsvError, column};
use super::records::CsvRecords;

/// A csv file as rows of text, keyed by one column.
#[derive(Debug, Clone, Default)]
pub struct KeyedCsv {
    columns: Vec<String>,
    rows: BTreeMap<String, Vec<Option<String>>>,
    /// Keys of which a later row says something else than the first.
    conflicts: Vec<String>,
}

impl KeyedCsv {
    /// Reads `path`; `key` names the column that identifies a row. Of rows with one key the first is kept; the key of others
    /// that say something else is among [`Self::conflicts`].
    ///
    /// # Errors
    ///
    /// [`CsvError`], naming file and column.
    pub fn read(path: &Path, key: &str) -> Result<Self, CsvError> {
        let records = CsvRecords::open(path)?;
        let columns = records.columns().to_vec();
        let key_index = column(path, &columns, key)?;
        let mut table = Self { columns, ..Self::default() };
        for cells in records {
            let cells = cells?;
            let Some(name) = cells[key_index].clone().filter(|name| !name.trim().is_empty()) else {
                continue;
            };
            match table.rows.entry(name) {
                Entry::Vacant(vacant) => {
                    vacant.insert(cells);
                }
                Entry::Occupied(first) if *first.get() != cells => {
                    table.conflicts.push(first.key().clone());
                }
                Entry::Occupied(_) => {}
            }
        }
        Ok(table)
    }

    /// Keys of which a later row says something else than the first, in the order of the file.
    pub fn conflicts(&self) -> &[String] {
        &self.conflicts
    }

    /// Whether there is a row of `key`.
    pub fn has(&self, key: &str) -> bool {
        self.rows.contains_key(key)
    }

    /// Names of the columns in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The cell of `column` in the row of `key`; none where it is blank or missing.
    pub fn get(&self, key: &str, column: &str) -> Option<&str> {
        let index = self.columns.iter().position(|name| name == column)?;
        let cell = self.rows.get(key)?.get(index)?.as_deref()?;
        (!cell.trim().is_empty()).then_some(cell)
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
    fn quotes_newlines_and_blanks_are_read_as_csv() {
        let file = file("name,text,number\na,\"one, \"\"two\"\"\nthree\",007\nb,,\n");
        let table = KeyedCsv::read(file.path(), "name").expect("reads");
        assert_eq!(table.get("a", "text"), Some("one, \"two\"\nthree"));
        assert_eq!(table.get("a", "number"), Some("007"), "cells stay text");
        assert_eq!(table.get("b", "text"), None);
    }

    #[test]
    fn a_missing_column_is_named_with_those_there_are() {
        let file = file("name,text\na,b\n");
        let message = KeyedCsv::read(file.path(), "report").expect_err("refused").to_string();
        assert!(message.contains("no column `report`") && message.contains("`text`"), "{message}");
    }
}
