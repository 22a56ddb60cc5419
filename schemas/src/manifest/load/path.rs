//! The paths of a manifest, in one list: what each is relative to, what it must lead to, and what of
//! it a release records.

use std::path::{Path, PathBuf};

use super::super::origin::ManifestError;
use super::super::whole::Manifest;

/// Calls a function on each path of a key.
pub(super) type Visit = fn(&mut Manifest, &mut dyn FnMut(&mut PathBuf));

/// Whether a place is an address in an object store, such as `s3://bucket/release`, rather than a path.
pub fn is_address(place: &Path) -> bool {
    let scheme = place.to_str().and_then(|text| text.split_once("://"));
    scheme.is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// A key that holds a path or a list of paths.
#[derive(Debug)]
pub(super) struct PathField {
    /// Dotted key.
    pub(super) key: &'static str,
    /// What its paths are relative to.
    base: Base,
    /// What its paths must lead to.
    wants: Wants,
    /// What of its paths belongs to a release.
    pub(super) recorded: Recorded,
    /// Calls the function on each path of the key.
    pub(super) visit: Visit,
}

/// What a path is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    /// The manifest's folder; the path is resolved when the manifest is read.
    Manifest,
    /// `corpus.root`; the path stays as written, so that a release does not depend on the root.
    Corpus,
}

/// What a path must lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// A folder that is there.
    Folder,
    /// A file that is there.
    File,
    /// A folder that is made where it is not there.
    Output,
}

/// What of a path belongs to a release, which is the same wherever the files lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorded {
    /// This word in its stead.
    As(&'static str),
    /// The name without the folders above it.
    Name,
    /// All of it.
    Whole,
}

impl Recorded {
    /// What is recorded of `path`.
    pub(super) fn path(self, path: &Path) -> PathBuf {
        match self {
            Self::As(word) => word.into(),
            // A path that ends in `..` has no name; where it leads is a matter of the machine.
            Self::Name => path.file_name().map_or("..".into(), PathBuf::from),
            Self::Whole => path.to_owned(),
        }
    }
}

/// Every path of a manifest, in the order in which they are checked. The tables of a training system
/// hold paths of their own, which the system resolves.
pub(super) const PATHS: &[PathField] = &[
    PathField {
        key: "corpus.root",
        base: Base::Manifest,
        wants: Wants::Folder,
        recorded: Recorded::As("."),
        visit: |manifest, each| each(&mut manifest.corpus.root),
    },
    PathField {
        key: "release.out",
        base: Base::Manifest,
        wants: Wants::Output,
        recorded: Recorded::As("out"),
        visit: |manifest, each| each(&mut manifest.release.out),
    },
    PathField {
        key: "train.release",
        base: Base::Manifest,
        wants: Wants::Output,
        recorded: Recorded::Whole,
        visit: |manifest, each| {
            let release = manifest.train.as_mut().and_then(|train| train.release.as_mut());
            release.into_iter().filter(|path| !is_address(path)).for_each(each);
        },
    },
    PathField {
        key: "corpus.volumes",
        base: Base::Corpus,
        wants: Wants::Folder,
        recorded: Recorded::Whole,
        visit: |manifest, each| manifest.corpus.volumes.iter_mut().for_each(each),
    },
    PathField {
        key: "corpus.reports",
        base: Base::Corpus,
        wants: Wants::File,
        recorded: Recorded::Whole,
        visit: |manifest, each| manifest.corpus.reports.iter_mut().for_each(each),
    },
    PathField {
        key: "corpus.rows",
        base: Base::Corpus,
        wants: Wants::File,
        recorded: Recorded::Whole,
        visit: |manifest, each| manifest.corpus.rows.iter_mut().for_each(each),
    },
    PathField {
        key: "corpus.metadata",
        base: Base::Corpus,
        wants: Wants::File,
        recorded: Recorded::Whole,
        visit: |manifest, each| manifest.corpus.metadata.iter_mut().for_each(each),
    },
    PathField {
        key: "corpus.labels",
        base: Base::Corpus,
        wants: Wants::File,
        recorded: Recorded::Whole,
        visit: |manifest, each| manifest.corpus.labels.iter_mut().for_each(each),
    },
    PathField {
        key: "corpus.skip",
        base: Base::Corpus,
        wants: Wants::File,
        recorded: Recorded::Whole,
        visit: |manifest, each| manifest.corpus.skip.iter_mut().for_each(each),
    },
    PathField {
        key: "report.lexicon",
        base: Base::Manifest,
        wants: Wants::File,
        recorded: Recorded::Name,
        visit: |manifest, each| manifest.report.lexicon.iter_mut().for_each(each),
    },
    PathField {
        key: "graph.encoder",
        base: Base::Manifest,
        wants: Wants::Folder,
        recorded: Recorded::Name,
        visit: |manifest, each| manifest.graph.encoder.iter_mut().for_each(each),
    },
];

/// Makes the paths that are relative to the manifest's folder lead there, with environment variables
/// replaced.
pub(super) fn resolve(manifest: &mut Manifest) -> Result<(), ManifestError> {
    let origin = manifest.origin.clone();
    let mut failed = None;
    for field in PATHS.iter().filter(|field| field.base == Base::Manifest) {
        (field.visit)(manifest, &mut |path| match origin.resolve(field.key, path) {
            Ok(resolved) => *path = resolved,
            Err(error) => failed = failed.take().or(Some(error)),
        });
    }
    failed.map_or(Ok(()), Err)
}

/// Refuses a manifest (resolved) whose paths lead to nothing.
pub(super) fn check(manifest: &mut Manifest) -> Result<(), ManifestError> {
    let (origin, root) = (manifest.origin.clone(), manifest.corpus.root.clone());
    let mut failed = None;
    for field in PATHS {
        (field.visit)(manifest, &mut |path| {
            let full = match field.base {
                Base::Manifest => path.clone(),
                Base::Corpus => root.join(&path),
            };
            let missing = match field.wants {
                Wants::Folder if !full.is_dir() => "folder",
                Wants::File if !full.is_file() => "file",
                _ => return,
            };
            let problem = format!("names a {missing} that is not there: `{}`", full.display());
            failed = failed.take().or_else(|| Some(origin.error(field.key, problem)));
        });
    }
    failed.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Overrides, parse};

    #[test]
    fn addresses_are_told_from_paths() {
        for address in
            ["s3://bucket/a", "gs://b", "az://c/d", "https://host/e", "http://host:8080/f"]
        {
            assert!(is_address(Path::new(address)), "{address}");
        }
        for path in ["out/release", "/data/release", "C:\\data", "://nothing", "a b://c"] {
            assert!(!is_address(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn every_path_of_the_manifest_is_in_the_list_and_none_of_the_machine_is_recorded() {
        let text = "version = 1\nname = \"t\"\n[corpus]\nlayout = \"ct-rate\"\nroot = \"/a/corpus\"\n\
                    reports = [\"r.csv\"]\n[release]\nout = \"/a/out\"\n[report]\nlexicon = \"/a/own.tsv\"\n\
                    [graph]\nencoder = \"/a/bert\"\n[[view]]\nname = \"v\"\npreset = \"mg3d\"\n";
        let manifest = parse("m.toml", text, &Overrides::default()).expect("parses");
        let recorded = serde_json::to_string(&manifest.curation()).expect("is plain data");
        assert!(!recorded.contains("/a"), "{recorded}");
        for kept in ["own.tsv", "bert", "r.csv"] {
            assert!(recorded.contains(kept), "{kept} in {recorded}");
        }
    }
}
