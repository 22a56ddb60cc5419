//! The files room: files that are whole or not there, and their sums. Every other room may use it.
//!
//! - [`write_atomically`] is how every small file is written: temporary name, flush, rename.
//! - [`TemporaryFile`] does the same for a file that is written part by part.
//! - [`HashingWriter`], [`sha256_file`] and [`sha256_bytes`] give the sums of `SHA256SUMS`.

mod atomic;
mod digest;

pub use atomic::{TemporaryFile, write_atomically};
pub use digest::{HashingWriter, sha256_bytes, sha256_file};
