//! Tables as Parquet.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use schemas::format::{NewerVersion, check_version};
use schemas::tables::{Row, VERSION};

use crate::files::TemporaryFile;

/// A table that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The system refused.
    #[error("failed to access table `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not the Parquet it should be.
    #[error("failed to read or write table `{path}`: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What the format's library said.
        message: String,
    },
    /// A newer radloom wrote the file.
    #[error("failed to read table `{path}`: {source}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version and the newest that is read.
        source: NewerVersion,
    },
}

/// Properties that depend on nothing but this line: no library version, no time, no host.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_created_by(format!("radloom table {VERSION}"))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).expect("3 is a level of zstd")))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(65_536))
        .build()
}

/// Writes one table, a batch of rows at a time; the file appears under its name when finished.
pub struct TableWriter<R: Row> {
    path: PathBuf,
    temporary: TemporaryFile,
    writer: ArrowWriter<BufWriter<File>>,
    buffered: Vec<R>,
    rows: u64,
}

/// Rows gathered before they are handed to the encoder.
const BATCH: usize = 8192;

impl<R: Row> TableWriter<R> {
    /// Opens the table `R::TABLE` in `folder`.
    ///
    /// # Errors
    ///
    /// [`TableError::Io`] where the file cannot be made.
    pub fn create(folder: &Path) -> Result<Self, TableError> {
        let path = folder.join(format!("{}.parquet", R::TABLE));
        let io_error = |source| TableError::Io { path: path.clone(), source };
        let mut temporary = TemporaryFile::create(&path).map_err(io_error)?;
        let file = temporary.file().try_clone().map_err(io_error)?;
        let writer =
            ArrowWriter::try_new(BufWriter::new(file), R::schema(), Some(properties())).map_err(
                |error| TableError::Format { path: path.clone(), message: error.to_string() },
            )?;
        Ok(Self { path, temporary, writer, buffered: Vec::new(), rows: 0 })
    }

    /// Adds rows in the order given.
    ///
    /// # Errors
    ///
    /// [`TableError`] where the encoder or the disk refuses.
    pub fn extend(&mut self, rows: impl IntoIterator<Item = R>) -> Result<(), TableError> {
        for row in rows {
            self.buffered.push(row);
            self.rows += 1;
            if self.buffered.len() == BATCH {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), TableError> {
        let batch = R::batch(&std::mem::take(&mut self.buffered));
        self.writer.write(&batch).map_err(|error| TableError::Format {
            path: self.path.clone(),
            message: error.to_string(),
        })
    }

    /// Completes the file and gives the number of rows.
    ///
    /// # Errors
    ///
    /// [`TableError`] where the encoder or the disk refuses.
    pub fn finish(mut self) -> Result<u64, TableError> {
        if !self.buffered.is_empty() {
            self.flush()?;
        }
        let Self { path, temporary, writer, rows, .. } = self;
        let buffer = writer.into_inner().map_err(|error| TableError::Format {
            path: path.clone(),
            message: error.to_string(),
        })?;
        let io_error = |source| TableError::Io { path: path.clone(), source };
        buffer.into_inner().map_err(|error| io_error(error.into_error()))?;
        temporary.commit().map_err(io_error)?;
        Ok(rows)
    }
}

/// Writes all `rows` as the table `R::TABLE` in `folder`.
///
/// # Errors
///
/// [`TableError`] where the encoder or the disk refuses.
pub fn write_table<R: Row>(folder: &Path, rows: Vec<R>) -> Result<u64, TableError> {
    let mut writer = TableWriter::create(folder)?;
    writer.extend(rows)?;
    writer.finish()
}

/// Reads a Parquet table as record batches.
///
/// # Errors
///
/// [`TableError::Newer`] for a table of a newer radloom, otherwise what went wrong and where.
pub fn read_table(path: &Path) -> Result<Vec<RecordBatch>, TableError> {
    TableStream::open(path, BATCH, |_| true)?.collect()
}

/// The record batches of a Parquet table, one after the other: what is held at a time is a batch and
/// a page of each column, however large the file.
#[derive(Debug)]
pub struct TableStream {
    path: PathBuf,
    columns: Vec<String>,
    reader: ParquetRecordBatchReader,
}

impl TableStream {
    /// Opens the table at `path` for batches of `rows`; `keep` says by name which columns are read.
    ///
    /// # Errors
    ///
    /// [`TableError::Newer`] for a table of a newer radloom, otherwise what went wrong and where.
    pub fn open(path: &Path, rows: usize, keep: impl Fn(&str) -> bool) -> Result<Self, TableError> {
        let format_error = |message: String| TableError::Format { path: path.to_owned(), message };
        let file =
            File::open(path).map_err(|source| TableError::Io { path: path.to_owned(), source })?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|error| format_error(error.to_string()))?;
        let schema = Arc::clone(builder.schema());
        let version = schema.metadata().get("radloom.version").and_then(|text| text.parse().ok());
        check_version("table", version.unwrap_or_default(), VERSION)
            .map_err(|source| TableError::Newer { path: path.to_owned(), source })?;
        let columns: Vec<String> =
            schema.fields().iter().map(|field| field.name().clone()).collect();
        let kept = (0..columns.len()).filter(|&at| keep(&columns[at]));
        let projection = ProjectionMask::roots(builder.parquet_schema(), kept);
        let reader = builder
            .with_projection(projection)
            .with_batch_size(rows)
            .build()
            .map_err(|error| format_error(error.to_string()))?;
        Ok(Self { path: path.to_owned(), columns, reader })
    }

    /// Names of all columns of the file, read or not.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }
}

impl Iterator for TableStream {
    type Item = Result<RecordBatch, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        Some(batch.map_err(|error| TableError::Format {
            path: self.path.clone(),
            message: error.to_string(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use schemas::tables::SplitRow;

    use super::*;

    fn rows(count: usize) -> Vec<SplitRow> {
        (0..count)
            .map(|index| SplitRow {
                patient_key: format!("p{index}"),
                split: "train".into(),
                rule: "hash".into(),
            })
            .collect()
    }

    #[test]
    fn the_same_rows_give_the_same_bytes_however_they_arrive() {
        let (one, other) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
        write_table(one.path(), rows(20_000)).expect("writes");
        let mut writer = TableWriter::create(other.path()).expect("opens");
        for row in rows(20_000) {
            writer.extend([row]).expect("takes a row");
        }
        assert_eq!(writer.finish().expect("finishes"), 20_000);
        let read = |folder: &Path| std::fs::read(folder.join("splits.parquet")).expect("reads");
        assert!(read(one.path()) == read(other.path()));
        let batches = read_table(&one.path().join("splits.parquet")).expect("reads");
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 20_000);
    }

    #[test]
    fn a_stream_gives_the_columns_asked_for_in_batches() {
        let folder = tempfile::tempdir().expect("a folder");
        write_table(folder.path(), rows(2_500)).expect("writes");
        let path = folder.path().join("splits.parquet");
        let stream = TableStream::open(&path, 1_000, |name| name == "split").expect("opens");
        assert_eq!(stream.columns(), ["patient_key", "split", "rule"]);
        let batches: Vec<_> = stream.map(|batch| batch.expect("reads")).collect();
        let sizes: Vec<_> = batches.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(sizes, [1_000, 1_000, 500]);
        assert_eq!(batches[0].schema().field(0).name(), "split");
        assert_eq!(batches[0].num_columns(), 1);
    }
}
