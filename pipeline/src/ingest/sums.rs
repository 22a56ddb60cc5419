//! Sums of sources, taken while the sources are read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Sink, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use schemas::lock::SourceObject;

use crate::files::{HashingWriter, sha256_file};

/// Bytes read at a time where only the sum needs them.
const CHUNK_BYTES: u64 = 1 << 16;

/// SHA-256 and size of the files of one series. Readers that are given one hash what they read on the way, so that no
/// file is read a second time for its sum.
#[derive(Debug, Default)]
pub struct SourceSums {
    sums: Mutex<BTreeMap<PathBuf, SourceObject>>,
    bytes_read: AtomicU64,
}

impl SourceSums {
    /// The sum of the file at `path`. A file that was not read to its end, since it was refused before or lies in an
    /// archive, is read here.
    ///
    /// # Errors
    ///
    /// The I/O error of the system.
    pub fn sum(&self, path: &Path) -> io::Result<SourceObject> {
        let known = self.sums.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        if let Some(sum) = known {
            return Ok(sum);
        }
        let (sha256, bytes) = sha256_file(path)?;
        self.count(bytes);
        Ok(SourceObject { bytes, sha256 })
    }

    /// Bytes that were read from the files.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Counts bytes that were read.
    pub(crate) fn count(&self, bytes: u64) {
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Notes the sum of a file whose bytes all went through `hasher`.
    pub(crate) fn add(&self, path: &Path, hasher: HashingWriter<Sink>) {
        let (_, sha256, bytes) = hasher.finish();
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        sums.insert(path.to_owned(), SourceObject { bytes, sha256 });
    }
}

/// The sum of one file that is read in order, or in order again from its start.
pub(crate) struct RunningSum<'s> {
    sums: &'s SourceSums,
    hasher: HashingWriter<Sink>,
    /// Bytes of the file that were hashed.
    hashed: u64,
}

impl<'s> RunningSum<'s> {
    pub(crate) fn new(sums: &'s SourceSums) -> Self {
        Self { sums, hasher: HashingWriter::new(io::sink()), hashed: 0 }
    }

    pub(crate) fn hashed(&self) -> u64 {
        self.hashed
    }

    /// Takes `bytes`, which were read from the byte `position` of the file on; what was hashed before is passed over.
    pub(crate) fn take(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.sums.count(bytes.len() as u64);
        self.hash(position, bytes)
    }

    /// As [`RunningSum::take`], for bytes that were counted when they were read.
    pub(crate) fn hash(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let known = self.hashed.saturating_sub(position);
        if let Some(new) = bytes.get(known as usize..).filter(|_| position <= self.hashed) {
            self.hasher.write_all(new)?;
            self.hashed += new.len() as u64;
        }
        Ok(())
    }

    /// Reads what of `file` is not hashed yet, up to the byte `end` or the end of the file.
    pub(crate) fn read_to(&mut self, file: &mut File, end: u64) -> io::Result<()> {
        file.seek(SeekFrom::Start(self.hashed))?;
        let mut rest = file.take(end.saturating_sub(self.hashed));
        let mut chunk = Vec::new();
        loop {
            chunk.clear();
            if rest.by_ref().take(CHUNK_BYTES).read_to_end(&mut chunk)? == 0 {
                return Ok(());
            }
            self.take(self.hashed, &chunk)?;
        }
    }

    /// Notes the sum; the whole file was taken.
    pub(crate) fn finish(self, path: &Path) {
        self.sums.add(path, self.hasher);
    }
}
