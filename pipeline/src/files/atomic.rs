//! Files that are either wholly there or not there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file under a temporary name, removed when dropped unless it was committed.
#[derive(Debug)]
pub struct TemporaryFile {
    file: Option<File>,
    temporary: PathBuf,
    target: PathBuf,
}

impl TemporaryFile {
    /// Opens `target.partial` beside `target`, making folders as needed.
    ///
    /// # Errors
    ///
    /// The I/O error of the system.
    pub fn create(target: &Path) -> io::Result<Self> {
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let temporary = target.with_file_name(name);
        let file = File::create(&temporary)?;
        Ok(Self { file: Some(file), temporary, target: target.to_owned() })
    }

    /// The open file.
    pub fn file(&mut self) -> &mut File {
        self.file.as_mut().expect("the file is open until it is committed")
    }

    /// Flushes to the disk and gives the file its name; a crash before that leaves no such name.
    ///
    /// # Errors
    ///
    /// The I/O error of the system.
    pub fn commit(mut self) -> io::Result<()> {
        let file = self.file.take().expect("the file is open until it is committed");
        file.sync_all()?;
        drop(file);
        fs::rename(&self.temporary, &self.target)?;
        sync_folder(&self.target)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Nothing is lost when this fails: the name says that the file is partial.
            fs::remove_file(&self.temporary).ok();
        }
    }
}

/// Makes a rename durable by flushing the folder that holds the name.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Writes `content` to `path` so that a reader sees the old file or the new one, never a part.
///
/// # Errors
///
/// The I/O error of the system.
pub fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = TemporaryFile::create(path)?;
    file.file().write_all(content)?;
    file.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uncommitted_file_leaves_the_old_content_and_no_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/file");
        write_atomically(&path, b"old").expect("writes");
        let mut file = TemporaryFile::create(&path).expect("opens");
        file.file().write_all(b"new").expect("writes");
        drop(file);
        assert_eq!(fs::read(&path).expect("reads"), b"old");
        let names = fs::read_dir(folder.path().join("deep")).expect("lists").count();
        assert_eq!(names, 1);
    }
}
