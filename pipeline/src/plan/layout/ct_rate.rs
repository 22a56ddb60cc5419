//! The CT-RATE layout: names carry split, patient, scan and reconstruction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemas::ids::{CtRateName, SeriesId, StudyId};
use schemas::manifest::CorpusSection;
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;

use super::super::error::PlanError;
use super::found::{Found, FoundSeries, corpus_files, relative_to, stem};
use super::traits::Layout;
use crate::ingest::SeriesSource;
use crate::ingest::dicom::is_dicom;

/// See [`Layout::doc`].
pub(super) struct CtRate;

impl Layout for CtRate {
    fn name(&self) -> &'static str {
        "ct-rate"
    }

    fn doc(&self) -> &'static str {
        "CT-RATE: `split_patient_scan_reconstruction.nii.gz` (or a folder of DICOM files of that name) anywhere \
         under the volume folders, with reports, metadata and labels as csv."
    }

    /// Finds `NAME.nii.gz` or `NAME.nii` files and folders `NAME/` or archives `NAME.zip` of DICOM files. NIfTI
    /// files under other names are excluded with a reason.
    fn find(&self, corpus: &CorpusSection, found: &mut Found) -> Result<(), PlanError> {
        let root = &corpus.root;
        let mut dicom: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for folder in &corpus.volumes {
            for path in corpus_files(&root.join(folder))? {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let plain = name.strip_suffix(".gz").unwrap_or(&name);
                if plain.strip_suffix(".nii").is_some() {
                    let relative = relative_to(&path, root);
                    take(&name, SeriesSource::Nifti(path), relative, found);
                } else if let Some(folder) = named_folder(&path)
                    && is_dicom(&path)
                {
                    dicom.entry(folder).or_default().push(path);
                }
            }
        }
        for (folder, files) in dicom {
            let name = series_name(&folder).unwrap_or_default();
            take(&name, SeriesSource::Dicom(files), relative_to(&folder, root), found);
        }
        keep_first(found);
        Ok(())
    }

    fn study_of(&self, key: &str) -> StudyId {
        CtRateName::parse(key).map_or_else(|| StudyId::from(key), |name| name.study)
    }

    fn row_keys(&self, series: &SeriesId, study: &StudyId) -> Vec<String> {
        vec![format!("{series}.nii.gz"), series.to_string(), study.to_string()]
    }

    fn has_splits(&self) -> bool {
        true
    }
}

/// Takes a series by its name, or excludes it.
fn take(name: &str, source: SeriesSource, relative: String, found: &mut Found) {
    match CtRateName::parse(name) {
        Some(name) => found.series.push(FoundSeries {
            id: name.series,
            study: name.study,
            patient: name.patient,
            identifiers: Vec::new(),
            corpus_split: Some(name.split),
            source,
            relative,
        }),
        None => found.excluded.push(unknown_name(relative)),
    }
}

/// The same name in two folders would be one identifier for two volumes: the first by path stays.
fn keep_first(found: &mut Found) {
    found.series.sort_by(|a, b| (&a.id, &a.relative).cmp(&(&b.id, &b.relative)));
    let mut unique: Vec<FoundSeries> = Vec::with_capacity(found.series.len());
    for series in found.series.drain(..) {
        match unique.last() {
            Some(last) if last.id == series.id => {
                let detail = format!("`{}` has the same name", last.relative);
                found.excluded.push(series.excluded(Reason::UnknownName, detail));
            }
            _ => unique.push(series),
        }
    }
    found.series = unique;
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

fn unknown_name(relative: String) -> ExcludedRow {
    let detail = format!(
        "`{}` is not SPLIT_PATIENT_SCAN_RECONSTRUCTION as in `train_1_a_1`",
        stem(relative.rsplit('/').next().unwrap_or_default())
    );
    ExcludedRow { detail, ..ExcludedRow::new(Reason::UnknownName, relative) }
}
