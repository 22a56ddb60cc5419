//! Bytes of files, also of files inside an archive and of files that are packed one by one.
//!
//! A file inside an archive is named by a path through it: `study.zip/series/1.dcm`. Nothing is unpacked to disk, and what
//! an entry inflates to is capped. Zip and tar archives are read where they lie; a packed tar, and an archive inside another
//! one, are held in memory while they are read, a few at a time.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;
use schemas::reason::Reason;
use zip::ZipArchive;

use super::error::IngestError;
use super::once::ReadOnce;
use super::sums::SourceSums;

/// Largest archive that is held in memory, unpacked.
const MAX_HELD_BYTES: u64 = 2 << 30;
/// Archives inside archives beyond this depth are not entered.
const MAX_DEPTH: usize = 2;
/// First bytes of a gzip stream and of a Zstandard frame.
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];
pub(crate) const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// How an archive is written, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zip,
    Tar,
    PackedTar,
}

fn kind_of(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends(&[".zip"]) {
        Some(Kind::Zip)
    } else if ends(&[".tar"]) {
        Some(Kind::Tar)
    } else if ends(&[".tar.gz", ".tgz", ".tar.zst", ".tzst"]) {
        Some(Kind::PackedTar)
    } else {
        None
    }
}

/// Whether `path` is an archive, by its name.
pub(crate) fn is_archive(path: &Path) -> bool {
    kind_of(path).is_some()
}

/// Whether `path` names one file that is packed by itself, other than a NIfTI image, which its reader unpacks.
fn is_packed_single(path: &Path) -> bool {
    let Some(name) = path.file_name() else { return false };
    let name = name.to_string_lossy().to_ascii_lowercase();
    let Some(stem) = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")) else {
        return false;
    };
    ![".nii", ".img", ".hdr", ".tar"].iter().any(|ending| stem.ends_with(ending))
}

/// The archive on disk that `path` leads through, where it does; a plain file leads through none.
pub fn archive_of(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find(|ancestor| is_archive(ancestor) && ancestor.is_file())
}

/// What an archive holds.
#[derive(Debug, Default)]
pub(crate) struct ArchiveListing {
    /// The files inside it as paths through it, sorted.
    pub(crate) entries: Vec<PathBuf>,
    /// What in it is not read, and why.
    pub(crate) refused: Vec<(PathBuf, IngestError)>,
}

/// The files inside an archive and inside the archives in it.
///
/// # Errors
///
/// The system's, or [`io::ErrorKind::InvalidData`] where the archive is damaged.
pub(crate) fn list_archive(archive: &Path) -> io::Result<ArchiveListing> {
    let held = Held::default();
    let archive = Archive::open(archive, &held)?;
    let mut listing = ArchiveListing::default();
    archive.list(&mut listing);
    listing.entries.sort_unstable();
    listing.refused.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(listing)
}

/// A file that is opened when it is first read, so that a clone is a handle of its own.
#[derive(Debug)]
struct LazyFile {
    path: PathBuf,
    file: Option<File>,
}

impl LazyFile {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None }
    }

    fn open(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            self.file = Some(File::open(&self.path)?);
        }
        self.file.as_mut().ok_or_else(|| io::Error::other("the file was opened just now"))
    }
}

impl Clone for LazyFile {
    fn clone(&self) -> Self {
        Self::new(&self.path)
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

/// Archives that are held in memory, the last ones that were asked for.
#[derive(Debug, Default)]
struct Held(Mutex<VecDeque<(PathBuf, Arc<[u8]>)>>);

impl Held {
    fn get(
        &self,
        path: &Path,
        load: impl FnOnce() -> io::Result<Vec<u8>>,
    ) -> io::Result<Arc<[u8]>> {
        let held = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = held().iter().find(|(held, _)| held == path) {
            return Ok(Arc::clone(bytes));
        }
        let bytes: Arc<[u8]> = load()?.into();
        let mut all = held();
        all.push_back((path.to_owned(), Arc::clone(&bytes)));
        if all.len() > rayon::current_num_threads() + 1 {
            all.pop_front();
        }
        Ok(bytes)
    }
}

/// Where the bytes of an archive are.
#[derive(Debug)]
enum Body {
    Zip(ZipArchive<LazyFile>),
    Tar(PathBuf),
    /// Held in memory while it is read: a packed tar.
    PackedTar,
    /// An entry of another archive, held in memory while it is read.
    Inside(Kind),
}

/// Where an entry lies in its archive.
#[derive(Debug, Clone, Copy)]
enum Place {
    Zip(usize),
    Span { offset: u64, bytes: u64 },
}

/// An archive with its entries by the path they are named by here.
#[derive(Debug)]
struct Archive {
    body: Body,
    path: PathBuf,
    places: BTreeMap<PathBuf, Place>,
    inner: BTreeMap<PathBuf, Archive>,
    refused: Vec<(PathBuf, IngestError)>,
}

impl Archive {
    fn open(path: &Path, held: &Held) -> io::Result<Self> {
        let kind = kind_of(path).ok_or(io::ErrorKind::InvalidInput)?;
        let mut archive = match kind {
            Kind::Zip => {
                let mut zip = ZipArchive::new(LazyFile::new(path))?;
                let mut archive = Self::new(path, Body::Zip(zip.clone()));
                archive.index_zip(&mut zip)?;
                archive
            }
            Kind::Tar => {
                let mut archive = Self::new(path, Body::Tar(path.to_owned()));
                archive.index_tar(File::open(path)?)?;
                archive
            }
            Kind::PackedTar => {
                let bytes = held.get(path, || unpack(File::open(path)?))?;
                let mut archive = Self::new(path, Body::PackedTar);
                archive.index_tar(Cursor::new(bytes))?;
                archive
            }
        };
        archive.enter(held, MAX_DEPTH - 1);
        Ok(archive)
    }

    fn new(path: &Path, body: Body) -> Self {
        let (places, inner) = (BTreeMap::new(), BTreeMap::new());
        Self { body, path: path.to_owned(), places, inner, refused: Vec::new() }
    }

    fn refuse(&mut self, path: PathBuf, reason: Reason, detail: &str) {
        self.refused.push((path, IngestError::new(reason, detail)));
    }

    fn index_zip<R: Read + Seek>(&mut self, zip: &mut ZipArchive<R>) -> io::Result<()> {
        for index in 0..zip.len() {
            let entry = zip.by_index_raw(index)?;
            if entry.is_dir() {
                continue;
            }
            let (name, encrypted) = (entry.enclosed_name(), entry.encrypted());
            let shown = self.path.join(name.as_deref().unwrap_or(Path::new(entry.name())));
            drop(entry);
            if name.is_none() {
                let shown = self.path.clone();
                self.refuse(
                    shown,
                    Reason::VolumeUnsupported,
                    "the name of an entry leads out of the archive",
                );
            } else if encrypted {
                let problem = "is encrypted: decrypt the archive first";
                self.refuse(shown, Reason::VolumeUnsupported, problem);
            } else {
                self.place(shown, Place::Zip(index));
            }
        }
        Ok(())
    }

    fn index_tar<R: Read + Seek>(&mut self, mut body: R) -> io::Result<()> {
        let length = body.seek(SeekFrom::End(0))?;
        body.seek(SeekFrom::Start(0))?;
        let mut tar = tar::Archive::new(body);
        let mut count = 0;
        for entry in tar.entries_with_seek()? {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if count == 0 => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
                Err(error) => {
                    let problem = format!("is damaged after {count} entries: {error}");
                    self.refuse(self.path.clone(), Reason::VolumeTruncated, &problem);
                    break;
                }
            };
            count += 1;
            let kind = entry.header().entry_type();
            let name = entry.path()?.into_owned();
            let escapes = name.is_absolute()
                || name.components().any(|part| matches!(part, std::path::Component::ParentDir));
            let path = self.path.join(
                name.components()
                    .filter(|part| matches!(part, std::path::Component::Normal(_)))
                    .collect::<PathBuf>(),
            );
            let (offset, bytes) = (entry.raw_file_position(), entry.size());
            if kind.is_dir() || kind.is_pax_global_extensions() {
                continue;
            }
            if escapes {
                self.refuse(path, Reason::VolumeUnsupported, "the name leads out of the archive");
            } else if !kind.is_file() {
                self.refuse(
                    path,
                    Reason::VolumeUnsupported,
                    "is a link or a special file inside an archive",
                );
            } else if offset.saturating_add(bytes) > length {
                self.refuse(path, Reason::VolumeTruncated, "the archive ends inside this entry");
            } else {
                self.place(path, Place::Span { offset, bytes });
            }
        }
        Ok(())
    }

    fn place(&mut self, path: PathBuf, place: Place) {
        if self.places.contains_key(&path) {
            self.refuse(
                path,
                Reason::VolumeUnsupported,
                "has the name of an earlier entry of the archive",
            );
        } else {
            self.places.insert(path, place);
        }
    }

    /// Opens the archives inside this one.
    fn enter(&mut self, held: &Held, depth: usize) {
        let found: Vec<PathBuf> =
            self.places.keys().filter(|path| is_archive(path)).cloned().collect();
        for path in found {
            if depth == 0 {
                self.places.remove(&path);
                let problem =
                    format!("lies in an archive inside {MAX_DEPTH} others: unpack it first");
                self.refuse(path, Reason::VolumeUnsupported, &problem);
                continue;
            }
            match self.open_inside(&path, held) {
                Ok(mut archive) => {
                    archive.enter(held, depth - 1);
                    self.inner.insert(path, archive);
                }
                Err(error) => {
                    self.places.remove(&path);
                    self.refuse(
                        path,
                        Reason::VolumeCorrupt,
                        &format!("is a damaged archive: {error}"),
                    );
                }
            }
        }
    }

    fn open_inside(&self, path: &Path, held: &Held) -> io::Result<Self> {
        let kind = kind_of(path).ok_or(io::ErrorKind::InvalidInput)?;
        let bytes = held.get(path, || self.inside(path, kind, held))?;
        let mut archive = Self::new(path, Body::Inside(kind));
        match kind {
            Kind::Zip => archive.index_zip(&mut ZipArchive::new(Cursor::new(bytes))?)?,
            Kind::Tar | Kind::PackedTar => archive.index_tar(Cursor::new(bytes))?,
        }
        Ok(archive)
    }

    /// The bytes of an archive that is an entry of this one, unpacked.
    fn inside(&self, path: &Path, kind: Kind, held: &Held) -> io::Result<Vec<u8>> {
        let place = self.places.get(path).ok_or(io::ErrorKind::NotFound)?;
        let (bytes, length) = self.read_place(*place, MAX_HELD_BYTES, held, None)?;
        if length > MAX_HELD_BYTES {
            return Err(too_large());
        }
        if kind == Kind::PackedTar { unpack(Cursor::new(bytes)) } else { Ok(bytes) }
    }

    fn list(&self, listing: &mut ArchiveListing) {
        let files = self.places.keys().filter(|path| !self.inner.contains_key(*path));
        listing.entries.extend(files.cloned());
        listing.refused.extend(self.refused.iter().cloned());
        for inner in self.inner.values() {
            inner.list(listing);
        }
    }

    /// The first `limit` bytes of an entry of this archive or of one inside it, and the entry's length.
    fn read(
        &self,
        path: &Path,
        limit: u64,
        held: &Held,
        outer: Option<&Self>,
    ) -> io::Result<(Vec<u8>, u64)> {
        if let Some((_, inner)) =
            self.inner.iter().find(|(inner, _)| path != *inner && path.starts_with(inner))
        {
            return inner.read(path, limit, held, Some(self));
        }
        let place = self.places.get(path).ok_or(io::ErrorKind::NotFound)?;
        self.read_place(*place, limit, held, outer)
    }

    fn read_place(
        &self,
        place: Place,
        limit: u64,
        held: &Held,
        outer: Option<&Self>,
    ) -> io::Result<(Vec<u8>, u64)> {
        match (&self.body, place) {
            (Body::Zip(zip), Place::Zip(index)) => read_zip(zip.clone(), index, limit),
            (Body::Tar(path), Place::Span { offset, bytes }) => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(offset))?;
                let mut content = Vec::new();
                file.take(bytes.min(limit)).read_to_end(&mut content)?;
                Ok((content, bytes))
            }
            (body, place) => {
                let all = held.get(&self.path, || match body {
                    Body::Inside(kind) => {
                        let outer = outer.ok_or(io::ErrorKind::NotFound)?;
                        outer.inside(&self.path, *kind, held)
                    }
                    _ => unpack(File::open(&self.path)?),
                })?;
                match place {
                    Place::Zip(index) => read_zip(ZipArchive::new(Cursor::new(all))?, index, limit),
                    Place::Span { offset, bytes } => {
                        let end = offset.saturating_add(bytes.min(limit)) as usize;
                        let content = all.get(offset as usize..end);
                        Ok((content.ok_or(io::ErrorKind::UnexpectedEof)?.to_vec(), bytes))
                    }
                }
            }
        }
    }
}

fn read_zip<R: Read + Seek>(
    mut zip: ZipArchive<R>,
    index: usize,
    limit: u64,
) -> io::Result<(Vec<u8>, u64)> {
    let mut bytes = Vec::new();
    let entry = zip.by_index(index)?;
    let length = entry.size();
    // The sum of an entry is compared when the byte after its last is asked for.
    entry.take(limit.saturating_add(u64::from(limit >= length))).read_to_end(&mut bytes)?;
    Ok((bytes, length))
}

fn too_large() -> io::Error {
    let problem = format!("it takes more than {MAX_HELD_BYTES} bytes unpacked: unpack it first");
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// A reader of what a gzip or Zstandard stream holds, told by its first bytes; of anything else as it is.
pub(crate) fn unpacked<'r>(mut packed: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    let mut start = Vec::new();
    packed.by_ref().take(ZSTD.len() as u64).read_to_end(&mut start)?;
    let (is_gzip, is_zstd) = (start.starts_with(&GZIP), start.starts_with(&ZSTD));
    let all = Cursor::new(start).chain(packed);
    Ok(if is_gzip {
        Box::new(MultiGzDecoder::new(all))
    } else if is_zstd {
        Box::new(zstd::stream::Decoder::new(all)?)
    } else {
        Box::new(all)
    })
}

/// All that a packed archive holds.
fn unpack(packed: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    unpacked(packed)?.take(MAX_HELD_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_HELD_BYTES { Err(too_large()) } else { Ok(bytes) }
}

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
