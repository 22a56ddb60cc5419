//! Bytes of files, also of files inside a zip archive.
//!
//! A file inside an archive is named by a path through it: `study.zip/series/1.dcm`. Nothing is
//! unpacked to disk, and what an entry inflates to is capped.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::once::ReadOnce;
use super::sums::SourceSums;

fn is_archive_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
}

/// Whether `path` is a zip archive, by name and first bytes.
pub(crate) fn is_archive(path: &Path) -> bool {
    let mut magic = [0_u8; 4];
    is_archive_name(path)
        && File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok()
        && magic.starts_with(b"PK")
}

/// The archive that `path` leads through, where it does; a plain file leads through none.
pub(crate) fn archive_of(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find(|ancestor| is_archive_name(ancestor) && ancestor.is_file())
}

/// The files inside an archive as paths through it, sorted. Encrypted entries and names that point
/// out of the archive are left out.
pub(crate) fn archive_entries(archive: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(Archive::open(archive)?.entries.into_keys().collect())
}

/// A file that is opened when it is first read, so that a clone is a handle of its own.
#[derive(Debug)]
struct LazyFile {
    path: PathBuf,
    file: Option<File>,
}

impl LazyFile {
    fn open(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            self.file = Some(File::open(&self.path)?);
        }
        self.file.as_mut().ok_or_else(|| io::Error::other("the file was opened just now"))
    }
}

impl Clone for LazyFile {
    fn clone(&self) -> Self {
        Self { path: self.path.clone(), file: None }
    }
}

impl Read for LazyFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.open()?.read(buffer)
    }
}

impl Seek for LazyFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.open()?.seek(position)
    }
}

/// An archive with its entries by the path they are named by here.
#[derive(Debug)]
struct Archive {
    zip: ZipArchive<LazyFile>,
    entries: BTreeMap<PathBuf, usize>,
}

impl Archive {
    fn open(path: &Path) -> io::Result<Self> {
        let mut zip = ZipArchive::new(LazyFile { path: path.to_owned(), file: None })?;
        let mut entries = BTreeMap::new();
        for index in 0..zip.len() {
            let entry = zip.by_index_raw(index)?;
            if let Some(name) = entry.enclosed_name()
                && entry.is_file()
                && !entry.encrypted()
            {
                entries.entry(path.join(name)).or_insert(index);
            }
        }
        Ok(Self { zip, entries })
    }
}

/// Reads files and entries; an archive's directory is read once.
#[derive(Default)]
pub(crate) struct Files<'s> {
    archives: BTreeMap<PathBuf, Option<Archive>>,
    once: Option<ReadOnce<'s>>,
}

impl<'s> Files<'s> {
    /// Prepares to read `paths`.
    pub(crate) fn new<'a>(paths: impl Iterator<Item = &'a Path>) -> Self {
        let mut archives = BTreeMap::new();
        let mut last: Option<PathBuf> = None;
        for path in paths {
            if last.as_ref().is_some_and(|last| path.starts_with(last)) {
                continue;
            }
            if let Some(archive) = archive_of(path) {
                last = Some(archive.to_owned());
                archives.entry(archive.to_owned()).or_insert_with(|| Archive::open(archive).ok());
            }
        }
        Self { archives, once: None }
    }

    /// Reads each byte of a plain file once; the sums of the files go to `sums`.
    pub(crate) fn with_sums(mut self, sums: Option<&'s SourceSums>) -> Self {
        self.once = sums.map(ReadOnce::new);
        self
    }

    fn archive(&self, path: &Path) -> Option<&Option<Archive>> {
        if self.archives.is_empty() {
            return None;
        }
        path.ancestors().skip(1).find_map(|ancestor| self.archives.get(ancestor))
    }

    /// Whether the bytes of `path` lie in a plain file, so that parts of it can be read.
    pub(crate) fn is_plain(&self, path: &Path) -> bool {
        self.archive(path).is_none()
    }

    /// The first `limit` bytes of a file and its whole length.
    pub(crate) fn start(&self, path: &Path, limit: u64) -> io::Result<(Vec<u8>, u64)> {
        let mut bytes = Vec::new();
        let Some(archive) = self.archive(path) else {
            if let Some(once) = &self.once {
                return once.start(path, limit);
            }
            let file = File::open(path)?;
            let length = file.metadata()?.len();
            bytes.reserve_exact(limit.min(length) as usize);
            file.take(limit).read_to_end(&mut bytes)?;
            return Ok((bytes, length));
        };
        let archive =
            archive.as_ref().ok_or_else(|| io::Error::other("the zip archive is damaged"))?;
        let index = archive.entries.get(path).ok_or(io::ErrorKind::NotFound)?;
        let mut zip = archive.zip.clone();
        let entry = zip.by_index(*index)?;
        let length = entry.size();
        entry.take(limit).read_to_end(&mut bytes)?;
        Ok((bytes, length))
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;

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
        let entries = archive_entries(&path).expect("lists");
        assert_eq!(entries, [path.join("a/one"), path.join("b/two")]);
        let files = Files::new(entries.iter().map(PathBuf::as_path));
        assert_eq!(files.start(&entries[0], 3).expect("reads"), (b"fir".to_vec(), 5));
        assert_eq!(files.start(&entries[1], 100).expect("reads"), (b"second".to_vec(), 6));
        assert!(files.start(&path.join("a/two"), 100).is_err());
    }
}
