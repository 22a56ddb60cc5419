//! Files of a folder.

use std::io;
use std::path::{Path, PathBuf};

use super::dicom::{archive_entries, is_archive};

/// Every file at or below `path`, sorted; `path` itself where it is a file. A zip archive stands for
/// the files inside it, as paths through it (`study.zip/1.dcm`); a damaged one for itself.
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
        } else if is_archive(&next) {
            match archive_entries(&next) {
                Ok(entries) => files.extend(entries),
                Err(_) => files.push(next),
            }
        } else {
            files.push(next);
        }
    }
    files.sort_unstable();
    Ok(files)
}
