//! What identifies a unit's work: when it changes, the unit is done anew.

use std::path::Path;
use std::time::UNIX_EPOCH;

use schemas::manifest::{FramePolicy, IntensityPolicy, Manifest, Remedy, SpacingPolicy};
use serde::Serialize;

use super::study::{SeriesPlan, StudyPlan};
use super::view::View;
use crate::files::{path_text, sha256_bytes};

/// Number of the code of one stage, by the stage's name: raised when the stage gives other bytes for the
/// same input.
pub type StageRevision = (&'static str, u32);

/// Everything that a unit's voxels and its rows in the table of volumes depend on, and nothing else: a changed
/// licence, report file, column name, label policy, lexicon or split does not cost the volumes again.
///
/// Neither times nor the place of the corpus enter, so that it may stand in a release. Whether the sources hold
/// the same bytes as before is told by a [`stamp`] or, where there is none, by their sums.
#[derive(Serialize)]
struct Work<'a> {
    revisions: &'a [StageRevision],
    views: &'a [View],
    intensity: IntensityPolicy,
    tilt: Remedy,
    gaps: Remedy,
    duplicates: Remedy,
    frames: FramePolicy,
    spacing: SpacingPolicy,
    decompressed_mib: u32,
    series: Vec<SeriesWork<'a>>,
}

/// What is read of one series, and what is known of it besides.
#[derive(Serialize)]
struct SeriesWork<'a> {
    patient: &'a str,
    study: &'a str,
    series: &'a str,
    relative: &'a str,
    format: &'static str,
    bytes: u64,
    /// Slope and intercept from the metadata.
    rescale: Option<[f32; 2]>,
    /// Voxel size from the metadata.
    spacing: Option<[f64; 3]>,
    /// What is wrong with the metadata.
    modality: &'a str,
    faults: &'a [String],
    notes: &'a [String],
    files: u32,
    why_not: &'a str,
    alternatives: Vec<SeriesWork<'a>>,
}

/// Fingerprint of the work on `studies`.
pub(super) fn fingerprint(
    manifest: &Manifest,
    views: &[View],
    revisions: &[StageRevision],
    studies: &[StudyPlan],
) -> String {
    let corpus = &manifest.corpus;
    let work = Work {
        revisions,
        views,
        intensity: corpus.intensity,
        tilt: corpus.tilt,
        gaps: corpus.gaps,
        duplicates: corpus.duplicates,
        frames: corpus.frames,
        spacing: corpus.spacing,
        decompressed_mib: manifest.limits.decompressed_mib,
        series: series(studies).map(|(study, series)| series_work(study, series)).collect(),
    };
    let text = serde_json::to_vec(&work).expect("a fingerprint is plain data");
    sha256_bytes(&text)
}

/// Hash of names, sizes and times of change of the files of `studies`: equal, they are taken as unchanged
/// without being read.
pub(super) fn stamp(root: &Path, studies: &[StudyPlan]) -> String {
    let mut text = String::new();
    for (_, series) in series(studies) {
        for path in series.every_file() {
            let metadata = std::fs::metadata(&path).ok();
            let bytes = metadata.as_ref().map_or(0, std::fs::Metadata::len);
            let changed = metadata
                .and_then(|metadata| metadata.modified().ok())
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
                .map_or(0, |time| time.as_nanos());
            let name = path_text(path.strip_prefix(root).unwrap_or(&path));
            text += &format!("{name} {bytes} {changed}\n");
        }
    }
    sha256_bytes(text.as_bytes())
}

fn series(studies: &[StudyPlan]) -> impl Iterator<Item = (&StudyPlan, &SeriesPlan)> {
    studies.iter().flat_map(|study| study.series.iter().map(move |series| (study, series)))
}

fn series_work<'a>(study: &'a StudyPlan, series: &'a SeriesPlan) -> SeriesWork<'a> {
    SeriesWork {
        patient: study.patient.as_str(),
        study: study.id.as_str(),
        series: series.id.as_str(),
        relative: &series.relative,
        format: series.source.format(),
        bytes: series.bytes,
        rescale: series.acquisition.rescale.map(|map| [map.slope, map.intercept]),
        spacing: series.acquisition.spacing,
        modality: &series.acquisition.modality,
        faults: &series.acquisition.faults,
        notes: &series.notes,
        files: series.files,
        why_not: &series.why_not,
        alternatives: series.alternatives.iter().map(|other| series_work(study, other)).collect(),
    }
}
