//! The CT-RATE layout: names carry split, patient, scan and reconstruction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemas::ids::CtRateName;
use schemas::manifest::Manifest;
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;

use super::survey::{FoundSeries, PlanError, corpus_files, relative_to, stem};
use crate::ingest::SeriesSource;
use crate::ingest::dicom::is_dicom;

/// Finds `NAME.nii.gz` or `NAME.nii` files and folders `NAME/` or archives `NAME.zip` of DICOM files
/// under the volume folders of the manifest. NIfTI files under other names are excluded with a reason.
pub(super) fn find(
    manifest: &Manifest,
    excluded: &mut Vec<ExcludedRow>,
) -> Result<Vec<FoundSeries>, PlanError> {
    let root = &manifest.corpus.root;
    let mut found = Vec::new();
    let mut dicom: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for folder in &manifest.corpus.volumes {
        for path in corpus_files(&root.join(folder))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let plain = name.strip_suffix(".gz").unwrap_or(&name);
            if plain.strip_suffix(".nii").is_some() {
                let relative = relative_to(&path, root);
                match CtRateName::parse(&name) {
                    Some(name) => {
                        found.push(series(name, SeriesSource::Nifti(path), relative));
                    }
                    None => excluded.push(unknown_name(relative)),
                }
            } else if let Some(folder) = named_folder(&path)
                && is_dicom(&path)
            {
                dicom.entry(folder).or_default().push(path);
            }
        }
    }
    for (folder, files) in dicom {
        let relative = relative_to(&folder, root);
        match series_name(&folder).and_then(|name| CtRateName::parse(&name)) {
            Some(name) => found.push(series(name, SeriesSource::Dicom(files), relative)),
            None => excluded.push(unknown_name(relative)),
        }
    }
    // The same name in two folders would be one identifier for two volumes: the first by path stays.
    found.sort_by(|a, b| (&a.id, &a.relative).cmp(&(&b.id, &b.relative)));
    let mut unique: Vec<FoundSeries> = Vec::with_capacity(found.len());
    for series in found {
        match unique.last() {
            Some(last) if last.id == series.id => excluded.push(ExcludedRow {
                series_id: Some(series.id.to_string()),
                study_id: Some(series.study.to_string()),
                patient_key: Some(series.patient.to_string()),
                detail: format!("`{}` has the same name", last.relative),
                ..unknown_name(series.relative)
            }),
            _ => unique.push(series),
        }
    }
    Ok(unique)
}

/// The nearest folder or archive above a file whose name is a CT-RATE name: that of a DICOM series.
fn named_folder(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .skip(1)
        .find(|folder| series_name(folder).and_then(|name| CtRateName::parse(&name)).is_some())
        .map(Path::to_owned)
}

/// The name of a folder, or of an archive without its ending.
fn series_name(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_string_lossy().into_owned();
    let ending = name.len().checked_sub(4).filter(|at| name.is_char_boundary(*at));
    Some(match ending {
        Some(at) if name[at..].eq_ignore_ascii_case(".zip") => name[..at].to_owned(),
        _ => name,
    })
}

fn series(name: CtRateName, source: SeriesSource, relative: String) -> FoundSeries {
    FoundSeries {
        id: name.series,
        study: name.study,
        patient: name.patient,
        identifiers: Vec::new(),
        corpus_split: Some(name.split),
        source,
        relative,
    }
}

fn unknown_name(relative: String) -> ExcludedRow {
    let detail = format!(
        "`{}` is not SPLIT_PATIENT_SCAN_RECONSTRUCTION as in `train_1_a_1`",
        stem(relative.rsplit('/').next().unwrap_or_default())
    );
    ExcludedRow {
        source: relative,
        series_id: None,
        study_id: None,
        patient_key: None,
        reason: Reason::UnknownName.code().into(),
        detail,
    }
}
