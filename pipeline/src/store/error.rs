//! Why something in an object store cannot be read.

use std::path::PathBuf;

/// Something in an object store that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The address names no store that can be read.
    #[error("failed to open `{address}`: {source}")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        source: object_store::Error,
    },
    /// The address is not one.
    #[error("failed to open `{address}`: it is not an address such as `s3://bucket/release`")]
    Syntax {
        /// The address.
        address: String,
    },
    /// The store has no such object.
    #[error("`{address}` has no `{name}`")]
    Missing {
        /// The address of the release.
        address: String,
        /// The object, relative to it.
        name: String,
    },
    /// The store gave no answer, an error, or too few bytes, again and again.
    #[error("failed to read `{name}` of `{address}` (attempt {attempts}): {problem}")]
    Read {
        /// The address of the release.
        address: String,
        /// The object, relative to it.
        name: String,
        /// How often it was tried.
        attempts: u32,
        /// What went wrong the last time.
        problem: String,
    },
    /// The bytes are not those that were sealed, each time they were read.
    #[error("`{name}` of `{address}` is damaged: {what}")]
    Damaged {
        /// The address of the release.
        address: String,
        /// The object, relative to it.
        name: String,
        /// Which part of it, and how it differs.
        what: String,
    },
    /// The cache cannot hold what is asked for.
    #[error(
        "`{name}` needs {needed} bytes of the cache, and its budget is {budget}: raise `RADLOOM_CACHE_MIB`"
    )]
    Budget {
        /// What is to be kept.
        name: String,
        /// Its bytes.
        needed: u64,
        /// Bytes that the cache may hold.
        budget: u64,
    },
    /// A setting of the environment is not a number.
    #[error("`RADLOOM_CACHE_MIB` is `{value}`: a number of MiB is needed")]
    Setting {
        /// What it is.
        value: String,
    },
    /// The threads that read over the network cannot be started.
    #[error("failed to start the threads that read over the network: {source}")]
    Threads {
        /// What the system said.
        source: std::io::Error,
    },
    /// The cache's disk refused.
    #[error("failed to use the cache at `{path}`: {source}")]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
