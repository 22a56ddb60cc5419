//! Objects below an address, read with retries.

use std::future::Future;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use super::error::StoreError;

/// How often a read is tried before it is an error.
const ATTEMPTS: u32 = 6;
/// Wait before the second attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// Longest time that one piece may take.
const PIECE_DEADLINE: Duration = Duration::from_secs(30);
/// Large objects are read in pieces of this many bytes.
const PIECE: u64 = 8 << 20;
/// Pieces that are read at a time.
const AT_ONCE: usize = 4;

/// What is below an address.
#[derive(Debug)]
pub(super) struct Remote {
    address: String,
    store: Box<dyn ObjectStore>,
    prefix: Path,
    runtime: Runtime,
    lists: bool,
}

/// A read that did not give what was asked for.
enum Fault {
    /// The store says that there is nothing; asking again will not help.
    Missing,
    /// The store refuses, and will again.
    Refused(String),
    Other(String),
}

impl From<object_store::Error> for Fault {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            object_store::Error::PermissionDenied { .. }
            | object_store::Error::Unauthenticated { .. }
            | object_store::Error::NotSupported { .. }
            | object_store::Error::NotImplemented { .. } => Self::Refused(error.to_string()),
            other => Self::Other(other.to_string()),
        }
    }
}

impl Remote {
    /// Opens an address. Keys and endpoints come from the environment, in the names of the stores' own tools
    /// (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, `GOOGLE_APPLICATION_CREDENTIALS`, `AZURE_STORAGE_ACCOUNT_KEY`).
    pub(super) fn open(address: &str) -> Result<Self, StoreError> {
        let syntax = || StoreError::Syntax { address: address.to_owned() };
        let url = Url::parse(address).map_err(|_| syntax())?;
        let refused = |source| StoreError::Address { address: address.to_owned(), source };
        // The other provider of cryptography is built with more tools; a second call finds it installed.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut options: Vec<(String, String)> = std::env::vars()
            .filter(|(name, _)| {
                ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|start| name.starts_with(start))
            })
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        if url.scheme() == "http" {
            options.push(("allow_http".to_owned(), "true".to_owned()));
        }
        let (store, prefix) = object_store::parse_url_opts(&url, options).map_err(refused)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|source| StoreError::Threads { source })?;
        let lists = !url.scheme().starts_with("http");
        Ok(Self {
            address: address.trim_end_matches('/').to_owned(),
            store,
            prefix,
            runtime,
            lists,
        })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), Path::join)
    }

    /// All of an object.
    pub(super) fn whole(&self, name: &str) -> Result<Bytes, StoreError> {
        let path = self.path(name);
        self.runtime.block_on(
            self.retried(name, || async { Ok(self.store.get(&path).await?.bytes().await?) }),
        )
    }

    /// Bytes of an object.
    pub(super) fn size(&self, name: &str) -> Result<u64, StoreError> {
        let path = self.path(name);
        let size = self.retried(name, || async { Ok(self.store.head(&path).await?.size) });
        self.runtime.block_on(size)
    }

    /// A part of an object, several pieces at a time.
    pub(super) fn range(&self, name: &str, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::with_capacity((range.end - range.start) as usize);
        self.pieces(name, range, |piece| bytes.extend_from_slice(piece))?;
        Ok(bytes)
    }

    /// Hands the pieces of a part of an object to `take`, in order, while the next ones are read.
    pub(super) fn pieces(
        &self,
        name: &str,
        range: Range<u64>,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), StoreError> {
        let path = &self.path(name);
        let starts = (range.start..range.end).step_by(PIECE as usize);
        let pieces = stream::iter(starts)
            .map(|start| self.piece(name, path, start..range.end.min(start + PIECE)))
            .buffered(AT_ONCE);
        self.runtime.block_on(pieces.try_for_each(|piece| {
            take(&piece);
            std::future::ready(Ok(()))
        }))
    }

    async fn piece(&self, name: &str, path: &Path, range: Range<u64>) -> Result<Bytes, StoreError> {
        let wanted = range.end - range.start;
        self.retried(name, || async {
            let bytes = self.store.get_range(path, range.clone()).await?;
            if bytes.len() as u64 == wanted {
                return Ok(bytes);
            }
            let (found, start) = (bytes.len(), range.start);
            Err(Fault::Other(format!("{found} of {wanted} bytes from byte {start} on came")))
        })
        .await
    }

    /// Runs `read` until it gives something, at most [`ATTEMPTS`] times.
    async fn retried<T, F: Future<Output = Result<T, Fault>>>(
        &self,
        name: &str,
        read: impl Fn() -> F,
    ) -> Result<T, StoreError> {
        let (address, name) = (self.address.clone(), name.to_owned());
        let mut problem = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(FIRST_WAIT * 2_u32.pow(attempt - 1)).await;
            }
            problem = match tokio::time::timeout(PIECE_DEADLINE, read()).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(Fault::Missing)) => return Err(StoreError::Missing { address, name }),
                Ok(Err(Fault::Refused(problem))) => {
                    return Err(StoreError::Read { address, name, attempts: attempt + 1, problem });
                }
                Ok(Err(Fault::Other(problem))) => problem,
                Err(_) => format!("nothing came within {} s", PIECE_DEADLINE.as_secs()),
            };
        }
        Err(StoreError::Read { address, name, attempts: ATTEMPTS, problem })
    }

    /// Names of all objects, relative to the address; none where the store cannot list them, as over plain HTTP.
    pub(super) fn names(&self) -> Result<Option<Vec<String>>, StoreError> {
        if !self.lists {
            return Ok(None);
        }
        let list = self.retried("the list of objects", || async {
            let found: Vec<_> = self.store.list(Some(&self.prefix)).try_collect().await?;
            Ok(found)
        });
        let relative = |path: &Path| -> Option<String> {
            let parts: Vec<String> =
                path.prefix_match(&self.prefix)?.map(|part| part.as_ref().to_owned()).collect();
            Some(parts.join("/"))
        };
        let found = self.runtime.block_on(list)?;
        let mut names: Vec<String> =
            found.iter().filter_map(|object| relative(&object.location)).collect();
        names.sort_unstable();
        Ok(Some(names))
    }
}
