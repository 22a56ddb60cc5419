//! Files of a folder.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::archive::{archive_entries, is_archive};

/// Every file at or below `path`, sorted; `path` itself where it is a file. Symbolic links are listed
/// as what they are and not followed.
///
/// # Errors
///
/// The I/O error of the first folder that cannot be listed, with its name.
pub fn files_below(path: &Path) -> io::Result<Vec<PathBuf>> {
    walk(path, |entry| entry.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()))
}

/// Every file of a corpus at or below `path`, sorted. Links to folders are followed, each folder once.
/// A zip archive stands for the files inside it, as paths through it (`study.zip/1.dcm`); a damaged
/// one for itself.
///
/// # Errors
///
/// As [`files_below`].
pub fn corpus_files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut seen = BTreeSet::new();
    let files = walk(path, |entry| {
        // A link that leads back up would never end; a folder reached twice is the same folder.
        entry.is_dir() && entry.canonicalize().is_ok_and(|real| seen.insert(real))
    })?;
    let mut all = Vec::with_capacity(files.len());
    for file in files {
        if file.is_dir() {
            continue;
        }
        match is_archive(&file).then(|| archive_entries(&file)) {
            Some(Ok(entries)) => all.extend(entries),
            Some(Err(_)) | None => all.push(file),
        }
    }
    all.sort_unstable();
    Ok(all)
}

fn walk(path: &Path, mut enters: impl FnMut(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut pending = vec![path.to_owned()];
    while let Some(next) = pending.pop() {
        if enters(&next) {
            let named = |error: io::Error| {
                io::Error::new(error.kind(), format!("`{}`: {error}", next.display()))
            };
            let entries = next.read_dir().map_err(named)?;
            let mut entries: Vec<PathBuf> = entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<io::Result<_>>()
                .map_err(named)?;
            // In one order everywhere: which of two ways to a folder comes first decides its name.
            entries.sort_unstable_by(|a, b| b.cmp(a));
            pending.extend(entries);
        } else {
            files.push(next);
        }
    }
    files.sort_unstable();
    Ok(files)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_in_a_corpus_once_and_never_in_a_release() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        std::fs::create_dir(root.join("real")).expect("makes");
        std::fs::File::create(root.join("real/a")).expect("writes");
        symlink(root.join("real"), root.join("linked")).expect("links");
        symlink(root, root.join("real/up")).expect("links");
        let names = |files: io::Result<Vec<PathBuf>>| -> Vec<String> {
            let relative =
                |file: PathBuf| file.strip_prefix(root).expect("lies below").display().to_string();
            files.expect("lists").into_iter().map(relative).collect()
        };
        assert_eq!(names(files_below(root)), ["linked", "real/a", "real/up"]);
        assert_eq!(names(corpus_files(root)).len(), 1, "one folder, however it is reached");
    }
}
