//! What the tests share: a folder of their own, manifests, and the binary.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder of one test: a manifest over the sample corpus and an output folder.
pub(crate) struct Workspace {
    folder: TempDir,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The quickstart manifest with its corpus path made absolute and `edit` applied to its text.
    pub(crate) fn manifest(&self, edit: impl FnOnce(String) -> String) -> PathBuf {
        let text = std::fs::read_to_string(repository("manifests/quickstart.toml")).expect("reads");
        let text = text
            .replace(
                "../tests/data/corpus\"",
                &format!("{}\"", repository("tests/data/corpus").display()),
            )
            .replace("../out/quickstart", "out");
        let path = self.path("manifest.toml");
        write(&path, edit(text).as_bytes());
        path
    }

    pub(crate) fn plain_manifest(&self) -> PathBuf {
        self.manifest(|text| text)
    }
}

/// A file or folder of the repository.
pub(crate) fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A volume or a folder of volumes of the sample corpus.
pub(crate) fn volumes(name: &str) -> PathBuf {
    repository("tests/data/corpus/dataset").join(name)
}

/// Every verb that the program offers, as `--help` lists them.
pub(crate) fn verbs() -> Vec<String> {
    let help = done(&["--help"]).stdout;
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let is_name = line.starts_with("  ") && !line.starts_with("   ");
        line.split_whitespace().next().filter(|_| is_name).map(str::to_owned)
    });
    names.filter(|name| name != "help").collect()
}

pub(crate) fn write(path: &Path, content: &[u8]) {
    std::fs::File::create(path).and_then(|mut file| file.write_all(content)).expect("writes");
}

/// The binary with these arguments, not yet started.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_radloom"));
    command.args(arguments);
    command
}

/// What the binary wrote and how it ended.
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

pub(crate) fn run(arguments: &[&str]) -> Finished {
    command(arguments).output().expect("the binary starts").into()
}

/// Runs and demands success.
pub(crate) fn done(arguments: &[&str]) -> Finished {
    let finished = run(arguments);
    assert_eq!(finished.code, Some(0), "{arguments:?}\n{}\n{}", finished.stdout, finished.stderr);
    finished
}

/// The last line of stdout as JSON.
pub(crate) fn json(finished: &Finished) -> serde_json::Value {
    let line = finished.stdout.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {}", finished.stdout))
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("test paths are UTF-8")
}

/// Every file below a folder with its bytes.
pub(crate) fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).expect("lists") {
            let path = entry.expect("lists").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("is below").to_owned();
                files.insert(name, std::fs::read(&path).expect("reads"));
            }
        }
    }
    files
}

/// Copies every file below a folder.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    for (name, bytes) in tree(from) {
        let path = to.join(name);
        std::fs::create_dir_all(path.parent().expect("is below")).expect("is made");
        write(&path, &bytes);
    }
}

/// Fails with the names of files that differ.
pub(crate) fn assert_same_tree(one: &Path, other: &Path) {
    let (one, other) = (tree(one), tree(other));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    let differing: Vec<_> =
        one.iter().filter(|(name, bytes)| other[*name] != **bytes).map(|(name, _)| name).collect();
    assert!(differing.is_empty(), "differ: {differing:?}");
}

/// The kept files of one kind, one of each version ever written, in the order of their names.
pub(crate) fn kept(kind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository("tests/data/versions").join(kind)).expect("lists");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("lists").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{kind} has a sample");
    paths
}
