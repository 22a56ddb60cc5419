//! An archive with its entries, and those of the archives inside it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use schemas::reason::Reason;
use zip::ZipArchive;

use super::held::{Held, MAX_HELD_BYTES, too_large, unpack};
use super::kind::{Kind, is_archive, kind_of};
use crate::ingest::error::IngestError;

/// Archives inside archives beyond this depth are not entered.
const MAX_DEPTH: usize = 2;

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
pub(super) struct Archive {
    body: Body,
    path: PathBuf,
    places: BTreeMap<PathBuf, Place>,
    inner: BTreeMap<PathBuf, Archive>,
    refused: Vec<(PathBuf, IngestError)>,
}

impl Archive {
    pub(super) fn open(path: &Path, held: &Held) -> io::Result<Self> {
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
        for (count, entry) in tar.entries_with_seek()?.enumerate() {
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
            let kind = entry.header().entry_type();
            let name = entry.path()?.into_owned();
            let escapes = name.is_absolute()
                || name.components().any(|part| matches!(part, Component::ParentDir));
            let path = self.path.join(
                name.components()
                    .filter(|part| matches!(part, Component::Normal(_)))
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
        match self.places.entry(path) {
            Entry::Vacant(vacant) => {
                vacant.insert(place);
            }
            Entry::Occupied(earlier) => {
                let path = earlier.key().clone();
                let problem = "has the name of an earlier entry of the archive";
                self.refuse(path, Reason::VolumeUnsupported, problem);
            }
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

    pub(super) fn list(&self, listing: &mut ArchiveListing) {
        let files = self.places.keys().filter(|path| !self.inner.contains_key(*path));
        listing.entries.extend(files.cloned());
        listing.refused.extend(self.refused.iter().cloned());
        for inner in self.inner.values() {
            inner.list(listing);
        }
    }

    /// The first `limit` bytes of an entry of this archive or of one inside it, and the entry's length.
    pub(super) fn read(
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
