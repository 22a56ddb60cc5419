//! Bytes of files, wherever they lie.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::held::{Held, unpacked};
use super::index::Archive;
use super::kind::{archive_of, is_packed_single};
use crate::ingest::once::ReadOnce;
use crate::ingest::sums::SourceSums;

/// Reads files and entries; an archive's directory is read once.
#[derive(Default)]
pub(crate) struct Files<'s> {
    archives: BTreeMap<PathBuf, io::Result<Archive>>,
    held: Held,
    once: Option<ReadOnce<'s>>,
}

impl<'s> Files<'s> {
    /// Prepares to read `paths`.
    pub(crate) fn new<'a>(paths: impl Iterator<Item = &'a Path>) -> Self {
        let mut files = Self::default();
        let mut last: Option<PathBuf> = None;
        for path in paths {
            if last.as_ref().is_some_and(|last| path.starts_with(last)) {
                continue;
            }
            if let Some(archive) = archive_of(path) {
                last = Some(archive.to_owned());
                if !files.archives.contains_key(archive) {
                    let opened = Archive::open(archive, &files.held);
                    files.archives.insert(archive.to_owned(), opened);
                }
            }
        }
        files
    }

    /// Reads each byte of a plain file once; the sums of the files go to `sums`.
    pub(crate) fn with_sums(mut self, sums: Option<&'s SourceSums>) -> Self {
        self.once = sums.map(ReadOnce::new);
        self
    }

    fn archive(&self, path: &Path) -> Option<&io::Result<Archive>> {
        if self.archives.is_empty() {
            return None;
        }
        path.ancestors().skip(1).find_map(|ancestor| self.archives.get(ancestor))
    }

    /// Whether the bytes of `path` lie in a plain file, so that parts of it can be read.
    pub(crate) fn is_plain(&self, path: &Path) -> bool {
        self.archive(path).is_none() && !is_packed_single(path)
    }

    /// The first `limit` bytes of a file and its whole length.
    pub(crate) fn start(&self, path: &Path, limit: u64) -> io::Result<(Vec<u8>, u64)> {
        let mut bytes = Vec::new();
        let Some(archive) = self.archive(path) else {
            if is_packed_single(path) {
                let mut content = unpacked(File::open(path)?)?;
                content.by_ref().take(limit).read_to_end(&mut bytes)?;
                let rest = io::copy(&mut content, &mut io::sink())?;
                let length = bytes.len() as u64 + rest;
                return Ok((bytes, length));
            }
            if let Some(once) = &self.once {
                return once.start(path, limit);
            }
            let file = File::open(path)?;
            let length = file.metadata()?.len();
            bytes.reserve_exact(limit.min(length) as usize);
            file.take(limit).read_to_end(&mut bytes)?;
            return Ok((bytes, length));
        };
        let archive = archive.as_ref().map_err(same_error)?;
        archive.read(path, limit, &self.held, None)
    }

    /// Fills `buffer` from the byte `offset` of a plain file.
    pub(crate) fn fill(&self, path: &Path, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if let Some(once) = &self.once {
            return once.fill(path, offset, buffer);
        }
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(buffer)
    }

    /// Ends a file of which `parts` were read by [`Files::fill`], in their order.
    pub(crate) fn finish<'p>(&self, path: &Path, parts: impl Iterator<Item = (u64, &'p [u8])>) {
        if let Some(once) = &self.once {
            once.finish(path, parts);
        }
    }
}

fn same_error(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), format!("the archive is damaged: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;

    use super::super::{is_archive, list_archive};
    use super::*;

    #[test]
    fn entries_are_read_through_paths_and_no_further_than_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("study.ZIP");
        let mut writer = zip::ZipWriter::new(File::create(&path).expect("a file"));
        for (name, text) in [("b/two", "second"), ("./a/one", "first"), ("../out", "never")] {
            writer.start_file(name, SimpleFileOptions::default()).expect("starts");
            writer.write_all(text.as_bytes()).expect("writes");
        }
        writer.finish().expect("finishes");
        assert!(is_archive(&path));
        let entries = list_archive(&path).expect("lists").entries;
        assert_eq!(entries, [path.join("a/one"), path.join("b/two")]);
        let files = Files::new(entries.iter().map(PathBuf::as_path));
        assert_eq!(files.start(&entries[0], 3).expect("reads"), (b"fir".to_vec(), 5));
        assert_eq!(files.start(&entries[1], 100).expect("reads"), (b"second".to_vec(), 6));
        assert!(files.start(&path.join("a/two"), 100).is_err());
    }
}
