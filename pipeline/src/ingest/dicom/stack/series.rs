//! Files into series, series into stacks.
//!
//! A series is what its files say together. Files of one SeriesInstanceUID are parted where they are of several patients,
//! studies or frames of reference; files without one belong together by study, number and folder, and are named by what
//! they hold; files that have one each are brought together where that makes a regular volume. A file that is no DICOM
//! any more, or has no pixels, makes the series incomplete that it lies with.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use schemas::reason::{GeometryVerdict, Reason};

use super::divide::stacks;
use super::geometry::Stack;
use crate::files::{sha256_bytes, xxh3_64};
use crate::ingest::archive::Files;
use crate::ingest::content::SNIFF_BYTES;
use crate::ingest::dicom::format::{file_name, looks_like_dicom, whole};
use crate::ingest::dicom::header::SliceHeader;
use crate::ingest::{IngestError, SeriesSource};

/// Largest file that is read whole to tell whether it is a copy.
const MAX_COPY_BYTES: u64 = 1 << 30;
/// Names of files that a message lists.
const NAMES_IN_A_MESSAGE: usize = 4;
/// Characters of the hash in the name of a series that has none.
const HASH_CHARACTERS: usize = 16;

/// The files of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct DicomSeries {
    /// SeriesInstanceUID, with a number where several series share it; where there is none, a name made of what the files
    /// hold.
    pub id: String,
    /// Headers, sorted by path.
    pub slices: Vec<Arc<SliceHeader>>,
    /// What is odd about the series as a whole.
    pub notes: Vec<String>,
    /// Which of its files cannot be read, in words.
    pub incomplete: Option<String>,
}

/// One volume of a series, or a part of it that makes none.
#[derive(Debug, Clone, PartialEq)]
pub struct DicomVolume {
    /// Its frames and the verdict on them.
    pub stack: Stack,
    /// Number among the series's stacks, from 0.
    pub number: usize,
    /// Number of stacks of the series.
    pub of: usize,
    /// What to hand to [`crate::ingest::read_series`].
    pub source: SeriesSource,
}

/// DICOM files as series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DicomFiles {
    /// Series, by their names.
    pub series: Vec<DicomSeries>,
    /// Files that are part of no series, with the reason, by path.
    pub unreadable: Vec<(PathBuf, IngestError)>,
    /// Files that hold what another file of the same series holds, with that file.
    pub copies: Vec<(PathBuf, PathBuf)>,
    /// Directories of other files (DICOMDIR), under whatever name.
    pub directories: Vec<PathBuf>,
}

impl DicomSeries {
    /// The series's stacks, the largest first.
    pub fn volumes(&self) -> Vec<DicomVolume> {
        let mut stacks = stacks(&self.slices);
        for stack in &mut stacks {
            if let Some(detail) = &self.incomplete {
                stack.is_incomplete(detail);
            }
            stack.notes.extend(self.notes.iter().cloned());
        }
        let of = stacks.len();
        let every = || self.slices.iter().map(|slice| slice.path.clone()).collect();
        stacks
            .into_iter()
            .enumerate()
            .map(|(number, stack)| {
                let source = if of == 1 {
                    SeriesSource::Dicom(every())
                } else {
                    SeriesSource::DicomStack { files: every(), stack: number }
                };
                DicomVolume { stack, number, of, source }
            })
            .collect()
    }
}

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

/// A file that cannot be a slice.
struct Lost {
    path: PathBuf,
    error: IngestError,
    /// SeriesInstanceUID, where what is left of its header has it.
    series: String,
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

/// Takes files without pixels out of a series of the same kind of images. Reports and contours stay: they are of another
/// kind.
fn take_those_without_pixels(slices: &mut Vec<Arc<SliceHeader>>, lost: &mut Vec<Lost>) {
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

/// Takes files out that hold the same as another one of the series.
fn take_copies(
    reader: &Files<'_>,
    slices: &mut Vec<Arc<SliceHeader>>,
    copies: &mut Vec<(PathBuf, PathBuf)>,
) {
    // Only files that call themselves one instance, or lie at one place without a name, are compared.
    let mut same: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, slice) in slices.iter().enumerate() {
        let key = match slice.sop_uid.as_str() {
            "" => format!(
                "{:?} {:?}",
                slice.instance,
                slice.planes.first().map(|plane| plane.position)
            ),
            uid => uid.to_owned(),
        };
        same.entry(key).or_default().push(at);
    }
    let mut taken = vec![false; slices.len()];
    for members in same.into_values().filter(|members| members.len() > 1) {
        let sums: Vec<_> = members.par_iter().map(|at| pixel_sum(reader, &slices[*at])).collect();
        for (later, at) in members.iter().enumerate().skip(1) {
            let sum = &sums[later];
            let first = (0..later)
                .find(|earlier| sum.is_ok() && sums[*earlier].as_ref().ok() == sum.as_ref().ok());
            if let Some(first) = first {
                taken[*at] = true;
                copies.push((slices[*at].path.clone(), slices[members[first]].path.clone()));
            }
        }
    }
    let mut taken = taken.into_iter();
    slices.retain(|_| !taken.next().unwrap_or(false));
}

/// Hash of what a file holds that a volume is made of: places, rescale and pixels.
fn pixel_sum(reader: &Files<'_>, slice: &SliceHeader) -> Result<u64, IngestError> {
    let opened = whole(reader, &slice.path, MAX_COPY_BYTES)?;
    let offset = slice.pixels.map_or(opened.bytes.len(), |pixels| pixels.offset as usize);
    let facts = format!("{:?} {:?} {}", slice.planes, slice.cell, slice.transfer_syntax);
    let pixels = opened.bytes.get(offset..).unwrap_or_default();
    Ok(xxh3_64(facts.as_bytes()) ^ xxh3_64(pixels))
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
        let mine: Vec<&Path> = copies
            .iter()
            .filter(|(_, kept)| slices.binary_search_by(|slice| slice.path.cmp(kept)).is_ok())
            .map(|(copy, _)| copy.as_path())
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

/// Says of each series which files it lacks: those that name it, else those that lie in its folder under a name of the same
/// ending.
fn attribute(lost: &[Lost], series: &mut [DicomSeries]) {
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
    let mut missing: BTreeMap<usize, Vec<&Lost>> = BTreeMap::new();
    for lost in lost.iter().filter(|lost| lost.error.may_be_a_slice()) {
        let named: Vec<usize> = series
            .iter()
            .enumerate()
            .filter(|(_, series)| {
                !lost.series.is_empty() && series.slices[0].series_uid == lost.series
            })
            .map(|(at, _)| at)
            .collect();
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

fn count(files: usize) -> String {
    if files == 1 { "1 file".into() } else { format!("{files} files") }
}

fn names(paths: &[&Path]) -> String {
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

/// Whether the file, which may lie in an archive, looks like a DICOM file, with or without preamble.
///
/// # Errors
///
/// The system's.
pub fn is_dicom(path: &Path) -> io::Result<bool> {
    let reader = Files::new(std::iter::once(path));
    let (start, _) = reader.start(path, SNIFF_BYTES)?;
    Ok(looks_like_dicom(&start))
}
