//! Plain files that are read in steps, each byte once.
//!
//! A DICOM file is read twice over: its header decides where its pixels go, and only when the headers of a whole series
//! are known are pixels read. What was read for the header is kept, so that the second step goes on where the first
//! ended, and so does the sum of the file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sums::{RunningSum, SourceSums};

/// Files that were begun, and the sums of those that ended.
pub(crate) struct ReadOnce<'s> {
    sums: &'s SourceSums,
    begun: Mutex<BTreeMap<PathBuf, Begun<'s>>>,
}

/// A file of which the first bytes were read.
struct Begun<'s> {
    start: Arc<Vec<u8>>,
    /// Length of the whole file.
    length: u64,
    sum: RunningSum<'s>,
}

impl<'s> ReadOnce<'s> {
    pub(crate) fn new(sums: &'s SourceSums) -> Self {
        Self { sums, begun: Mutex::default() }
    }

    fn begun(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Begun<'s>>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first `limit` bytes of a file and its whole length.
    pub(crate) fn start(&self, path: &Path, limit: u64) -> io::Result<(Vec<u8>, u64)> {
        let known = self.begun().remove(path);
        let mut begun = match known {
            Some(begun) => begun,
            None => Begun {
                start: Arc::default(),
                length: std::fs::metadata(path)?.len(),
                sum: RunningSum::new(self.sums),
            },
        };
        let known = begun.start.len() as u64;
        let wanted = limit.min(begun.length);
        if wanted > known {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(known))?;
            let start = Arc::make_mut(&mut begun.start);
            start.reserve_exact((wanted - known) as usize);
            file.take(wanted - known).read_to_end(start)?;
            begun.sum.take(known, &start[known as usize..])?;
        }
        let start = &begun.start[..begun.start.len().min(limit as usize)];
        let answer = (start.to_vec(), begun.length);
        self.begun().insert(path.to_owned(), begun);
        Ok(answer)
    }

    /// Fills `buffer` from the byte `offset` on.
    pub(crate) fn fill(&self, path: &Path, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = self.begun().get(path).map(|begun| Arc::clone(&begun.start));
        let start = start.unwrap_or_default();
        let mut known = start.get(offset as usize..).unwrap_or_default();
        let count = known.read(buffer)?;
        let rest = &mut buffer[count..];
        if rest.is_empty() {
            return Ok(());
        }
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset + count as u64))?;
        file.read_exact(rest)?;
        self.sums.count(rest.len() as u64);
        Ok(())
    }

    /// Ends a file: `parts`, each with its place in the file and in their order, were read by [`ReadOnce::fill`]; what
    /// lies between and after them is read here. Where that fails, the sum is missing, and whoever needs it meets the
    /// error.
    pub(crate) fn finish<'p>(&self, path: &Path, parts: impl Iterator<Item = (u64, &'p [u8])>) {
        let Some(begun) = self.begun().remove(path) else { return };
        let Begun { mut sum, length, .. } = begun;
        let mut file: Option<File> = None;
        let mut read_to = |sum: &mut RunningSum<'_>, end: u64| -> io::Result<()> {
            if sum.hashed() >= end {
                return Ok(());
            }
            let file = match &mut file {
                Some(file) => file,
                None => file.insert(File::open(path)?),
            };
            sum.read_to(file, end)
        };
        let take = || -> io::Result<()> {
            for (position, bytes) in parts {
                read_to(&mut sum, position)?;
                sum.hash(position, bytes)?;
            }
            read_to(&mut sum, length)
        };
        if take().is_ok() {
            sum.finish(path);
        }
    }
}

/// Ends every file that was begun, so that a series that is refused is read once too.
impl Drop for ReadOnce<'_> {
    fn drop(&mut self) {
        let paths: Vec<PathBuf> = self.begun().keys().cloned().collect();
        for path in paths {
            self.finish(&path, std::iter::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{sha256_file, write_atomically};

    #[test]
    fn steps_and_gaps_read_every_byte_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let content: Vec<u8> = (0..300_000_u32).map(|at| ((at * 7919) >> 8) as u8).collect();
        write_atomically(&path, &content).expect("writes");
        let expected = sha256_file(&path).expect("reads");
        // Header steps, and where frames of 50,000 bytes lie that are asked for in any order.
        let cases: [(&[u64], &[usize]); 5] = [
            (&[65_536], &[]),
            (&[1000, 65_536], &[40_000, 120_000, 250_000]),
            (&[65_536], &[65_536, 115_536]),
            (&[10, 1 << 30], &[70_000]),
            (&[65_536], &[200_000, 100_000]),
        ];
        for (steps, frames) in cases {
            let sums = SourceSums::default();
            let once = ReadOnce::new(&sums);
            for &limit in steps {
                let (bytes, length) = once.start(&path, limit).expect("reads");
                assert_eq!(length, 300_000);
                assert!(bytes == content[..limit.min(length) as usize]);
            }
            assert!(once.fill(&path, 299_000, &mut [0; 2000]).is_err(), "past the end");
            let mut parts: Vec<(u64, Vec<u8>)> = Vec::new();
            for &offset in frames {
                let mut buffer = vec![0; 50_000];
                once.fill(&path, offset as u64, &mut buffer).expect("reads");
                assert!(buffer == content[offset..offset + 50_000]);
                parts.push((offset as u64, buffer));
            }
            parts.sort_unstable();
            once.finish(&path, parts.iter().map(|(offset, bytes)| (*offset, &bytes[..])));
            drop(once);
            assert_eq!(sums.bytes_read(), 300_000, "{steps:?} {frames:?}");
            let sum = sums.sum(&path).expect("is known");
            assert_eq!((sum.sha256, sum.bytes), expected, "{steps:?} {frames:?}");
            assert_eq!(sums.bytes_read(), 300_000, "the sum was known");
        }
    }
}
