//! A sealed release, read back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int8Array,
    Int64Array, ListArray, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use schemas::lock::ReleaseLock;
use schemas::manifest::is_address;

use super::error::ReleaseError;
use super::identity::release_id;
use crate::shard::read_table;
use crate::store::{Mirror, StoreError};

/// The release in `dir`, which is a release itself or the output folder of a run.
pub fn release_below(dir: &Path) -> PathBuf {
    let below = dir.join("release");
    if below.join("release.lock").is_file() { below } else { dir.to_owned() }
}

/// The release at `place`: as [`release_below`], or the mirror of one where `place` is an address such as
/// `s3://bucket/release`.
///
/// # Errors
///
/// [`ReleaseError::Store`] where the address cannot be read.
pub fn release_at(place: &Path) -> Result<PathBuf, ReleaseError> {
    let Some(address) = place.to_str().filter(|_| is_address(place)) else {
        return Ok(release_below(place));
    };
    let mirror = match Mirror::open(address) {
        Err(StoreError::Missing { .. }) => {
            Mirror::open(&format!("{}/release", address.trim_end_matches('/')))
        }
        opened => opened,
    };
    match mirror {
        Ok(mirror) => Ok(mirror.folder().to_owned()),
        Err(StoreError::Missing { .. }) => {
            Err(ReleaseError::NotARelease { path: place.to_owned(), missing: "SHA256SUMS" })
        }
        Err(error) => Err(error.into()),
    }
}

/// Identity and counts of a sealed release.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    /// The release folder.
    pub path: PathBuf,
    /// Its identity.
    pub release_id: String,
    /// Its lock.
    pub lock: ReleaseLock,
    /// Series in it.
    pub included: usize,
    /// Studies in it.
    pub included_studies: usize,
    /// Inputs left out, by reason code.
    pub excluded: BTreeMap<String, usize>,
    /// Files of the series in it; 0 where an earlier radloom made it.
    pub used_files: u64,
    /// Files left out; 0 where an earlier radloom made it.
    pub excluded_files: u64,
}

impl Contents {
    /// Reads the release at `path`.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::NotARelease`] where lock or sums are missing, otherwise what is wrong with
    /// which file.
    pub fn read(path: &Path) -> Result<Self, ReleaseError> {
        let read = |missing: &'static str| {
            fs::read_to_string(path.join(missing))
                .map_err(|_| ReleaseError::NotARelease { path: path.to_owned(), missing })
        };
        let (lock_text, sums) = (read("release.lock")?, read("SHA256SUMS")?);
        let lock = ReleaseLock::from_text(&lock_text)
            .map_err(|source| ReleaseError::Lock { path: path.join("release.lock"), source })?;
        let rows = |table: &str| -> Result<usize, ReleaseError> {
            Ok(TableReader::open(path, table)?.rows())
        };
        let mut excluded = BTreeMap::new();
        let table = TableReader::open(path, "excluded")?;
        for reason in table.texts("reason")? {
            *excluded.entry(reason).or_default() += 1;
        }
        let sum = |table: &TableReader, column: &str| match &lock.files {
            Some(_) => Ok(table.u32s(column)?.into_iter().map(u64::from).sum()),
            None => Ok::<u64, ReleaseError>(0),
        };
        let volumes = TableReader::open(path, "volumes")?;
        let (used_files, excluded_files) = (sum(&volumes, "source_files")?, sum(&table, "files")?);
        Ok(Self {
            release_id: release_id(&lock_text, &sums),
            included: volumes.rows(),
            used_files,
            excluded_files,
            included_studies: rows("studies")?,
            path: path.to_owned(),
            lock,
            excluded,
        })
    }
}

/// One table of a release, with typed access to its columns.
#[derive(Debug, Clone)]
pub struct TableReader {
    name: String,
    batches: Vec<RecordBatch>,
}

impl TableReader {
    /// Reads the table `name` of the release at `release`.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Table`].
    pub fn open(release: &Path, name: &str) -> Result<Self, ReleaseError> {
        let batches = read_table(&release.join(format!("tables/{name}.parquet")))?;
        Ok(Self { name: name.to_owned(), batches })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn column<A: Array + 'static, T>(
        &self,
        column: &str,
        mut values: impl FnMut(&A, &mut Vec<T>),
    ) -> Result<Vec<T>, ReleaseError> {
        let missing =
            || ReleaseError::Column { table: self.name.clone(), column: column.to_owned() };
        let mut out = Vec::with_capacity(self.rows());
        for batch in &self.batches {
            let array: &ArrayRef = batch.column_by_name(column).ok_or_else(missing)?;
            values(array.as_any().downcast_ref::<A>().ok_or_else(missing)?, &mut out);
        }
        Ok(out)
    }

    /// A text column; missing values are empty.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Column`].
    pub fn texts(&self, column: &str) -> Result<Vec<String>, ReleaseError> {
        self.column::<StringArray, _>(column, |array, out| {
            out.extend(array.iter().map(|value| value.unwrap_or_default().to_owned()));
        })
    }

    /// A column of u64.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Column`].
    pub fn u64s(&self, column: &str) -> Result<Vec<u64>, ReleaseError> {
        self.column::<UInt64Array, _>(column, |array, out| out.extend(array.values()))
    }

    /// A column of u32.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Column`].
    pub fn u32s(&self, column: &str) -> Result<Vec<u32>, ReleaseError> {
        self.column::<UInt32Array, _>(column, |array, out| out.extend(array.values()))
    }

    /// A column of i8.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Column`].
    pub fn i8s(&self, column: &str) -> Result<Vec<i8>, ReleaseError> {
        self.column::<Int8Array, _>(column, |array, out| out.extend(array.values()))
    }

    /// A column of i8 with gaps.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Column`].
    pub fn optional_i8s(&self, column: &str) -> Result<Vec<Option<i8>>, ReleaseError> {
        self.column::<Int8Array, _>(column, |array, out| out.extend(array.iter()))
    }

    /// A column of f32.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Column`].
    pub fn f32s(&self, column: &str) -> Result<Vec<f32>, ReleaseError> {
        self.column::<Float32Array, _>(column, |array, out| out.extend(array.values()))
    }

    /// A column of flags.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Column`].
    pub fn bools(&self, column: &str) -> Result<Vec<bool>, ReleaseError> {
        self.column::<BooleanArray, _>(column, |array, out| out.extend(array.values()))
    }

    /// A column of text lists.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Column`].
    pub fn text_lists(&self, column: &str) -> Result<Vec<Vec<String>>, ReleaseError> {
        self.column::<ListArray, _>(column, |array, out| {
            for index in 0..array.len() {
                let values = array.value(index);
                let texts = values.as_any().downcast_ref::<StringArray>();
                out.push(
                    texts
                        .into_iter()
                        .flatten()
                        .map(|text| text.unwrap_or_default().to_owned())
                        .collect(),
                );
            }
        })
    }

    /// A column of lists of u32.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Column`].
    pub fn u32_lists(&self, column: &str) -> Result<Vec<Vec<u32>>, ReleaseError> {
        self.column::<ListArray, _>(column, |array, out| {
            for index in 0..array.len() {
                let values = array.value(index);
                let numbers = values.as_any().downcast_ref::<UInt32Array>();
                out.push(numbers.map(|numbers| numbers.values().to_vec()).unwrap_or_default());
            }
        })
    }

    /// A column of lists of i64.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Column`].
    pub fn i64_lists(&self, column: &str) -> Result<Vec<Vec<i64>>, ReleaseError> {
        self.column::<ListArray, _>(column, |array, out| {
            for index in 0..array.len() {
                let values = array.value(index);
                let numbers = values.as_any().downcast_ref::<Int64Array>();
                out.push(numbers.map(|numbers| numbers.values().to_vec()).unwrap_or_default());
            }
        })
    }

    /// The values of a fixed-size list of f64, `N` a row.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Column`].
    pub fn f64_arrays<const N: usize>(&self, column: &str) -> Result<Vec<[f64; N]>, ReleaseError> {
        self.column::<FixedSizeListArray, _>(column, |array, out| {
            let values = array.values().as_any().downcast_ref::<Float64Array>();
            let values = values.map(|values| values.values().to_vec()).unwrap_or_default();
            out.extend(values.as_chunks::<N>().0);
        })
    }

    /// Three values per row of a fixed-size list of u32.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Column`].
    pub fn u32_triples(&self, column: &str) -> Result<Vec<[u32; 3]>, ReleaseError> {
        self.column::<FixedSizeListArray, _>(column, |array, out| {
            let values = array.values().as_any().downcast_ref::<UInt32Array>();
            let values = values.map(|values| values.values().to_vec()).unwrap_or_default();
            out.extend(values.as_chunks::<3>().0);
        })
    }
}
