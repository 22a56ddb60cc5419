//! The identity of a release.

use crate::files::sha256_bytes;

/// Identity of a release: a hash of its lock and its sums.
pub fn release_id(lock: &str, sums: &str) -> String {
    sha256_bytes(format!("{lock}\n{sums}").as_bytes())
}
