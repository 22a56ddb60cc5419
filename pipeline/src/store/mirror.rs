//! A folder that reads like a release whose shards are in an object store.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use memmap2::Mmap;
use serde::{Deserialize, Serialize};

use super::cache::Cache;
use super::error::StoreError;
use super::remote::Remote;
use crate::files::{HashingWriter, parse_sums, sha256_bytes, sha256_file, xxh3_64};

/// File of a mirror that says what it mirrors. No release has such a file.
const ORIGIN: &str = "mirror.json";
/// How often bytes are read that are not what was sealed, before they are taken for damaged.
const READS: u32 = 3;
/// Names of shards end so.
const SHARD: &str = ".arrow";

/// What a mirror mirrors.
#[derive(Debug, Serialize, Deserialize)]
struct Origin {
    address: String,
}

/// A mirror of a release in an object store.
#[derive(Debug)]
pub struct Mirror {
    folder: PathBuf,
    remote: Remote,
    cache: Cache,
    /// SHA-256 of every file of the release.
    sums: BTreeMap<String, String>,
}

/// The mirrors that this process uses, by folder: all shards of one share connections and cache.
static OPEN: Mutex<BTreeMap<PathBuf, Arc<Mirror>>> = Mutex::new(BTreeMap::new());

impl Mirror {
    /// Mirrors the release at `address`: reads its lock and sums, and those of its other files that are no shards and
    /// that the mirror does not hold yet.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which names the object at fault.
    pub fn open(address: &str) -> Result<Arc<Self>, StoreError> {
        let remote = Remote::open(address)?;
        let cache = Cache::of_user()?;
        let folder = cache.mirrors().join(&sha256_bytes(remote.address().as_bytes())[..32]);
        let sums_text = remote.whole("SHA256SUMS")?;
        let mut sums = BTreeMap::new();
        for (name, sum) in parse_sums(&String::from_utf8_lossy(&sums_text)).0 {
            // A name that leads elsewhere is no file of a release, and must not be written to.
            if Path::new(name).components().any(|part| !matches!(part, Component::Normal(_))) {
                return Err(StoreError::Damaged {
                    address: remote.address().to_owned(),
                    name: "SHA256SUMS".to_owned(),
                    what: format!("it names `{name}`, which is not below the release"),
                });
            }
            sums.insert(name.to_owned(), sum.to_owned());
        }
        let mirror = Self { folder, remote, cache, sums };
        for (name, sum) in &mirror.sums {
            if !Self::is_shard(name) {
                mirror.fetch(name, sum)?;
            }
        }
        let origin = Origin { address: mirror.remote.address().to_owned() };
        let origin = serde_json::to_vec(&origin).unwrap_or_default();
        for (name, content) in [("SHA256SUMS", &sums_text[..]), (ORIGIN, &origin)] {
            mirror.write(name, content)?;
        }
        let mirror = Arc::new(mirror);
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(mirror.folder.clone(), Arc::clone(&mirror));
        Ok(mirror)
    }

    /// The mirror that holds `path`, and the name of `path` in the release; none where it lies in no mirror.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the release cannot be reached any more.
    pub fn of(path: &Path) -> Result<Option<(Arc<Self>, String)>, StoreError> {
        let Some(folder) = path.ancestors().skip(1).find(|folder| folder.join(ORIGIN).is_file())
        else {
            return Ok(None);
        };
        let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
        let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner).get(folder).cloned();
        if let Some(mirror) = open {
            return Ok(Some((mirror, name)));
        }
        let file = folder.join(ORIGIN);
        let cache_error = |source| StoreError::Cache { path: file.clone(), source };
        let text = fs::read(&file).map_err(cache_error)?;
        let origin: Origin =
            serde_json::from_slice(&text).map_err(|error| cache_error(io::Error::other(error)))?;
        Ok(Some((Self::open(&origin.address)?, name)))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether a file of the release is a shard, which the folder does not hold.
    pub fn is_shard(name: &str) -> bool {
        name.ends_with(SHARD)
    }

    /// Names of all objects of the release, relative to its address; none where the store cannot list them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Read`].
    pub fn names(&self) -> Result<Option<Vec<String>>, StoreError> {
        self.remote.names()
    }

    /// SHA-256 of an object of the release, of which nothing is kept. Where it is not `expected`, it is read again: a
    /// network may change bytes, and what it changes differs each time.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`], [`StoreError::Read`].
    pub fn sha256(&self, name: &str, expected: &str) -> Result<String, StoreError> {
        let size = self.remote.size(name)?;
        let mut found = String::new();
        for _ in 0..READS {
            let mut digest = HashingWriter::new(io::sink());
            self.remote.pieces(name, 0..size, |piece| {
                digest.write_all(piece).expect("a sink takes everything");
            })?;
            found = digest.finish().1;
            if found == expected {
                break;
            }
        }
        Ok(found)
    }

    /// The tensor in `range` of the shard `name`, out of the cache or fetched into it. A tensor that is fetched has the
    /// hash `xxh3`; where the store gives others again and again, they are damaged.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which names the shard.
    pub fn tensor(&self, name: &str, range: Range<u64>, xxh3: u64) -> Result<Mmap, StoreError> {
        let shard = self.sums.get(name).ok_or_else(|| StoreError::Missing {
            address: self.remote.address().to_owned(),
            name: name.to_owned(),
        })?;
        let key = format!("{shard}-{}-{}", range.start, range.end - range.start);
        if let Some(file) = self.cache.open(&key)?
            && file.metadata().is_ok_and(|metadata| metadata.len() == range.end - range.start)
        {
            return self.map(&file, &key);
        }
        let mut found = 0;
        for _ in 0..READS {
            let bytes = self.remote.range(name, range.clone())?;
            found = xxh3_64(&bytes);
            if found == xxh3 {
                return self.map(&self.cache.keep(&key, &bytes)?, &key);
            }
        }
        let what =
            format!("the tensor at byte {} has hash {found:016x}, not {xxh3:016x}", range.start);
        Err(self.damaged(name, what))
    }

    #[expect(unsafe_code, reason = "mapping a file is unsafe by nature")]
    fn map(&self, file: &fs::File, key: &str) -> Result<Mmap, StoreError> {
        // SAFETY: files of the cache are renamed into place when complete and never written again; removing one
        // leaves its mapping as it is.
        let map = unsafe { Mmap::map(file) };
        map.map_err(|source| StoreError::Cache { path: self.cache.tensor(key), source })
    }

    /// Fetches a small file with this sum, unless it is there.
    fn fetch(&self, name: &str, sum: &str) -> Result<(), StoreError> {
        let path = self.folder.join(name);
        if sha256_file(&path).is_ok_and(|(found, _)| found == sum) {
            return Ok(());
        }
        let mut found = String::new();
        for _ in 0..READS {
            let bytes = self.remote.whole(name)?;
            found = sha256_bytes(&bytes);
            if found == sum {
                return self.write(name, &bytes);
            }
        }
        Err(self.damaged(name, format!("it has SHA-256 {found}, not {sum}")))
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        self.cache.place(&self.folder.join(name), content).map(drop)
    }

    fn damaged(&self, name: &str, what: String) -> StoreError {
        StoreError::Damaged {
            address: self.remote.address().to_owned(),
            name: name.to_owned(),
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_no_mirror_has_none() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Mirror::of(&folder.path().join("voxels/a.arrow")).expect("looks").is_none());
    }
}
