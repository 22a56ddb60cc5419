//! The files room: files that are whole or not there, and their sums. Every other room may use it.
//!
//! - [`write_atomically`] is how every small file is written: temporary name, flush, rename.
//! - [`TemporaryFile`] does the same for a file that is written part by part.
//! - [`HashingWriter`], [`sha256_file`] and [`sha256_bytes`] give the sums of `SHA256SUMS`,
//!   and [`parse_sums`] reads them.
//! - [`path_text`] is how a path stands in tables and messages.
//! - [`xxh3_64`] and its kin give the hashes of tensors, and those that ids and draws are made of.

mod atomic;
mod digest;
mod name;
mod xxh3;

pub use atomic::{TemporaryFile, write_atomically};
pub use digest::{HashingWriter, parse_sums, sha256_bytes, sha256_file};
pub use name::path_text;
pub use xxh3::{copy_hashed, xxh3_64, xxh3_64_with_seed, xxh3_128};
