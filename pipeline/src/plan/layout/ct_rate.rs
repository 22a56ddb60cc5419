//! The CT-RATE layout: names carry split, patient, scan and reconstruction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemas::ids::{CtRateName, SeriesId, StudyId};
use schemas::manifest::{CorpusSection, Remedy};
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;

use super::super::error::PlanError;
use super::found::{Found, FoundSeries, relative_to, stem};
use super::traits::Layout;
use crate::files::path_text;
use crate::ingest::dicom::group;
use crate::ingest::{IngestError, SeriesSource, SortedFiles};

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

    /// Finds `NAME.nii.gz` or `NAME.nii` files and folders `NAME/` or archives `NAME.zip` of DICOM files. Files under
    /// other names are excluded with a reason.
    fn find(
        &self,
        corpus: &CorpusSection,
        files: SortedFiles,
        found: &mut Found,
    ) -> Result<(), PlanError> {
        let root = &corpus.root;
        let SortedFiles { dicom, images, others, ignored: _ } = files;
        for path in images {
            let name = path_text(Path::new(path.file_name().unwrap_or_default()));
            let relative = relative_to(&path, root);
            let source = SeriesSource::Nifti(path);
            take(stem(&name), source, relative, Vec::new(), found);
        }
        let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for path in dicom {
            if let Some(folder) = named_folder(&path) {
                folders.entry(folder).or_default().push(path);
            } else {
                let detail =
                    "lies in no folder named SPLIT_PATIENT_SCAN_RECONSTRUCTION as in `train_1_a_1`";
                found.leave_out(&path, root, &IngestError::new(Reason::UnknownName, detail));
            }
        }
        let mut beside = others;
        for (folder, files) in folders {
            let (inside, rest): (Vec<_>, Vec<_>) =
                beside.into_iter().partition(|(path, _)| path.starts_with(&folder));
            beside = rest;
            let grouped = group(&files, &inside);
            found.account(&grouped, root);
            let name = series_name(&folder).unwrap_or_default();
            let relative = relative_to(&folder, root);
            // What several series of one folder are is told when they are read.
            let mut notes: Vec<String> = Vec::new();
            let mut incomplete = None;
            let mut paths = Vec::new();
            for series in grouped.series {
                notes.extend(series.notes);
                incomplete = incomplete.or(series.incomplete);
                paths.extend(series.slices.iter().map(|slice| slice.path.clone()));
            }
            paths.sort_unstable();
            if paths.is_empty() {
                continue;
            }
            let refused = incomplete.is_some() && corpus.gaps == Remedy::Reject;
            notes.extend(incomplete.clone().filter(|_| !refused));
            take(&name, SeriesSource::Dicom(paths), relative, notes, found);
            if let (true, Some(detail)) = (refused, incomplete)
                && let Some(series) = found.series.pop_if(|series| series.id.as_str() == name)
            {
                let error = IngestError::new(Reason::MissingSlices, detail).remedied_by("gaps");
                found.excluded.push(series.excluded(error.reason, error.with_advice()));
            }
        }
        for (path, error) in beside {
            found.leave_out(&path, root, &error);
        }
        found.keep_first();
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
fn take(name: &str, source: SeriesSource, relative: String, notes: Vec<String>, found: &mut Found) {
    let Some(parsed) = CtRateName::parse(name) else {
        let detail =
            format!("`{name}` is not SPLIT_PATIENT_SCAN_RECONSTRUCTION as in `train_1_a_1`");
        let row =
            ExcludedRow::new(Reason::UnknownName, relative).detail(detail).files(source.count());
        found.excluded.push(row);
        return;
    };
    found.series.push(FoundSeries {
        corpus_split: Some(parsed.split),
        notes,
        ..FoundSeries::new(parsed.series, parsed.study, parsed.patient, source, relative)
    });
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
    let name = path_text(Path::new(folder.file_name()?));
    let lower = name.to_ascii_lowercase();
    let endings = [".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"];
    let ending = endings.iter().find(|ending| lower.ends_with(*ending));
    Some(match ending {
        Some(ending) => name[..name.len() - ending.len()].to_owned(),
        None => name,
    })
}
