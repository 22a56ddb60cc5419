//! A tree of DICOM files: series by SeriesInstanceUID, series into volumes, and the rule that chooses
//! among a study's volumes.
//!
//! A study is what one patient has under one StudyInstanceUID. Where several patients share one, each has a study of its
//! own, and a report of that name is nobody's.
//!
//! `series = "all"` takes every volume. `series = "primary"` takes one per study by a rule, stated so
//! that it can be argued with: localizers, segmentations, screens, files without images and stacks under three slices are no
//! candidates; volumes that headers show to be sound (under the manifest's policy) come before those that are not, volumes
//! in Hounsfield units before others, axial originals (ImageType `ORIGINAL\PRIMARY`) before other axial volumes, those
//! before originals in other planes, and those before the rest; within the first class that has any,
//! volumes of at least 80 % of the largest extent are compared: the kernel that stands first in
//! `[corpus] kernels` wins, then most slices, then the lower series name. What was not chosen is listed
//! with the reason `series_not_chosen` and why; it is taken after all where the chosen one turns out to be damaged when its
//! pixels are read.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemas::ids::{PatientKey, SeriesId, StudyId};
use schemas::manifest::{CorpusSection, GeometryPolicy, SeriesChoice};
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;

use super::super::error::PlanError;
use super::found::{Alternative, Found, FoundSeries, is_wanted, relative_to};
use super::traits::Layout;
use crate::ingest::dicom::{DicomSeries, DicomVolume, SliceHeader, group};
use crate::ingest::{IngestError, SortedFiles};

/// Share of the largest extent from which on a volume is compared by its kernel.
const COMPARABLE_EXTENT: f64 = 0.8;

/// See [`Layout::doc`].
pub(super) struct DicomTree;

impl Layout for DicomTree {
    fn name(&self) -> &'static str {
        "dicom-tree"
    }

    fn doc(&self) -> &'static str {
        "A tree of DICOM files in any order; series are found by their identifiers, reports come from a csv keyed \
         by StudyInstanceUID."
    }

    fn find(
        &self,
        corpus: &CorpusSection,
        mut files: SortedFiles,
        found: &mut Found,
    ) -> Result<(), PlanError> {
        let root = &corpus.root;
        let (dicom, others) = (std::mem::take(&mut files.dicom), std::mem::take(&mut files.others));
        let grouped = group(&dicom, &others);
        found.account(&grouped, root);
        found.leave_out_rest(&files, self.name(), root);
        let mut studies: BTreeMap<StudyKey, Vec<Candidate>> = BTreeMap::new();
        for series in &grouped.series {
            let key = StudyKey::of(series);
            let of_series = candidates(series, root, corpus.geometry(), found);
            studies.entry(key).or_default().extend(of_series);
        }
        name_studies(&mut studies);
        for candidates in studies.into_values() {
            let (wanted, unwanted): (Vec<_>, Vec<_>) = candidates
                .into_iter()
                .partition(|candidate| is_wanted(&candidate.found.modality, corpus));
            for other in unwanted {
                found.leave_out_modality(&other.found, corpus);
            }
            match corpus.series {
                SeriesChoice::All => take_all(wanted, found),
                SeriesChoice::Primary => {
                    let chosen = choose(wanted, &corpus.kernels, &mut found.excluded);
                    found.series.extend(chosen);
                }
            }
        }
        Ok(())
    }
}

/// Takes every volume but those that lack files, which no reader of the others would miss.
fn take_all(candidates: Vec<Candidate>, found: &mut Found) {
    for candidate in candidates {
        match candidate.refusal.clone().filter(|_| candidate.volume.stack.lacks_files()) {
            Some(error) => {
                found.excluded.push(candidate.found.excluded(error.reason, error.with_advice()));
            }
            None => found.series.push(candidate.found),
        }
    }
}

/// What makes a study: a patient and a StudyInstanceUID; without the latter each series is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct StudyKey {
    study: String,
    patient: String,
}

impl StudyKey {
    fn of(series: &DicomSeries) -> Self {
        let first = &series.slices[0];
        let study = match first.study_uid.as_str() {
            "" => format!("study-of-{}", series.id),
            uid => uid.to_owned(),
        };
        Self { study, patient: first.patient_id.clone() }
    }
}

/// Gives studies that several patients share a name each.
fn name_studies(studies: &mut BTreeMap<StudyKey, Vec<Candidate>>) {
    let mut patients: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for key in studies.keys() {
        patients.entry(key.study.clone()).or_default().push(key.patient.clone());
    }
    for (key, candidates) in studies {
        let sharing = &patients[&key.study];
        let number = sharing.iter().position(|patient| *patient == key.patient).unwrap_or(0) + 1;
        for candidate in candidates {
            let found = &mut candidate.found;
            found.study = StudyId(key.study.clone());
            if sharing.len() > 1 {
                found.study = StudyId(format!("{}_{number}", key.study));
                found.notes.push(format!(
                    "{} patients share its StudyInstanceUID: each has a study of its own, and a report of that name is nobody's",
                    sharing.len()
                ));
            }
            if key.patient.is_empty() {
                found.patient = PatientKey(found.study.to_string());
            }
        }
    }
}

/// A volume of a study.
struct Candidate {
    volume: DicomVolume,
    found: FoundSeries,
    /// Why it would not be read, as far as headers tell.
    refusal: Option<IngestError>,
}

impl Candidate {
    fn header(&self) -> &SliceHeader {
        &self.volume.stack.frames[0].header
    }

    fn class(&self) -> Class {
        if !self.volume.stack.is_candidate() {
            return Class::NoVolume;
        }
        if self.refusal.is_some() {
            return Class::Faulty;
        }
        if !self.header().is_hounsfield() {
            return Class::OtherUnit;
        }
        match (self.volume.stack.is_axial(), self.header().is_original()) {
            (true, true) => Class::AxialOriginal,
            (true, false) => Class::Axial,
            (false, true) => Class::Original,
            (false, false) => Class::Other,
        }
    }
}

/// Classes of volumes, from the most to the least wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    AxialOriginal,
    Axial,
    Original,
    Other,
    OtherUnit,
    Faulty,
    NoVolume,
}

impl Class {
    const fn words(self) -> &'static str {
        match self {
            Self::AxialOriginal => "an axial original",
            Self::Axial => "axial, but derived or secondary",
            Self::Original => "an original, but not axial",
            Self::Other => "neither axial nor original",
            Self::OtherUnit => "not in Hounsfield units",
            Self::Faulty => "refused",
            Self::NoVolume => "no volume",
        }
    }
}

fn candidates(
    series: &DicomSeries,
    root: &Path,
    policy: GeometryPolicy,
    found: &mut Found,
) -> Vec<Candidate> {
    let volumes = series.volumes();
    // A file of many frames may lie in several stacks; it counts for the first.
    let mut counted: BTreeSet<PathBuf> = BTreeSet::new();
    volumes
        .into_iter()
        .filter(|volume| !volume.stack.frames.is_empty())
        .filter_map(|volume| {
            let first = &volume.stack.frames[0].header;
            let frames = volume.stack.frames.iter();
            let files = frames.filter(|frame| counted.insert(frame.header.path.clone())).count();
            // A series that holds one volume keeps its name; the stacks of others are numbered.
            let id = match volume.of {
                1 => series.id.clone(),
                _ => format!("{}_{}", series.id, volume.number + 1),
            };
            let folder = first.path.parent().map(|folder| relative_to(folder, root));
            let identifiers = match SliceHeader::identifiers(&first.path) {
                Ok(identifiers) => identifiers,
                Err(error) => {
                    let row = ExcludedRow::new(error.reason, relative_to(&first.path, root));
                    found.excluded.push(row.detail(error.detail).files(files as u32));
                    return None;
                }
            };
            let series = FoundSeries {
                identifiers,
                modality: first.modality.clone(),
                files: files as u32,
                notes: volume.stack.warnings().cloned().collect(),
                ..FoundSeries::new(
                    SeriesId(id),
                    StudyId(first.study_uid.clone()),
                    PatientKey(first.patient_id.clone()),
                    volume.source.clone(),
                    folder.unwrap_or_default(),
                )
            };
            let refusal = volume.stack.refused(policy);
            Some(Candidate { volume, found: series, refusal })
        })
        .collect()
}

/// The primary volume of a study; the others are excluded, or follow it as what is tried in its place.
fn choose(
    mut candidates: Vec<Candidate>,
    kernels: &[String],
    excluded: &mut Vec<ExcludedRow>,
) -> Option<FoundSeries> {
    let best = candidates.iter().map(Candidate::class).min()?;
    let largest = candidates
        .iter()
        .filter(|candidate| candidate.class() == best)
        .map(|candidate| candidate.volume.stack.extent())
        .fold(0.0, f64::max);
    let short =
        |candidate: &Candidate| candidate.volume.stack.extent() < COMPARABLE_EXTENT * largest;
    candidates.sort_by_cached_key(|candidate| {
        (
            candidate.class(),
            short(candidate),
            kernel_rank(&candidate.header().kernel, kernels),
            Reverse(candidate.volume.stack.frames.len()),
            candidate.found.id.clone(),
        )
    });
    let mut candidates = candidates.into_iter();
    let chosen = candidates.next()?;
    let mut alternatives = Vec::new();
    for other in candidates {
        let (frames, kernel) = (other.volume.stack.frames.len(), &other.header().kernel);
        let why = if other.class() == Class::Faulty && chosen.class() != Class::Faulty {
            // Its own fault is the reason, whichever series is taken.
            let error = other.refusal.as_ref().expect("a faulty one has a refusal");
            let detail = format!(
                "{}; series `{}` is used in its place",
                error.with_advice(),
                chosen.found.id
            );
            excluded.push(other.found.excluded(error.reason, detail));
            continue;
        } else if other.class() != chosen.class() {
            format!("it is {}, the chosen one {}", other.class().words(), chosen.class().words())
        } else if short(&other) && !short(&chosen) {
            format!("it covers {:.0} of {largest:.0} mm", other.volume.stack.extent())
        } else if kernel_rank(kernel, kernels) != kernel_rank(&chosen.header().kernel, kernels) {
            format!("kernel `{}` is preferred to `{kernel}`", chosen.header().kernel)
        } else if frames == chosen.volume.stack.frames.len() {
            "as many slices, and the other name comes first".to_owned()
        } else {
            format!("{} slices against {frames}", chosen.volume.stack.frames.len())
        };
        if other.class() < Class::OtherUnit {
            alternatives.push(Alternative { series: other.found, why });
        } else {
            let detail = format!("series `{}` of the study was chosen: {why}", chosen.found.id);
            excluded.push(other.found.excluded(Reason::SeriesNotChosen, detail));
        }
    }
    Some(FoundSeries { alternatives, ..chosen.found })
}

/// Place of the first entry of `kernels` that `kernel` begins with; past the end where none does.
fn kernel_rank(kernel: &str, kernels: &[String]) -> usize {
    let kernel = kernel.to_lowercase();
    kernels
        .iter()
        .position(|wanted| kernel.starts_with(&wanted.to_lowercase()))
        .unwrap_or(kernels.len())
}

#[cfg(test)]
mod tests {
    use dicom::core::{DataElement, PrimitiveValue, VR};
    use dicom::dictionary_std::tags;
    use dicom::object::{FileMetaTableBuilder, InMemDicomObject};

    use super::*;
    use crate::ingest::{NamePatterns, corpus_files, sort_files};

    const AXIAL: &str = "1\\0\\0\\0\\1\\0";
    const CORONAL: &str = "1\\0\\0\\0\\0\\-1";
    const ORIGINAL: &str = "ORIGINAL\\PRIMARY\\AXIAL";

    /// Writes a series of `count` slices 2 mm apart along the normal.
    fn series(folder: &Path, uid: &str, count: usize, orientation: &str, kind: &str, kernel: &str) {
        for index in 0..count {
            let mut object = InMemDicomObject::new_empty();
            let along = index as f64 * 2.0;
            let position = if orientation == AXIAL {
                format!("0\\0\\{along}")
            } else {
                format!("0\\{along}\\0")
            };
            for (tag, vr, value) in [
                (tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.2"),
                (tags::SOP_INSTANCE_UID, VR::UI, "1.2.9"),
                (tags::STUDY_INSTANCE_UID, VR::UI, "1.5"),
                (tags::SERIES_INSTANCE_UID, VR::UI, uid),
                (tags::IMAGE_ORIENTATION_PATIENT, VR::DS, orientation),
                (tags::IMAGE_POSITION_PATIENT, VR::DS, &position),
                (tags::PIXEL_SPACING, VR::DS, "1\\1"),
                (tags::IMAGE_TYPE, VR::CS, kind),
                (tags::CONVOLUTION_KERNEL, VR::SH, kernel),
                (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
            ] {
                object.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
            }
            for (tag, value) in
                [(tags::ROWS, 2_u16), (tags::COLUMNS, 2), (tags::BITS_ALLOCATED, 16)]
            {
                object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
            }
            let words = PrimitiveValue::U16([1, 2, 3, index as u16].into_iter().collect());
            object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, words));
            let meta = FileMetaTableBuilder::new().transfer_syntax("1.2.840.10008.1.2.1");
            let file = object.with_meta(meta).expect("the meta group is complete");
            file.write_to_file(folder.join(format!("{uid}-{index}"))).expect("the file is written");
        }
    }

    fn primary(folder: &Path, kernels: &[&str]) -> (String, BTreeMap<String, String>) {
        let listed = corpus_files(folder).expect("lists");
        let files = sort_files(listed, folder, &NamePatterns::default());
        let grouped = group(&files.dicom, &[]);
        assert!(grouped.unreadable.is_empty());
        let policy = GeometryPolicy::default();
        let mut found = Found::default();
        let of_series = |series: &DicomSeries| candidates(series, folder, policy, &mut found);
        let candidates: Vec<Candidate> = grouped.series.iter().flat_map(of_series).collect();
        let mut excluded = Vec::new();
        let kernels: Vec<String> = kernels.iter().map(|&kernel| kernel.to_owned()).collect();
        let chosen = choose(candidates, &kernels, &mut excluded).expect("there is one");
        let listed = excluded.into_iter().map(|row| {
            assert_eq!(row.reason, "series_not_chosen");
            (row.series_id.unwrap_or_default(), row.detail)
        });
        let tried = chosen
            .alternatives
            .iter()
            .map(|other| (other.series.id.to_string(), other.why.clone()));
        let reasons = listed.chain(tried).collect();
        (chosen.id.to_string(), reasons)
    }

    #[test]
    fn the_primary_series_is_chosen_by_the_stated_rule() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        series(at, "1.1", 9, CORONAL, ORIGINAL, "B30f");
        series(at, "1.2", 20, AXIAL, "DERIVED\\SECONDARY", "B30f");
        series(at, "1.3", 10, AXIAL, ORIGINAL, "B70f");
        series(at, "1.4", 9, AXIAL, ORIGINAL, "b30f");
        series(at, "1.5", 5, AXIAL, ORIGINAL, "B30f");
        series(at, "1.6", 2, AXIAL, "ORIGINAL\\PRIMARY\\LOCALIZER", "");
        let (chosen, reasons) = primary(at, &[]);
        assert_eq!(chosen, "1.3", "the largest");
        assert_eq!(reasons.len(), 5);
        let (chosen, reasons) = primary(at, &["B30", "B70"]);
        assert_eq!(chosen, "1.4", "the preferred kernel among those of comparable extent");
        let says = |uid: &str, words: &str| {
            assert!(reasons[uid].contains(words), "{uid}: {}", reasons[uid]);
        };
        says("1.1", "not axial");
        says("1.2", "derived or secondary");
        says("1.3", "kernel `b30f` is preferred to `B70f`");
        says("1.5", "covers 8 of 18 mm");
        says("1.6", "no volume");
    }
}
