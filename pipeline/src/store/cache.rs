//! A cache on the local disk that is addressed by content, with a budget in bytes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::error::StoreError;

/// Budget when the environment names none.
const DEFAULT_MIB: u64 = 64 << 10;

/// Files that are named by their content.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    budget: u64,
    /// Bytes of the files, as far as this process knows.
    held: Mutex<u64>,
    next: AtomicU64,
}

/// A file of the cache.
struct Entry {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl Cache {
    /// The cache of this user: `RADLOOM_CACHE`, or a folder of the user's cache, with a budget of `RADLOOM_CACHE_MIB`.
    pub(super) fn of_user() -> Result<Self, StoreError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let folder = if let Some(folder) = variable("RADLOOM_CACHE") {
            PathBuf::from(folder)
        } else {
            let home = || variable("HOME").map(|home| PathBuf::from(home).join(".cache"));
            let cache = variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
            cache.unwrap_or_else(std::env::temp_dir).join("radloom/store")
        };
        let mib = match variable("RADLOOM_CACHE_MIB") {
            Some(value) => value.parse().map_err(|_| StoreError::Setting { value })?,
            None => DEFAULT_MIB,
        };
        Self::new(folder, mib << 20)
    }

    /// A cache in `folder` of at most `budget` bytes.
    pub(super) fn new(folder: PathBuf, budget: u64) -> Result<Self, StoreError> {
        for part in ["tensors", "partial"] {
            let path = folder.join(part);
            fs::create_dir_all(&path).map_err(|source| StoreError::Cache { path, source })?;
        }
        let cache = Self { folder, budget, held: Mutex::default(), next: AtomicU64::new(0) };
        cache.remove_left_over()?;
        let held = cache.entries()?.iter().map(|entry| entry.bytes).sum();
        *cache.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(cache)
    }

    /// A folder of the cache for mirrors, which the budget does not count.
    pub(super) fn mirrors(&self) -> PathBuf {
        self.folder.join("mirrors")
    }

    /// Where the file of this name lies, if it is there.
    pub(super) fn tensor(&self, name: &str) -> PathBuf {
        self.folder.join("tensors").join(name)
    }

    /// The open file of this name, which counts as used now; none where it is not there.
    pub(super) fn open(&self, name: &str) -> Result<Option<File>, StoreError> {
        let path = self.tensor(name);
        match File::open(&path) {
            Ok(file) => {
                // Only the order of eviction depends on it.
                file.set_modified(SystemTime::now()).ok();
                Ok(Some(file))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Cache { path, source }),
        }
    }

    /// Keeps `content` under a name that stands for it, and opens it. What was used least recently makes room.
    pub(super) fn keep(&self, name: &str, content: &[u8]) -> Result<File, StoreError> {
        let needed = content.len() as u64;
        if needed > self.budget {
            let (name, budget) = (name.to_owned(), self.budget);
            return Err(StoreError::Budget { name, needed, budget });
        }
        self.make_room(needed)?;
        self.place(&self.tensor(name), content)
    }

    /// Writes a file under a name of this process and renames it into place, so that no other process sees a part.
    /// Another may put the same bytes there at the same time; either file will do.
    pub(super) fn place(&self, target: &Path, content: &[u8]) -> Result<File, StoreError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let partial = self.folder.join(format!("partial/{}-{number}", process::id()));
        let write = || -> io::Result<File> {
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file =
                File::options().read(true).write(true).create_new(true).open(&partial)?;
            file.write_all(content)?;
            fs::rename(&partial, target)?;
            Ok(file)
        };
        write().map_err(|source| {
            fs::remove_file(&partial).ok();
            StoreError::Cache { path: target.to_owned(), source }
        })
    }

    /// Removes files until `needed` more bytes fit. A file that is mapped stays readable for those who mapped it.
    fn make_room(&self, needed: u64) -> Result<(), StoreError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if *held + needed > self.budget {
            // Other processes add and remove files too.
            let mut entries = self.entries()?;
            *held = entries.iter().map(|entry| entry.bytes).sum();
            entries.sort_by_key(|entry| entry.used);
            for entry in entries {
                if *held + needed <= self.budget {
                    break;
                }
                match fs::remove_file(&entry.path) {
                    Ok(()) => *held -= entry.bytes,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => *held -= entry.bytes,
                    Err(source) => return Err(StoreError::Cache { path: entry.path, source }),
                }
            }
        }
        *held += needed;
        Ok(())
    }

    fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        let folder = self.folder.join("tensors");
        let list = || -> io::Result<Vec<Entry>> {
            let mut entries = Vec::new();
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                // Another process may remove it at any time.
                let Ok(metadata) = fs::metadata(&path) else { continue };
                entries.push(Entry { path, bytes: metadata.len(), used: metadata.modified()? });
            }
            Ok(entries)
        };
        list().map_err(|source| StoreError::Cache { path: folder.clone(), source })
    }

    /// Removes parts that processes left when they were killed.
    fn remove_left_over(&self) -> Result<(), StoreError> {
        let folder = self.folder.join("partial");
        let remove = || -> io::Result<()> {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if !is_of_a_process(&path) {
                    fs::remove_file(&path).ok();
                }
            }
            Ok(())
        };
        remove().map_err(|source| StoreError::Cache { path: folder.clone(), source })
    }
}

/// Whether the process that writes a part still runs. Where that cannot be known, it may.
fn is_of_a_process(partial: &Path) -> bool {
    let name = partial.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let number = name.split('-').next().unwrap_or_default();
    let is_there = |process: &str| Path::new("/proc").join(process).try_exists().unwrap_or(true);
    !is_there("self") || is_there(number)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn names(folder: &Path, part: &str) -> Vec<String> {
        let entries = fs::read_dir(folder.join(part)).expect("lists");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_least_recently_used_makes_room_and_open_files_stay_readable() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path().to_owned(), 25).expect("opens");
        let mut first = cache.keep("a", &[1; 10]).expect("keeps");
        let old = SystemTime::now() - std::time::Duration::from_mins(1);
        first.set_modified(old).expect("sets");
        cache.keep("b", &[2; 10]).expect("keeps").set_modified(old).expect("sets");
        assert!(cache.open("a").expect("opens").is_some(), "used now");
        cache.keep("c", &[3; 10]).expect("keeps");
        assert_eq!(names(folder.path(), "tensors"), ["a", "c"]);
        cache.keep("d", &[4; 25]).expect("keeps");
        assert_eq!(names(folder.path(), "tensors"), ["d"]);
        let mut content = Vec::new();
        std::io::Seek::rewind(&mut first).expect("rewinds");
        first.read_to_end(&mut content).expect("reads");
        assert_eq!(content, [1; 10], "removed, and still there for who opened it");
        let refused = cache.keep("e", &[5; 26]).expect_err("too large");
        assert!(matches!(refused, StoreError::Budget { needed: 26, budget: 25, .. }), "{refused}");
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_another_writes_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(Cache::new(folder.path().to_owned(), 100).expect("opens"));
        let mine = format!("{}-0", process::id());
        // No process has a number above the system's limit of 4,194,304.
        for name in [mine.as_str(), "99999999-3"] {
            File::create(folder.path().join("partial").join(name)).expect("makes");
        }
        drop(Cache::new(folder.path().to_owned(), 100).expect("opens"));
        assert_eq!(names(folder.path(), "partial"), [mine]);
    }

    #[test]
    fn a_new_process_counts_what_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        Cache::new(folder.path().to_owned(), 25)
            .expect("opens")
            .keep("a", &[1; 20])
            .expect("keeps");
        let cache = Cache::new(folder.path().to_owned(), 25).expect("opens");
        cache.keep("b", &[1; 20]).expect("keeps");
        assert_eq!(names(folder.path(), "tensors"), ["b"]);
    }
}
