//! Files that cannot be slices, and the series that lack them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::reason::Reason;

use super::series::DicomSeries;
use crate::ingest::IngestError;
use crate::ingest::dicom::format::file_name;
use crate::ingest::dicom::header::SliceHeader;

/// Names of files that a message lists.
const NAMES_IN_A_MESSAGE: usize = 4;

/// A file that cannot be a slice.
pub(super) struct Lost {
    pub(super) path: PathBuf,
    pub(super) error: IngestError,
    /// SeriesInstanceUID, where what is left of its header has it.
    pub(super) series: String,
}

/// Takes files without pixels out of a series of the same kind of images. Reports and contours stay: they are of another
/// kind.
pub(super) fn take_those_without_pixels(slices: &mut Vec<Arc<SliceHeader>>, lost: &mut Vec<Lost>) {
    let class = |slice: &Arc<SliceHeader>| (slice.sop_class.clone(), slice.modality.clone());
    let with_pixels: Vec<_> =
        slices.iter().filter(|slice| slice.pixels.is_some()).map(class).collect();
    slices.retain(|slice| {
        let bare = slice.pixels.is_none() && with_pixels.contains(&class(slice));
        if bare {
            let detail = format!("`{}` has no pixels", file_name(&slice.path));
            lost.push(Lost {
                path: slice.path.clone(),
                error: IngestError::new(Reason::NotAVolume, detail),
                series: slice.series_uid.clone(),
            });
        }
        !bare
    });
}

/// Says of each series which files it lacks: those that name it, else those that lie in its folder under a name of the same
/// ending.
pub(super) fn attribute(lost: &[Lost], series: &mut [DicomSeries]) {
    let place = |path: &Path| {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        (path.parent().unwrap_or(Path::new("")).to_owned(), ending)
    };
    let mut places: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, series) in series.iter().enumerate() {
        let mut of_series: Vec<_> = series.slices.iter().map(|slice| place(&slice.path)).collect();
        of_series.dedup();
        for place in of_series {
            let members: &mut Vec<usize> = places.entry(place).or_default();
            if members.last() != Some(&at) {
                members.push(at);
            }
        }
    }
    let mut by_uid: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, series) in series.iter().enumerate() {
        let uid = &series.slices[0].series_uid;
        if !uid.is_empty() {
            by_uid.entry(uid.clone()).or_default().push(at);
        }
    }
    let mut missing: BTreeMap<usize, Vec<&Lost>> = BTreeMap::new();
    for lost in lost.iter().filter(|lost| lost.error.may_be_a_slice()) {
        let named = by_uid.get(&lost.series).cloned().unwrap_or_default();
        let beside = || places.get(&place(&lost.path)).cloned().unwrap_or_default();
        let members = if named.is_empty() { beside() } else { named };
        if let [only] = members[..] {
            missing.entry(only).or_default().push(lost);
        } else {
            for at in members {
                series[at].notes.push(format!(
                    "`{}` lies beside its files and cannot be read: a slice may be missing",
                    file_name(&lost.path)
                ));
            }
        }
    }
    for (at, lost) in missing {
        let paths: Vec<&Path> = lost.iter().map(|lost| lost.path.as_path()).collect();
        let why = lost[0].error.detail.trim_start_matches(&format!("`{}` ", file_name(paths[0])));
        series[at].incomplete = Some(format!(
            "{} of the series cannot be read: {}; the first {why}",
            count(paths.len()),
            names(&paths)
        ));
    }
}

pub(super) fn count(files: usize) -> String {
    if files == 1 { "1 file".into() } else { format!("{files} files") }
}

pub(super) fn names(paths: &[&Path]) -> String {
    let mut names: Vec<String> = paths
        .iter()
        .take(NAMES_IN_A_MESSAGE)
        .map(|path| format!("`{}`", file_name(path)))
        .collect();
    if paths.len() > NAMES_IN_A_MESSAGE {
        names.push("…".into());
    }
    names.join(", ")
}
