//! Files of a folder.

use std::io;
use std::path::{Path, PathBuf};

/// Every file at or below `path`, sorted; `path` itself where it is a file.
///
/// # Errors
///
/// What the system says of the first folder that cannot be listed.
pub fn files_below(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut pending = vec![path.to_owned()];
    while let Some(next) = pending.pop() {
        if next.is_dir() {
            for entry in next.read_dir()? {
                pending.push(entry?.path());
            }
        } else {
            files.push(next);
        }
    }
    files.sort_unstable();
    Ok(files)
}
