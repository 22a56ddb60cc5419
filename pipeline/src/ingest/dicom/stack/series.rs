//! Series and their volumes.

use std::path::PathBuf;
use std::sync::Arc;

use super::divide::stacks;
use super::geometry::Stack;
use crate::ingest::dicom::header::SliceHeader;
use crate::ingest::{IngestError, SeriesSource};

/// The files of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct DicomSeries {
    /// SeriesInstanceUID, with a number where several series share it; where there is none, a name made of what the files
    /// hold.
    pub id: String,
    /// Headers, sorted by path.
    pub slices: Vec<Arc<SliceHeader>>,
    /// What is odd about the series as a whole.
    pub notes: Vec<String>,
    /// Which of its files cannot be read, in words.
    pub incomplete: Option<String>,
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

/// DICOM files as series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DicomFiles {
    /// Series, by their names.
    pub series: Vec<DicomSeries>,
    /// Files that are part of no series, with the reason, by path.
    pub unreadable: Vec<(PathBuf, IngestError)>,
    /// Files that hold what another file of the same series holds, with that file.
    pub copies: Vec<(PathBuf, PathBuf)>,
    /// Directories of other files (DICOMDIR), under whatever name.
    pub directories: Vec<PathBuf>,
}

impl DicomSeries {
    /// The series's stacks, the largest first.
    pub fn volumes(&self) -> Vec<DicomVolume> {
        let mut stacks = stacks(&self.slices);
        for stack in &mut stacks {
            if let Some(detail) = &self.incomplete {
                stack.is_incomplete(detail);
            }
            stack.notes.extend(self.notes.iter().cloned());
        }
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
