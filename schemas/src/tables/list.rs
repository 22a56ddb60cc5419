//! The list of tables: what writes, describes or reads all of them goes by it.

use std::sync::Arc;

use arrow_schema::Schema;

use super::corpus::{ExcludedRow, SplitRow, StudyRow, VolumeRow};
use super::index::IndexRow;
use super::report::{
    EdgeRow, IdentifierRow, LabelRow, MeasurementRow, NodeRow, ReportRow, SentenceRow,
};
use super::row::Row;
use super::similarity::{SentenceTypeRow, SimilarityRow};

/// A table of the release, as data.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name: the file is `tables/NAME.parquet`.
    pub name: &'static str,
    /// What one row is, in one line.
    pub doc: &'static str,
    /// Columns that the rows are sorted by, the first one first. A `split` counts as `train`, `val`, `test`.
    pub order: &'static [&'static str],
    /// Name and description of every column.
    pub columns: &'static [(&'static str, &'static str)],
    /// Its Arrow schema.
    pub schema: fn() -> Arc<Schema>,
}

impl Table {
    const fn of<R: Row>() -> Self {
        Self {
            name: R::TABLE,
            doc: R::DOC,
            order: R::ORDER,
            columns: R::COLUMNS,
            schema: R::schema,
        }
    }

    /// The table of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|table| table.name == name)
    }
}

macro_rules! tables {
    ($($row:ident),+ $(,)?) => {
        /// Every table of a release, in the order in which they are described.
        pub static ALL: &[Table] = &[$(Table::of::<$row>()),+];
    };
}

// One line per table; its declaration stands beside those of its kind.
tables! {
    StudyRow,
    VolumeRow,
    ReportRow,
    SentenceRow,
    NodeRow,
    EdgeRow,
    LabelRow,
    MeasurementRow,
    IdentifierRow,
    SentenceTypeRow,
    SimilarityRow,
    SplitRow,
    IndexRow,
    ExcludedRow,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_table_is_listed_once_and_described() {
        let names: BTreeSet<_> = ALL.iter().map(|table| table.name).collect();
        assert_eq!(names.len(), ALL.len());
        // Counted in the sources, so that a table that is declared and not listed is found.
        let sources = [
            include_str!("corpus.rs"),
            include_str!("report.rs"),
            include_str!("similarity.rs"),
            include_str!("index.rs"),
        ];
        let declared: usize = sources.iter().map(|text| text.matches("\ntable! {").count()).sum();
        assert_eq!(ALL.len(), declared);
        for table in ALL {
            let schema = (table.schema)();
            assert!(!table.doc.is_empty() && !table.doc.contains('\n'), "{}", table.name);
            let columns: Vec<_> = schema.fields().iter().map(|field| field.name()).collect();
            assert_eq!(table.columns.iter().map(|column| column.0).collect::<Vec<_>>(), columns);
            for column in table.order {
                assert!(schema.field_with_name(column).is_ok(), "{}: {column}", table.name);
            }
            assert_eq!(schema.metadata()["radloom.kind"], table.name);
            assert_eq!(Table::named(table.name).map(|found| found.name), Some(table.name));
        }
    }
}
