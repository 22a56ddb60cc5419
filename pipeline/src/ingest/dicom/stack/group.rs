//! Files into series, series into stacks.
//!
//! A series is what its files say together. Files of one SeriesInstanceUID are parted where they are of several patients,
//! studies or frames of reference; files without one belong together by study, number and folder, and are named by what
//! they hold; files that have one each are brought together where that makes a regular volume. A file that is no DICOM
//! any more, or has no pixels, makes the series incomplete that it lies with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use schemas::reason::{GeometryVerdict, Reason};

use super::copies::take_copies;
use super::divide::stacks;
use super::lost::{Lost, attribute, count, names, take_those_without_pixels};
use super::series::{DicomFiles, DicomSeries};
use crate::files::sha256_bytes;
use crate::ingest::IngestError;
use crate::ingest::archive::Files;
use crate::ingest::dicom::format::file_name;
use crate::ingest::dicom::header::SliceHeader;

/// Characters of the hash in the name of a series that has none.
const HASH_CHARACTERS: usize = 16;

/// Sorts files into series. `others` are files that lie with them and are no DICOM, with what they are.
pub fn group(files: &[PathBuf], others: &[(PathBuf, IngestError)]) -> DicomFiles {
    group_from(&Files::new(files.iter().map(PathBuf::as_path)), files, others)
}

/// As [`group`], by a reader that goes on to read the pixels.
pub(crate) fn group_from(
    reader: &Files<'_>,
    files: &[PathBuf],
    others: &[(PathBuf, IngestError)],
) -> DicomFiles {
    let mut files: Vec<_> = files.to_vec();
    files.sort_unstable();
    files.dedup();
    let headers: Vec<Result<SliceHeader, IngestError>> =
        files.par_iter().map(|path| SliceHeader::read_from(reader, path)).collect();
    let mut found = DicomFiles::default();
    let mut lost: Vec<Lost> = Vec::new();
    for (path, error) in others {
        lost.push(Lost { path: path.clone(), error: error.clone(), series: String::new() });
    }
    let mut groups: BTreeMap<Key, Vec<Arc<SliceHeader>>> = BTreeMap::new();
    for (path, header) in files.into_iter().zip(headers) {
        match header {
            Ok(header) if header.is_directory => found.directories.push(path),
            Ok(header) if header.is_cut() => {
                let detail = format!("`{}` ends inside its header", file_name(&path));
                let error = IngestError::new(Reason::VolumeTruncated, detail);
                lost.push(Lost { path, error, series: header.series_uid });
            }
            Ok(header) => groups.entry(Key::of(&header)).or_default().push(Arc::new(header)),
            Err(error) => lost.push(Lost { path, error, series: String::new() }),
        }
    }
    let mut groups = with_one_frame_of_reference(groups);
    merge_same_content(&mut groups);
    for slices in groups.values_mut() {
        take_those_without_pixels(slices, &mut lost);
        take_copies(reader, slices, &mut found.copies);
    }
    found.series = named(groups, &found.copies);
    one_uid_per_slice(&mut found.series);
    attribute(&lost, &mut found.series);
    found.unreadable = lost.into_iter().map(|lost| (lost.path, lost.error)).collect();
    found.unreadable.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// What the files of one series share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    series: String,
    patient: String,
    study: String,
    frame_of_reference: String,
    /// Number and folder, where there is no SeriesInstanceUID.
    place: Option<(Option<i64>, PathBuf)>,
}

impl Key {
    fn of(header: &SliceHeader) -> Self {
        let folder = || header.path.parent().unwrap_or(Path::new("")).to_owned();
        Self {
            series: header.series_uid.clone(),
            patient: header.patient_id.clone(),
            study: header.study_uid.clone(),
            frame_of_reference: header.frame_of_reference.clone(),
            place: header.series_uid.is_empty().then(|| (header.series_number, folder())),
        }
    }

    fn without_frame(&self) -> Self {
        Self { frame_of_reference: String::new(), ..self.clone() }
    }
}

/// Files that lack a frame of reference belong to the only one that the others of their series have.
fn with_one_frame_of_reference(
    groups: BTreeMap<Key, Vec<Arc<SliceHeader>>>,
) -> BTreeMap<Key, Vec<Arc<SliceHeader>>> {
    let mut frames: BTreeMap<Key, usize> = BTreeMap::new();
    for key in groups.keys().filter(|key| !key.frame_of_reference.is_empty()) {
        *frames.entry(key.without_frame()).or_default() += 1;
    }
    let mut merged: BTreeMap<Key, Vec<Arc<SliceHeader>>> = BTreeMap::new();
    for (key, slices) in groups {
        let bare = key.without_frame();
        let key = if frames.get(&bare) == Some(&1) { bare } else { key };
        merged.entry(key).or_default().extend(slices);
    }
    for slices in merged.values_mut() {
        slices.sort_by(|a, b| a.path.cmp(&b.path));
    }
    merged
}

/// Brings groups without a SeriesInstanceUID together that hold the same instances in several folders: what they are to each
/// other is told as for any files that lie in one series twice.
fn merge_same_content(groups: &mut BTreeMap<Key, Vec<Arc<SliceHeader>>>) {
    let mut first: BTreeMap<String, Key> = BTreeMap::new();
    let unnamed: Vec<Key> = groups.keys().filter(|key| key.series.is_empty()).cloned().collect();
    for key in unnamed {
        let name = content_name(&groups[&key]);
        match first.get(&name) {
            None => {
                first.insert(name, key);
            }
            Some(kept) => {
                let more = groups.remove(&key).unwrap_or_default();
                let all = groups.entry(kept.clone()).or_default();
                all.extend(more);
                all.sort_by(|a, b| a.path.cmp(&b.path));
            }
        }
    }
}

/// Gives each group its name.
fn named(
    groups: BTreeMap<Key, Vec<Arc<SliceHeader>>>,
    copies: &[(PathBuf, PathBuf)],
) -> Vec<DicomSeries> {
    let mut sharing: BTreeMap<String, Vec<Key>> = BTreeMap::new();
    for key in groups.iter().filter(|(_, slices)| !slices.is_empty()).map(|(key, _)| key) {
        sharing.entry(key.series.clone()).or_default().push(key.clone());
    }
    let mut copies_of: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    for (copy, kept) in copies {
        copies_of.entry(kept).or_default().push(copy);
    }
    let mut series = Vec::new();
    for (key, slices) in groups.into_iter().filter(|(_, slices)| !slices.is_empty()) {
        let others = &sharing[&key.series];
        let mut notes = Vec::new();
        let id = if key.series.is_empty() {
            notes.push(
                "no SeriesInstanceUID: the series is told by study, number and folder".into(),
            );
            content_name(&slices)
        } else if others.len() > 1 {
            let differ =
                |part: fn(&Key) -> &str| others.iter().any(|other| part(other) != part(&key));
            let parts = [
                (differ(|key| &key.patient), "patients"),
                (differ(|key| &key.study), "studies"),
                (differ(|key| &key.frame_of_reference), "frames of reference"),
            ];
            let parts: Vec<&str> =
                parts.into_iter().filter_map(|(differs, name)| differs.then_some(name)).collect();
            notes.push(format!(
                "its SeriesInstanceUID stands in files of several {}, which are kept apart",
                parts.join(" and ")
            ));
            let number = others.iter().position(|other| *other == key).unwrap_or(0) + 1;
            format!("{}_{number}", key.series)
        } else {
            key.series.clone()
        };
        let mine: Vec<&Path> = slices
            .iter()
            .filter_map(|slice| copies_of.get(slice.path.as_path()))
            .flatten()
            .copied()
            .collect();
        if !mine.is_empty() {
            notes.push(format!(
                "{} are copies of files that are used: {}",
                count(mine.len()),
                names(&mine)
            ));
        }
        series.push(DicomSeries { id, slices, notes, incomplete: None });
    }
    series.sort_by(|a, b| a.id.cmp(&b.id));
    series
}

/// A name for files that have none, of what they hold: the same wherever they lie.
fn content_name(slices: &[Arc<SliceHeader>]) -> String {
    let mut parts: Vec<String> = slices
        .iter()
        .map(|slice| match slice.sop_uid.as_str() {
            "" => format!(
                "{:?} {:?} {:?} {:?}",
                slice.patient_id, slice.study_uid, slice.instance, slice.planes
            ),
            uid => uid.to_owned(),
        })
        .collect();
    parts.sort_unstable();
    let hash = sha256_bytes(parts.join("\n").as_bytes());
    format!("unnamed-{}", &hash[..HASH_CHARACTERS])
}

/// Brings files together that have a SeriesInstanceUID each, where they make one regular volume.
fn one_uid_per_slice(series: &mut Vec<DicomSeries>) {
    let single = |series: &DicomSeries| match series.slices.as_slice() {
        [only] if only.frames() == 1 && only.pixels.is_some() && !only.is_localizer() => {
            let plane = &only.planes[0];
            Some((
                [only.patient_id.clone(), only.study_uid.clone(), only.frame_of_reference.clone()],
                [
                    only.modality.clone(),
                    only.description.clone(),
                    format!("{:?}", only.series_number),
                ],
                [only.rows, only.columns],
                format!("{:.2?} {:.3?}", plane.orientation, plane.pixel_spacing),
            ))
        }
        _ => None,
    };
    let mut alike: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, series) in series.iter().enumerate() {
        if let Some(key) = single(series) {
            alike.entry(key).or_default().push(at);
        }
    }
    let mut gone = vec![false; series.len()];
    for members in alike.into_values().filter(|members| members.len() >= 3) {
        let mut slices: Vec<_> =
            members.iter().map(|at| Arc::clone(&series[*at].slices[0])).collect();
        slices.sort_by(|a, b| a.path.cmp(&b.path));
        let note = format!("each of its {} files has a SeriesInstanceUID of its own", slices.len());
        let parts = stacks(&slices);
        if parts.len() == 1 && parts[0].verdict == GeometryVerdict::Regular {
            let first = members[0];
            for at in &members {
                gone[*at] = *at != first;
            }
            let id = content_name(&slices);
            let notes = vec![format!("{note}; together they make one volume")];
            series[first] = DicomSeries { id, slices, notes, incomplete: None };
        } else {
            for at in members {
                series[at].notes.push(format!(
                    "{} files of the study have a SeriesInstanceUID each",
                    slices.len()
                ));
            }
        }
    }
    let mut gone = gone.into_iter();
    series.retain(|_| !gone.next().unwrap_or(false));
    series.sort_by(|a, b| a.id.cmp(&b.id));
}
