//! Rows: one declaration gives the row type, its Arrow schema and the conversions, so that none can part
//! from the others.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use super::column::Column;

/// A row of a table of the release.
pub trait Row: Sized {
    /// Name of the table: its file is `tables/NAME.parquet`.
    const TABLE: &'static str;
    /// What one row is, in one line.
    const DOC: &'static str;
    /// Columns that the rows are sorted by, the first one first. A `split` counts as `train`, `val`, `test`.
    const ORDER: &'static [&'static str];
    /// Name and description of every column.
    const COLUMNS: &'static [(&'static str, &'static str)];
    /// The Arrow schema, with `version` and `revision` in its metadata.
    fn schema() -> Arc<Schema>;
    /// The rows as one batch of that schema.
    fn batch(rows: &[Self]) -> RecordBatch;
    /// The rows of a batch, bit for bit as they were written.
    ///
    /// # Errors
    ///
    /// [`MissingColumn`] where the batch lacks a column or has it in another type.
    fn rows(batch: &RecordBatch) -> Result<Vec<Self>, MissingColumn>;
}

/// A column that a batch does not have, or not in the type of the row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("table `{table}` has no column `{column}` of the expected type")]
pub struct MissingColumn {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
}

/// The values of one column of `batch`.
pub(super) fn values<T: Column>(
    batch: &RecordBatch,
    table: &'static str,
    column: &'static str,
) -> Result<std::vec::IntoIter<T>, MissingColumn> {
    batch
        .column_by_name(column)
        .and_then(|array| T::values(array.as_ref()))
        .map(Vec::into_iter)
        .ok_or(MissingColumn { table, column })
}

/// Declares a table: the row type, its name, the columns that order it, and its columns.
macro_rules! table {
    (
        $(#[doc = $doc:literal])+
        $row:ident $name:literal by [$($order:ident),+] {
            $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $row { $($(#[doc = $field_doc])+ pub $field: $type,)+ }

        impl $crate::tables::Row for $row {
            const TABLE: &'static str = $name;
            const DOC: &'static str = concat!($($doc),+).trim_ascii();
            const ORDER: &'static [&'static str] = &[$(stringify!($order)),+];
            const COLUMNS: &'static [(&'static str, &'static str)] =
                &[$((stringify!($field), concat!($($field_doc),+).trim_ascii())),+];

            fn schema() -> std::sync::Arc<arrow_schema::Schema> {
                let fields = vec![
                    $(arrow_schema::Field::new(
                        stringify!($field),
                        <$type as $crate::tables::Column>::data_type(),
                        <$type as $crate::tables::Column>::NULLABLE,
                    ),)+
                ];
                let metadata = $crate::format::format_metadata($name);
                std::sync::Arc::new(arrow_schema::Schema::new(fields).with_metadata(metadata))
            }

            fn batch(rows: &[Self]) -> arrow_array::RecordBatch {
                let columns = vec![
                    $(<$type as $crate::tables::Column>::array(rows.iter().map(|row| &row.$field)),)+
                ];
                arrow_array::RecordBatch::try_new(Self::schema(), columns)
                    .expect("every column is made from the same rows with the schema's type")
            }

            fn rows(
                batch: &arrow_array::RecordBatch,
            ) -> Result<Vec<Self>, $crate::tables::MissingColumn> {
                $(let mut $field =
                    $crate::tables::row::values::<$type>(batch, $name, stringify!($field))?;)+
                let mut rows = Vec::with_capacity(batch.num_rows());
                for _ in 0..batch.num_rows() {
                    rows.push(Self {
                        $($field: $field.next().expect("every column has a value per row"),)+
                    });
                }
                Ok(rows)
            }
        }
    };
}

pub(super) use table;
