//! What a layout finds, and the helpers that layouts share.

use std::collections::BTreeMap;
use std::path::Path;

use schemas::ids::{PatientKey, SeriesId, StudyId};
use schemas::manifest::CorpusSection;
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;

use crate::files::path_text;
use crate::ingest::dicom::DicomFiles;
use crate::ingest::{IngestError, SeriesSource, SortedFiles};

/// What a layout finds on disk.
#[derive(Debug, Default)]
pub struct Found {
    /// Series, in any order.
    pub series: Vec<FoundSeries>,
    /// Inputs that are left out before a voxel is read.
    pub excluded: Vec<ExcludedRow>,
    /// Files that are neither used nor listed, by what leaves them out.
    pub ignored: BTreeMap<String, u64>,
}

/// A series met on disk, before reports are matched to it.
#[derive(Debug, Clone)]
pub struct FoundSeries {
    /// The series.
    pub id: SeriesId,
    /// Its study.
    pub study: StudyId,
    /// Its patient.
    pub patient: PatientKey,
    /// What names the patient or the visit.
    pub identifiers: Vec<String>,
    /// The split the layout itself names, where it does.
    pub corpus_split: Option<String>,
    /// Modality, as DICOM names it; empty where the layout does not know it or the files name it themselves.
    pub modality: String,
    /// Its files.
    pub source: SeriesSource,
    /// Files that it stands for in the account of the corpus: those that no other series of the same files counts.
    pub files: u32,
    /// Where it lies, relative to the corpus: the file, or the folder of a DICOM series.
    pub relative: String,
    /// What is odd about it as a whole and was accepted.
    pub notes: Vec<String>,
    /// Series that are tried in its place, in their order, where it turns out not to be sound when it is read.
    pub alternatives: Vec<Alternative>,
}

/// A series that another one of its study is preferred to.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// The series.
    pub series: FoundSeries,
    /// Why the other one is preferred.
    pub why: String,
}

/// A name without the ending of an image, packed or not, in any case.
pub(in crate::plan) fn stem(name: &str) -> &str {
    let without = |name: &str, ending: &str| -> Option<usize> {
        let at = name.len().checked_sub(ending.len()).filter(|at| name.is_char_boundary(*at))?;
        name[at..].eq_ignore_ascii_case(ending).then_some(at)
    };
    let packed = [".gz", ".zst"].iter().find_map(|ending| without(name, ending));
    let name = packed.map_or(name, |at| &name[..at]);
    let endings = [".nii", ".nrrd", ".nhdr", ".mha", ".mhd"];
    let plain = endings.iter().find_map(|ending| without(name, ending));
    plain.map_or(name, |at| &name[..at])
}

impl Found {
    /// Leaves one file out.
    pub(super) fn leave_out(&mut self, path: &Path, root: &Path, error: &IngestError) {
        let row = ExcludedRow::new(error.reason, relative_to(path, root));
        self.excluded.push(row.detail(error.with_advice()).files(1));
    }

    /// Leaves out what is left of `files` when `layout` took what it reads.
    pub(super) fn leave_out_rest(&mut self, files: &SortedFiles, layout: &str, root: &Path) {
        for (paths, kind) in
            [(&files.dicom, "a DICOM file"), (&files.images, "an image with a header of its own")]
        {
            let detail = format!("is {kind}, which the layout `{layout}` does not read");
            let error = IngestError::new(Reason::VolumeUnsupported, detail);
            for path in paths {
                self.leave_out(path, root, &error);
            }
        }
        for (path, error) in &files.others {
            self.leave_out(path, root, error);
        }
    }

    /// Leaves out a series whose modality the manifest does not ask for.
    pub(super) fn leave_out_modality(&mut self, series: &FoundSeries, corpus: &CorpusSection) {
        let detail = format!(
            "the modality is `{}`, and `[corpus] modality` asks for {}",
            series.modality,
            corpus.modality.join(", ")
        );
        self.excluded.push(series.excluded(Reason::SeriesNotChosen, detail));
    }

    /// The same name in two folders would be one identifier for two volumes: the first by path stays.
    pub(super) fn keep_first(&mut self) {
        self.series.sort_by(|a, b| (&a.id, &a.relative).cmp(&(&b.id, &b.relative)));
        let mut unique: Vec<FoundSeries> = Vec::with_capacity(self.series.len());
        for series in self.series.drain(..) {
            match unique.last() {
                Some(last) if last.id == series.id => {
                    let detail = format!("`{}` has the same name", last.relative);
                    self.excluded.push(series.excluded(Reason::UnknownName, detail));
                }
                _ => unique.push(series),
            }
        }
        self.series = unique;
    }

    /// Counts files that are ignored.
    pub(in crate::plan) fn ignore(&mut self, what: &str, files: usize) {
        if files > 0 {
            *self.ignored.entry(what.to_owned()).or_default() += files as u64;
        }
    }

    /// Accounts for the DICOM files that are part of no series.
    pub(super) fn account(&mut self, files: &DicomFiles, root: &Path) {
        for (path, error) in &files.unreadable {
            self.leave_out(path, root, error);
        }
        for (copy, kept) in &files.copies {
            let detail = format!("is a copy of `{}`, which is used", relative_to(kept, root));
            self.leave_out(copy, root, &IngestError::new(Reason::Copy, detail));
        }
        self.ignore("DICOMDIR", files.directories.len());
    }
}

/// Whether the manifest asks for a modality; where it names none, or none is known, for every one.
pub(super) fn is_wanted(modality: &str, corpus: &CorpusSection) -> bool {
    corpus.modality.is_empty()
        || modality.is_empty()
        || corpus.modality.iter().any(|wanted| wanted.eq_ignore_ascii_case(modality))
}

impl FoundSeries {
    /// A series at `relative`, of which nothing more is known.
    pub fn new(
        id: SeriesId,
        study: StudyId,
        patient: PatientKey,
        source: SeriesSource,
        relative: String,
    ) -> Self {
        Self {
            id,
            study,
            patient,
            identifiers: Vec::new(),
            corpus_split: None,
            modality: String::new(),
            files: source.count(),
            source,
            relative,
            notes: Vec::new(),
            alternatives: Vec::new(),
        }
    }

    /// The row that says why the series is left out.
    pub fn excluded(&self, reason: Reason, detail: impl Into<String>) -> ExcludedRow {
        ExcludedRow::new(reason, self.relative.clone())
            .series(&self.id)
            .study(&self.study)
            .patient(&self.patient)
            .detail(detail)
            .files(self.files)
    }
}

/// `path` relative to `root`, with forward slashes.
pub(in crate::plan) fn relative_to(path: &Path, root: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative
        .components()
        .filter(|part| !matches!(part, std::path::Component::CurDir))
        .map(|part| path_text(Path::new(part.as_os_str())))
        .collect();
    parts.join("/")
}
