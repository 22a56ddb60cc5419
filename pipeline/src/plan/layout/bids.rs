//! The Brain Imaging Data Structure (<https://bids-specification.readthedocs.io>): names carry subject, session and kind.

use schemas::ids::{PatientKey, SeriesId, StudyId};
use schemas::manifest::CorpusSection;
use schemas::reason::Reason;

use super::super::error::PlanError;
use super::found::{Found, FoundSeries, is_wanted, relative_to, stem};
use super::traits::Layout;
use crate::ingest::{IngestError, SeriesSource, SortedFiles};

/// Folders of a data set that hold no raw images.
const NOT_RAW: [&str; 4] = ["derivatives", "sourcedata", "code", "stimuli"];

/// See [`Layout::doc`].
pub(super) struct Bids;

impl Layout for Bids {
    fn name(&self) -> &'static str {
        "bids"
    }

    fn doc(&self) -> &'static str {
        "BIDS: `sub-LABEL[/ses-LABEL]/KIND/sub-LABEL[_ses-LABEL]..._SUFFIX.nii.gz`; a study is a session (`sub-1_ses-2`), or a \
         subject without sessions; reports come from a csv keyed by it."
    }

    fn find(
        &self,
        corpus: &CorpusSection,
        mut files: SortedFiles,
        found: &mut Found,
    ) -> Result<(), PlanError> {
        let root = &corpus.root;
        for path in std::mem::take(&mut files.images) {
            let relative = relative_to(&path, root);
            let folder = relative.split('/').find(|part| NOT_RAW.contains(part));
            let file = relative.rsplit('/').next().unwrap_or(&relative);
            let name = match (folder, Name::parse(stem(file))) {
                (Some(folder), _) => {
                    let detail = format!("lies in `{folder}`, which holds no raw images");
                    found.leave_out(&path, root, &IngestError::new(Reason::UnknownName, detail));
                    continue;
                }
                (None, None) => {
                    let detail =
                        format!("`{}` is not `sub-LABEL[_ses-LABEL]..._SUFFIX`", stem(file));
                    found.leave_out(&path, root, &IngestError::new(Reason::UnknownName, detail));
                    continue;
                }
                (None, Some(name)) => name,
            };
            let series = FoundSeries {
                modality: name.modality.to_owned(),
                ..FoundSeries::new(
                    SeriesId(stem(file).to_owned()),
                    StudyId(name.study),
                    PatientKey(name.patient),
                    SeriesSource::Nifti(path),
                    relative,
                )
            };
            if is_wanted(&series.modality, corpus) {
                found.series.push(series);
            } else {
                found.leave_out_modality(&series, corpus);
            }
        }
        found.leave_out_rest(&files, self.name(), root);
        found.keep_first();
        Ok(())
    }
}

/// What the name of an image says.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    patient: String,
    study: String,
    modality: &'static str,
}

impl Name {
    /// Reads a name without its ending: entities `key-value` between underscores, `sub` first, and a suffix.
    fn parse(name: &str) -> Option<Self> {
        let (entities, suffix) = name.rsplit_once('_')?;
        let mut parts = entities.split('_');
        let label = |part: &str, key: &str| {
            let value = part.strip_prefix(key)?;
            let is_label = !value.is_empty()
                && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+');
            is_label.then(|| part.to_owned())
        };
        let patient = label(parts.next()?, "sub-")?;
        let rest: Vec<&str> = parts.collect();
        if suffix.contains('-') || rest.iter().any(|part| !part.contains('-')) {
            return None;
        }
        let session = rest.first().and_then(|part| label(part, "ses-"));
        let study =
            session.map_or_else(|| patient.clone(), |session| format!("{patient}_{session}"));
        let modality = match suffix.to_ascii_lowercase().as_str() {
            "ct" => "CT",
            "pet" => "PT",
            _ => "MR",
        };
        Some(Self { patient, study, modality })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart_into_subject_session_and_modality() {
        let of =
            |name: &str| Name::parse(name).map(|name| (name.patient, name.study, name.modality));
        let text = |patient: &str, study: &str, modality| {
            Some((patient.to_owned(), study.to_owned(), modality))
        };
        assert_eq!(of("sub-01_ses-pre_acq-hi_T1w"), text("sub-01", "sub-01_ses-pre", "MR"));
        assert_eq!(of("sub-x9_ct"), text("sub-x9", "sub-x9", "CT"));
        assert_eq!(of("sub-1_trc-FDG_pet"), text("sub-1", "sub-1", "PT"));
        for name in ["T1w", "sub-01", "sub-_T1w", "subject-1_T1w", "sub-1_extra_T1w", "sub-1_ses-2"]
        {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
