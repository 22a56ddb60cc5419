//! Files into series, series into stacks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::divide::stacks;
use super::geometry::Stack;
use crate::ingest::archive::{Files, archive_of};
use crate::ingest::dicom::format::looks_like_dicom;
use crate::ingest::dicom::header::SliceHeader;
use crate::ingest::{IngestError, SeriesSource};

/// First bytes of a file that tell whether it is DICOM.
const SNIFF_BYTES: u64 = 1024;

/// The files of one SeriesInstanceUID.
#[derive(Debug, Clone, PartialEq)]
pub struct DicomSeries {
    /// Headers, sorted by path.
    pub slices: Vec<Arc<SliceHeader>>,
}

/// One volume of a series, or a part of it that makes none.
#[derive(Debug, Clone, PartialEq)]
pub struct DicomVolume {
    /// Its frames and the verdict on them.
    pub stack: Stack,
    /// Number among the series's stacks, from 0.
    pub number: usize,
    /// Number of stacks of the series.
    pub of: usize,
    /// What to hand to [`crate::ingest::read_series`].
    pub source: SeriesSource,
}

impl DicomSeries {
    /// The series's stacks, the largest first.
    pub fn volumes(&self) -> Vec<DicomVolume> {
        let stacks = stacks(&self.slices);
        let of = stacks.len();
        let every = || self.slices.iter().map(|slice| slice.path.clone()).collect();
        stacks
            .into_iter()
            .enumerate()
            .map(|(number, stack)| {
                let source = if of == 1 {
                    SeriesSource::Dicom(every())
                } else {
                    SeriesSource::DicomStack { files: every(), stack: number }
                };
                DicomVolume { stack, number, of, source }
            })
            .collect()
    }
}

/// Whether the file, which may lie in a zip archive, looks like a DICOM file, with or without
/// preamble.
pub fn is_dicom(path: &Path) -> bool {
    let start = if archive_of(path).is_some() {
        Files::new(std::iter::once(path)).start(path, SNIFF_BYTES).map(|(bytes, _)| bytes)
    } else {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(SNIFF_BYTES).read_to_end(&mut bytes))
            .map(|_| bytes)
    };
    start.is_ok_and(|start| looks_like_dicom(&start))
}

/// The DICOM files among `files`, in their order.
pub fn dicom_files(files: &[PathBuf]) -> Vec<PathBuf> {
    let reader = Files::new(files.iter().map(PathBuf::as_path));
    files
        .par_iter()
        .filter(|path| {
            reader.start(path, SNIFF_BYTES).is_ok_and(|(start, _)| looks_like_dicom(&start))
        })
        .cloned()
        .collect()
}

/// Sorts files into series by SeriesInstanceUID; where it is missing, by folder. Files that are not
/// readable DICOM come back with their error; directories (DICOMDIR, under whatever name) are passed
/// over.
pub fn group(files: &[PathBuf]) -> (BTreeMap<String, DicomSeries>, Vec<(PathBuf, IngestError)>) {
    group_from(&Files::new(files.iter().map(PathBuf::as_path)), files)
}

/// As [`group`], by a reader that goes on to read the pixels.
pub(crate) fn group_from(
    reader: &Files<'_>,
    files: &[PathBuf],
) -> (BTreeMap<String, DicomSeries>, Vec<(PathBuf, IngestError)>) {
    let mut files: Vec<_> = files.to_vec();
    files.sort_unstable();
    files.dedup();
    let headers: Vec<Result<SliceHeader, IngestError>> =
        files.par_iter().map(|path| SliceHeader::read_from(reader, path)).collect();
    let mut series: BTreeMap<String, DicomSeries> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (path, header) in files.into_iter().zip(headers) {
        match header {
            Ok(header) if header.is_directory => {}
            Ok(header) => {
                let key = if header.series_uid.is_empty() {
                    let folder = path.parent().unwrap_or(&path);
                    format!("no SeriesInstanceUID in {}", folder.to_string_lossy())
                } else {
                    header.series_uid.clone()
                };
                series
                    .entry(key)
                    .or_insert_with(|| DicomSeries { slices: Vec::new() })
                    .slices
                    .push(Arc::new(header));
            }
            Err(error) => unreadable.push((path, error)),
        }
    }
    (series, unreadable)
}
