//! The output folder of a run: `release` once it is sealed, `release.building` until then, `work` for what lets a
//! run go on, `earlier` for releases that a later one took the place of.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use schemas::manifest::Manifest;
use serde::{Deserialize, Serialize};

use super::error::CurateError;
use crate::files::write_atomically;
use crate::release::Contents;

/// Characters of a release's identity in the name of its folder below `earlier`.
const NAME_CHARACTERS: usize = 12;

/// The output folder, held for this process.
pub(super) struct Output {
    root: PathBuf,
    /// The system lets go of the lock when the process ends.
    _lock: File,
}

/// What is kept beside the release so that a second run knows that there is nothing to do.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    release_id: String,
    /// Hash of everything that the release was made from.
    fingerprint: String,
}

impl Output {
    /// Opens or makes the folder at `root`.
    ///
    /// # Errors
    ///
    /// [`CurateError::Busy`] where another process holds it.
    pub(super) fn open(root: &Path) -> Result<Self, CurateError> {
        let io_error = |source| CurateError::Io { path: root.to_owned(), source };
        fs::create_dir_all(root.join("work/units")).map_err(io_error)?;
        let path = root.join("work/lock");
        let file = File::options().create(true).append(true).open(path).map_err(io_error)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { root: root.to_owned(), _lock: file }),
            Err(fs::TryLockError::WouldBlock) => Err(CurateError::Busy { path: root.to_owned() }),
            Err(fs::TryLockError::Error(source)) => Err(io_error(source)),
        }
    }

    /// The sealed release.
    pub(super) fn release(&self) -> PathBuf {
        self.root.join("release")
    }

    /// The release while it is made.
    pub(super) fn building(&self) -> PathBuf {
        self.root.join("release.building")
    }

    /// The committed outcome of a unit.
    pub(super) fn outcome(&self, unit: &str) -> PathBuf {
        self.root.join(format!("work/units/{unit}.msgpack"))
    }

    /// The release that is there, where one is.
    ///
    /// # Errors
    ///
    /// [`CurateError::Occupied`] where it is of a manifest of another name, [`CurateError::Release`] where it cannot be
    /// read.
    pub(super) fn sealed(&self, manifest: &Manifest) -> Result<Option<Contents>, CurateError> {
        let path = self.release();
        if !path.try_exists().map_err(|source| self.io_error(source))? {
            return Ok(None);
        }
        let contents = Contents::read(&path)?;
        if contents.lock.name == manifest.name {
            return Ok(Some(contents));
        }
        Err(CurateError::Occupied { path, found: contents.lock.name, name: manifest.name.clone() })
    }

    /// Whether `release`, which is there, was made from what has this fingerprint.
    pub(super) fn is_made_from(&self, release: &Contents, fingerprint: &str) -> bool {
        let text = fs::read(self.root.join("work/state.json")).ok();
        let state: Option<State> = text.and_then(|text| serde_json::from_slice(&text).ok());
        state.is_some_and(|state| {
            state.fingerprint == fingerprint && state.release_id == release.release_id
        })
    }

    /// Puts the sealed folder, whose identity is `release_id`, into its place. A release that was there goes to
    /// `earlier`, where it stays until the user removes it; gives the place. One of the same identity stays where it
    /// is.
    pub(super) fn publish(
        &self,
        release_id: &str,
        fingerprint: String,
        earlier: Option<&Contents>,
    ) -> Result<Option<PathBuf>, CurateError> {
        let state = State { release_id: release_id.to_owned(), fingerprint };
        let publish = || -> io::Result<Option<PathBuf>> {
            let text = serde_json::to_vec(&state)?;
            write_atomically(&self.root.join("work/state.json"), &text)?;
            let replaced = match earlier {
                Some(release) if release.release_id == release_id => {
                    fs::remove_dir_all(self.building())?;
                    return Ok(None);
                }
                Some(release) => Some(self.keep(release)?),
                None => None,
            };
            fs::rename(self.building(), self.release())?;
            File::open(&self.root)?.sync_all()?;
            Ok(replaced)
        };
        publish().map_err(|source| self.io_error(source))
    }

    fn keep(&self, release: &Contents) -> io::Result<PathBuf> {
        let folder = self.root.join("earlier");
        fs::create_dir_all(&folder)?;
        let name: String = release.release_id.chars().take(NAME_CHARACTERS).collect();
        let mut path = folder.join(&name);
        let mut number = 2;
        while path.try_exists()? {
            path = folder.join(format!("{name}-{number}"));
            number += 1;
        }
        fs::rename(&release.path, &path)?;
        File::open(&folder)?.sync_all()?;
        Ok(path)
    }

    /// An error of the system below this folder.
    pub(super) fn io_error(&self, source: io::Error) -> CurateError {
        CurateError::Io { path: self.root.clone(), source }
    }
}
