//! Files of a folder.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use schemas::reason::Reason;

use super::archive::{is_archive, list_archive};
use super::error::{IngestError, reason_of};

/// Every file at or below `path`, sorted; `path` itself where it is a file. Symbolic links are listed
/// as what they are and not followed.
///
/// # Errors
///
/// The I/O error of the first folder that cannot be listed, with its name.
pub fn files_below(path: &Path) -> io::Result<Vec<PathBuf>> {
    walk(path, |entry| entry.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()))
}

/// Files of a corpus.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CorpusFiles {
    /// Files that can be opened, sorted.
    pub files: Vec<PathBuf>,
    /// What is there and is not opened, with the reason: pipes, sockets, devices, broken links, damaged archives and what
    /// in an archive cannot be read.
    pub refused: Vec<(PathBuf, IngestError)>,
}

/// Every file of a corpus at or below `path`. Links to folders are followed, each folder once. An archive (zip, tar, packed
/// tar) stands for the files inside it, as paths through it (`study.zip/1.dcm`).
///
/// # Errors
///
/// As [`files_below`].
pub fn corpus_files(path: &Path) -> io::Result<CorpusFiles> {
    let mut seen = BTreeSet::new();
    let mut all = CorpusFiles::default();
    let walked = walk(path, |entry| {
        // A link that leads back up would never end; a folder reached twice is the same folder.
        entry.is_dir() && entry.canonicalize().is_ok_and(|real| seen.insert(real))
    })?;
    for file in walked {
        let metadata = match file.metadata() {
            Ok(metadata) => metadata,
            Err(error) if file.is_symlink() => {
                let problem = format!("is a link that leads nowhere: {error}");
                all.refused.push((file, IngestError::new(Reason::VolumeUnsupported, problem)));
                continue;
            }
            Err(error) => {
                all.refused.push((file, IngestError::unreadable(error)));
                continue;
            }
        };
        if metadata.is_dir() {
            continue;
        }
        if let Some(kind) = special(&metadata) {
            let problem = format!("is {kind}, which is not opened");
            let error = IngestError::new(Reason::VolumeUnsupported, problem);
            all.refused.push((file, error.of_another_kind()));
            continue;
        }
        if !is_archive(&file) {
            all.files.push(file);
            continue;
        }
        match list_archive(&file) {
            Ok(listing) => {
                all.files.extend(listing.entries);
                all.refused.extend(listing.refused);
            }
            Err(error) => {
                let reason = match reason_of(&error) {
                    Reason::VolumeTruncated => Reason::VolumeCorrupt,
                    reason => reason,
                };
                let problem = format!("is no sound archive: {error}");
                all.refused.push((file, IngestError::new(reason, problem)));
            }
        }
    }
    all.files.sort_unstable();
    all.refused.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(all)
}

/// What a file is that is none of bytes: to open it may wait for ever.
#[cfg(unix)]
pub(crate) fn special(metadata: &Metadata) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    [
        (kind.is_fifo(), "a named pipe"),
        (kind.is_socket(), "a socket"),
        (kind.is_block_device() || kind.is_char_device(), "a device"),
    ]
    .into_iter()
    .find_map(|(is_it, name)| is_it.then_some(name))
}

/// What a file is that is none of bytes.
#[cfg(not(unix))]
pub(crate) fn special(metadata: &Metadata) -> Option<&'static str> {
    (!metadata.is_file() && !metadata.is_dir()).then_some("no plain file")
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
        symlink(root.join("nothing"), root.join("broken")).expect("links");
        let found = corpus_files(root).expect("lists");
        assert_eq!(names(Ok(found.files)).len(), 1, "one folder, however it is reached");
        assert_eq!(found.refused.len(), 1);
        assert!(found.refused[0].1.detail.contains("leads nowhere"), "{:?}", found.refused);
    }
}
