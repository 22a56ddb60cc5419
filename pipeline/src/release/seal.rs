//! Sealing: after it, every byte of the folder is accounted for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use schemas::lock::{REVISION, ReleaseLock, SourceObject, VERSION};
use schemas::manifest::SplitMethod;
use schemas::tables::{IndexRow, SplitRow, StudyRow, VolumeRow};

use super::card;
use super::croissant;
use super::error::ReleaseError;
use super::identity::release_id;
use super::revisions::revisions;
use super::sealed::Sealed;
use super::summary::Summary;
use crate::files::{sha256_bytes, sha256_file, write_atomically};
use crate::ingest::files_below;
use crate::shard::write_table;

/// Completes the folder `building` (which holds the shards and report tables) and gives the
/// release's identity.
///
/// # Errors
///
/// [`ReleaseError`] where a file cannot be written or read.
pub fn seal(sealed: &Sealed<'_>, building: &Path) -> Result<String, ReleaseError> {
    let tables = building.join("tables");
    let volumes: Vec<VolumeRow> =
        sealed.outcomes.iter().flat_map(|outcome| outcome.volumes.iter().cloned()).collect();
    let index: Vec<IndexRow> =
        sealed.outcomes.iter().flat_map(|outcome| outcome.index.iter().cloned()).collect();
    let mut series_of: BTreeMap<&str, u32> = BTreeMap::new();
    for volume in &volumes {
        *series_of.entry(&volume.study_id).or_default() += 1;
    }
    let studies: Vec<StudyRow> = sealed
        .included_studies
        .iter()
        .map(|study| StudyRow {
            study_id: study.id.to_string(),
            patient_key: study.patient.to_string(),
            split: study.split.name().into(),
            series: series_of.get(study.id.as_str()).copied().unwrap_or(0),
            has_report: study.report.is_some(),
        })
        .collect();
    let rule = match sealed.manifest.split.method {
        SplitMethod::Hash => "hash",
        SplitMethod::Corpus => "corpus",
    };
    let splits: BTreeMap<&str, SplitRow> = studies
        .iter()
        .map(|study| {
            let row = SplitRow {
                patient_key: study.patient_key.clone(),
                split: study.split.clone(),
                rule: rule.into(),
            };
            (study.patient_key.as_str(), row)
        })
        .collect();
    write_table(&tables, splits.into_values().collect::<Vec<_>>())?;
    let summary = Summary::new(sealed, &studies, &volumes, &index);
    write_table(&tables, studies)?;
    write_table(&tables, volumes)?;
    write_table(&tables, index)?;
    write_table(&tables, sealed.excluded.clone())?;

    let curation = sealed.manifest.curation();
    let mut manifest_text =
        serde_json::to_string_pretty(&curation).expect("a manifest is plain data");
    manifest_text.push('\n');
    put(building, "manifest.resolved.json", &manifest_text)?;
    put(building, "README.md", &card::render(sealed.manifest, &summary))?;
    let lock = lock(sealed, &manifest_text)?;
    put(building, "release.lock", &lock)?;

    remove_strangers(building, sealed)?;
    let sums = sums(building, sealed, &["croissant.json", "SHA256SUMS"])?;
    let metadata = croissant::render(sealed.manifest, &summary, building, &sums)?;
    put(building, "croissant.json", &metadata)?;
    let mut sums = sums;
    sums.insert("croissant.json".into(), sha256_bytes(metadata.as_bytes()));
    let text: String = sums.iter().map(|(path, sum)| format!("{sum}  {path}\n")).collect();
    put(building, "SHA256SUMS", &text)?;
    Ok(release_id(&lock, &text))
}

fn put(folder: &Path, name: &str, text: &str) -> Result<(), ReleaseError> {
    let path = folder.join(name);
    write_atomically(&path, text.as_bytes()).map_err(|source| ReleaseError::Io { path, source })
}

fn lock(sealed: &Sealed<'_>, manifest_text: &str) -> Result<String, ReleaseError> {
    let manifest = sealed.manifest;
    let mut sources: BTreeMap<String, SourceObject> = BTreeMap::new();
    for table in &sealed.survey.tables {
        let path = manifest.corpus.root.join(table);
        let (sha256, bytes) =
            sha256_file(&path).map_err(|source| ReleaseError::Io { path, source })?;
        sources.insert(table.to_string_lossy().into_owned(), SourceObject { bytes, sha256 });
    }
    sources.extend(sealed.outcomes.iter().flat_map(|outcome| outcome.sources.clone()));
    let stage = |value: &dyn Fn() -> serde_json::Result<Vec<u8>>| {
        sha256_bytes(&value().expect("a section is plain data"))
    };
    let curation = manifest.curation();
    let mut stages = BTreeMap::from([
        ("ingest".to_owned(), stage(&|| serde_json::to_vec(&curation.corpus))),
        ("report".to_owned(), stage(&|| serde_json::to_vec(&curation.report))),
        ("graph".to_owned(), stage(&|| serde_json::to_vec(&curation.graph))),
        ("split".to_owned(), stage(&|| serde_json::to_vec(&curation.split))),
        ("shard".to_owned(), stage(&|| serde_json::to_vec(&curation.shard))),
    ]);
    for view in &curation.view {
        let recipe = view.resolve().expect("views were resolved when the manifest was read");
        stages.insert(format!("volume/{}", view.name), stage(&|| serde_json::to_vec(&recipe)));
    }
    let lock = ReleaseLock {
        version: VERSION,
        revision: REVISION,
        tool: format!("radloom {}", env!("CARGO_PKG_VERSION")),
        name: manifest.name.clone(),
        data_version: manifest.release.version.clone(),
        manifest_sha256: sha256_bytes(manifest_text.as_bytes()),
        stages,
        revisions: revisions(),
        units: sealed
            .units
            .iter()
            .map(|unit| (unit.id.clone(), unit.fingerprint.clone()))
            .collect(),
        lexicons: sealed
            .lexicons
            .iter()
            .map(|(name, content)| (name.clone(), sha256_bytes(content)))
            .collect(),
        encoder: sealed.encoder.clone(),
        seeds: BTreeMap::from([("split".to_owned(), manifest.split.seed)]),
        sources,
        files: Some(sealed.survey.files.clone()),
    };
    Ok(lock.to_text())
}

/// Removes what an interrupted or changed run left in the folder and no outcome names.
fn remove_strangers(building: &Path, sealed: &Sealed<'_>) -> Result<(), ReleaseError> {
    let shards: BTreeSet<&str> = sealed
        .outcomes
        .iter()
        .flat_map(|outcome| outcome.shards.iter().map(|shard| shard.path.as_str()))
        .collect();
    for relative in files(building)? {
        let wanted = match relative.split_once('/') {
            Some(("shards", _)) => shards.contains(relative.as_str()),
            _ => !relative.ends_with(".partial"),
        };
        if !wanted {
            let path = building.join(&relative);
            fs::remove_file(&path).map_err(|source| ReleaseError::Io { path, source })?;
        }
    }
    Ok(())
}

/// Every file below `folder`, relative to it with forward slashes, sorted.
pub(super) fn files(folder: &Path) -> Result<Vec<String>, ReleaseError> {
    let found = files_below(folder)
        .map_err(|source| ReleaseError::Io { path: folder.to_owned(), source })?;
    let relative = |path: &PathBuf| {
        let path = path.strip_prefix(folder).unwrap_or(path);
        path.to_string_lossy().replace('\\', "/")
    };
    let mut names: Vec<String> = found.iter().map(relative).collect();
    names.sort_unstable();
    Ok(names)
}

/// SHA-256 of every file but `without`; a shard's is known from when it was written.
fn sums(
    building: &Path,
    sealed: &Sealed<'_>,
    without: &[&str],
) -> Result<BTreeMap<String, String>, ReleaseError> {
    let known: BTreeMap<&str, &str> = sealed
        .outcomes
        .iter()
        .flat_map(|outcome| &outcome.shards)
        .map(|shard| (shard.path.as_str(), shard.sha256.as_str()))
        .collect();
    let mut sums = BTreeMap::new();
    for relative in files(building)? {
        if without.contains(&relative.as_str()) {
            continue;
        }
        let sum = if let Some(sum) = known.get(relative.as_str()) {
            (*sum).to_owned()
        } else {
            let path = building.join(&relative);
            sha256_file(&path).map_err(|source| ReleaseError::Io { path, source })?.0
        };
        sums.insert(relative, sum);
    }
    Ok(sums)
}
