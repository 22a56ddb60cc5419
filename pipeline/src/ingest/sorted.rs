//! Files of a corpus by what they are: DICOM, images by their name, others. Each file ends in one of the lists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use rayon::prelude::*;
use schemas::reason::Reason;

use super::archive::Files;
use super::content::{SNIFF_BYTES, content};
use super::dicom::looks_like_dicom;
use super::error::IngestError;
use super::files::CorpusFiles;
use super::nifti::data_file;

/// Names of files that lie beside images and are none. They count only for files that are not recognised by what they hold.
pub const IGNORED: [&str; 30] = [
    "*.txt",
    "*.csv",
    "*.tsv",
    "*.json",
    "*.jsonl",
    "*.md",
    "*.rst",
    "*.log",
    "*.xml",
    "*.pdf",
    "*.toml",
    "*.yaml",
    "*.yml",
    "*.parquet",
    "*.xlsx",
    "*.docx",
    "*.db",
    "*.ini",
    "*.md5",
    "*.sha256",
    "*.py",
    "*.sh",
    "*.bval",
    "*.bvec",
    ".DS_Store",
    ".git*",
    "README",
    "LICENSE",
    "LICENCE",
    "CHANGES",
];

/// Patterns of file names; with a slash, of paths relative to the corpus.
#[derive(Debug, Clone, Default)]
pub struct NamePatterns(Vec<Pattern>);

impl NamePatterns {
    /// Parses the patterns: `*` stands for any letters, `?` for one, `[ab]` for one of some.
    ///
    /// # Errors
    ///
    /// The first pattern that is none, with what is wrong about it.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, (String, String)> {
        let parse = |pattern: &S| {
            let pattern = pattern.as_ref();
            Pattern::new(pattern).map_err(|error| (pattern.to_owned(), error.to_string()))
        };
        patterns.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// The first pattern that a file below `root` matches.
    pub fn find(&self, path: &Path, root: &Path) -> Option<&str> {
        let options = MatchOptions { case_sensitive: false, ..MatchOptions::default() };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let relative = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
        let relative = relative.trim_start_matches("./");
        let matches = |pattern: &&Pattern| {
            let text = if pattern.as_str().contains('/') { relative } else { &*name };
            pattern.matches_with(text, options)
        };
        self.0.iter().find(matches).map(Pattern::as_str)
    }
}

/// The files of a corpus by what they are, each list sorted.
#[derive(Debug, Clone, Default)]
pub struct SortedFiles {
    /// DICOM files, by what they hold.
    pub dicom: Vec<PathBuf>,
    /// Images with a header of their own, by their names.
    pub images: Vec<PathBuf>,
    /// What is neither, with the reason.
    pub others: Vec<(PathBuf, IngestError)>,
    /// Files that a pattern leaves out, by the pattern.
    pub ignored: BTreeMap<String, Vec<PathBuf>>,
}

/// Sorts the files of a corpus at `root`. Those that `ignore` names are left out unread, those that [`IGNORED`] names where
/// nothing else is known of them.
pub fn sort_files(found: CorpusFiles, root: &Path, ignore: &NamePatterns) -> SortedFiles {
    let by_default = NamePatterns::new(&IGNORED).expect("the patterns are valid");
    let CorpusFiles { files, refused } = found;
    let reader = Files::new(files.iter().map(PathBuf::as_path));
    let kinds: Vec<Kind> = files
        .par_iter()
        .map(|path| {
            if let Some(pattern) = ignore.find(path, root) {
                return Kind::Ignored(pattern.to_owned());
            }
            if is_image_name(path) {
                return Kind::Image;
            }
            let start = match reader.start(path, SNIFF_BYTES) {
                Ok((start, _)) => start,
                Err(error) => return Kind::Other(IngestError::unreadable(error)),
            };
            if looks_like_dicom(&start) {
                return Kind::Dicom;
            }
            if let Some(pattern) = by_default.find(path, root) {
                return Kind::Ignored(pattern.to_owned());
            }
            let content = content(&start);
            let error = IngestError::new(Reason::VolumeUnsupported, content.words());
            Kind::Other(if content.may_be_a_slice() { error } else { error.of_another_kind() })
        })
        .collect();
    let mut sorted = SortedFiles::default();
    for (path, kind) in files.into_iter().zip(kinds) {
        match kind {
            Kind::Dicom => sorted.dicom.push(path),
            Kind::Image => sorted.images.push(path),
            Kind::Ignored(pattern) => sorted.ignored.entry(pattern).or_default().push(path),
            Kind::Other(error) => sorted.others.push((path, error)),
        }
    }
    for (path, error) in refused {
        match ignore.find(&path, root) {
            Some(pattern) => sorted.ignored.entry(pattern.to_owned()).or_default().push(path),
            None => sorted.others.push((path, error)),
        }
    }
    sorted.others.sort_by(|a, b| a.0.cmp(&b.0));
    // Voxels in a file of their own belong to their header.
    let data: BTreeSet<PathBuf> = sorted.images.iter().filter_map(|path| data_file(path)).collect();
    sorted.others.retain(|(path, _)| !data.contains(path));
    sorted
}

enum Kind {
    Dicom,
    Image,
    Ignored(String),
    Other(IngestError),
}

/// Whether a file has the name of an image with a header of its own, in any case: NIfTI (`.nii`, packed or not), NRRD or
/// `MetaImage`.
pub fn is_image_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    [".nii", ".nii.gz", ".nii.zst", ".nrrd", ".nhdr", ".mha", ".mhd"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_of_names_or_of_paths() {
        let patterns = NamePatterns::new(&["*.TXT", "masks/*", "a?.bin"]).expect("are valid");
        let root = Path::new("/corpus");
        let find = |path: &str| patterns.find(&root.join(path), root).map(str::to_owned);
        assert_eq!(find("x/notes.txt").as_deref(), Some("*.TXT"));
        assert_eq!(find("masks/x/1.nii").as_deref(), Some("masks/*"));
        assert_eq!(find("x/ab.bin").as_deref(), Some("a?.bin"));
        assert_eq!(find("x/abc.bin"), None);
        assert_eq!(NamePatterns::new(&["a[b"]).expect_err("is none").0, "a[b");
    }
}
