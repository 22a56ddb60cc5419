//! One unit: its studies are read, their views made, its shards written, its outcome given.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use schemas::ids::SampleId;
use schemas::lock::SourceObject;
use schemas::manifest::{Manifest, Recipe, Unreadable};
use schemas::outcome::{ShardFile, UnitOutcome};
use schemas::reason::Reason;
use schemas::tables::{ExcludedRow, IndexRow, VolumeRow};

use super::in_order::{Completion, for_each_in_order};
use super::observe::{Cancel, Observer};
use super::run_error::RunError;
use super::views::{ViewedSeries, make_views_with_sums};
use crate::files::{path_text, sha256_bytes};
use crate::ingest::{IngestError, ReadOptions, SeriesFacts, SourceSums};
use crate::plan::{SeriesPlan, StudyPlan, Unit, View};
use crate::shard::{SampleIds, VoxelWriter};
use crate::volume::ViewTensor;

/// How often a source is tried that the system does not give, and how long is waited before each further try.
const TRIES: u32 = 3;
const WAIT: Duration = Duration::from_millis(100);

/// The row of a volume, and its views with their hashes.
type Made = (VolumeRow, Vec<(ViewTensor, u64)>);

/// A series after it was read: its row and tensors, or the refusals of it and of what was tried in its place.
struct Finished<'a> {
    study: &'a StudyPlan,
    sources: BTreeMap<String, SourceObject>,
    made: Option<(&'a SeriesPlan, Made)>,
    refused: Vec<(&'a SeriesPlan, IngestError)>,
    /// Series that were not tried, since another one was read.
    untried: Vec<&'a SeriesPlan>,
}

/// Runs `unit` and writes its shards below `release`. Gives none when it was cancelled.
pub(super) fn run_unit(
    unit: &Unit,
    manifest: &Manifest,
    views: &[View],
    release: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Option<UnitOutcome>, RunError> {
    let mut writers = Vec::new();
    for view in views {
        let path = shard_path(&view.name, &unit.id);
        let writer = VoxelWriter::create(&release.join(&path), &view.name, &view.recipe)?;
        writers.push((path, writer));
    }
    let recipes: Vec<Recipe> = views.iter().map(|view| view.recipe.clone()).collect();
    let slab_above_mib = manifest.limits.slab_above_mib;
    let mut outcome = UnitOutcome::new(&unit.fingerprint, &unit.stamp, slab_above_mib);
    let work: Vec<(&StudyPlan, &SeriesPlan)> = unit
        .studies
        .iter()
        .flat_map(|study| study.series.iter().map(move |series| (study, series)))
        .collect();
    let all = for_each_in_order(
        work.len(),
        |at| {
            let (study, series) = work[at];
            read_one(study, series, manifest, &recipes)
        },
        || cancel.is_set(),
        |item| {
            let unread = item.refused.iter().find(|(_, error)| error.reason == Reason::Unreadable);
            if let (Some((series, error)), Unreadable::Stop) = (unread, manifest.limits.unreadable)
            {
                let (source_name, detail) = (series.relative.clone(), error.detail.clone());
                return Err(RunError::Read { source_name, detail });
            }
            take(item, views, &mut writers, &mut outcome, observer)?;
            observer.advance(1);
            Ok::<(), RunError>(())
        },
    )?;
    if all == Completion::Cancelled {
        return Ok(None);
    }
    for (path, writer) in writers {
        let (sha256, bytes) = writer.finish()?;
        outcome.shards.push(ShardFile { path, bytes, sha256 });
    }
    Ok(Some(outcome))
}

fn take(
    item: Finished<'_>,
    views: &[View],
    writers: &mut [(String, VoxelWriter)],
    outcome: &mut UnitOutcome,
    observer: &dyn Observer,
) -> io::Result<()> {
    let Finished { study, sources, made, refused, untried } = item;
    outcome.sources.extend(sources);
    let mut leave_out = |series: &SeriesPlan, reason: Reason, detail: String| {
        outcome.excluded.push(
            ExcludedRow::new(reason, &series.relative)
                .series(&series.id)
                .study(&study.id)
                .patient(&study.patient)
                .detail(detail)
                .files(series.files),
        );
    };
    for (series, error) in refused {
        let detail = error.with_advice();
        observer.excluded(&series.relative, error.reason.code(), &detail);
        leave_out(series, error.reason, detail);
    }
    let Some((series, (row, tensors))) = made else { return Ok(()) };
    for other in untried {
        let detail = format!("series `{}` of the study was chosen: {}", series.id, other.why_not);
        leave_out(other, Reason::SeriesNotChosen, detail);
    }
    outcome.volumes.push(row);
    for ((view, (path, writer)), (tensor, xxh3)) in views.iter().zip(writers).zip(&tensors) {
        let sample = SampleId::new(&series.id, &view.name);
        let ids = SampleIds {
            sample: &sample,
            series: &series.id,
            study: &study.id,
            patient: &study.patient,
        };
        let placement = writer.push(ids, tensor, *xxh3)?;
        outcome.index.push(IndexRow {
            sample_id: sample.to_string(),
            series_id: series.id.to_string(),
            study_id: study.id.to_string(),
            patient_key: study.patient.to_string(),
            split: study.split.name().into(),
            view: view.name.clone(),
            shard: path.clone(),
            batch: placement.batch,
            offset: placement.offset,
            length: placement.length,
            dtype: tensor.dtype.name().into(),
            shape: tensor.shape.map(|size| size as u32),
            spacing: tensor.affine.spacing(),
            affine: tensor.affine.to_row_major(),
            crop_starts: tensor.crop_starts.concat(),
            xxh3: *xxh3,
        });
    }
    Ok(())
}

/// Reads a series, or the first of those that stand in for it that can be read.
fn read_one<'a>(
    study: &'a StudyPlan,
    series: &'a SeriesPlan,
    manifest: &Manifest,
    recipes: &[Recipe],
) -> Finished<'a> {
    let mut finished = Finished {
        study,
        sources: BTreeMap::new(),
        made: None,
        refused: Vec::new(),
        untried: Vec::new(),
    };
    for candidate in std::iter::once(series).chain(&series.alternatives) {
        if finished.made.is_some() {
            finished.untried.push(candidate);
            continue;
        }
        let (sources, result) = read_patiently(study, candidate, manifest, recipes);
        finished.sources.extend(sources);
        match result {
            Ok((mut row, tensors)) => {
                row.warnings.extend(finished.refused.iter().map(|(preferred, error)| {
                    format!(
                        "series `{}` was preferred and is refused: {}",
                        preferred.id, error.detail
                    )
                }));
                finished.made = Some((candidate, (row, tensors)));
            }
            Err(error) => {
                let unread = error.reason == Reason::Unreadable;
                finished.refused.push((candidate, error));
                if unread {
                    // What the system does not give is no reason to take another series.
                    break;
                }
            }
        }
    }
    finished
}

/// The files of a series with their sums, and what was made of it.
type Read = (BTreeMap<String, SourceObject>, Result<Made, IngestError>);

/// Reads a series, some times where the system does not give it at once.
fn read_patiently(
    study: &StudyPlan,
    series: &SeriesPlan,
    manifest: &Manifest,
    recipes: &[Recipe],
) -> Read {
    let mut tried = 1;
    loop {
        let read = try_to_read(study, series, manifest, recipes);
        let unread = matches!(&read.1, Err(error) if error.reason == Reason::Unreadable);
        if !unread || tried == TRIES {
            return read;
        }
        std::thread::sleep(WAIT * tried);
        tried += 1;
    }
}

fn try_to_read(
    study: &StudyPlan,
    series: &SeriesPlan,
    manifest: &Manifest,
    recipes: &[Recipe],
) -> Read {
    let options = ReadOptions::new(&manifest.corpus, &manifest.limits);
    let sums = SourceSums::default();
    // A panic is a defect of ours; it costs one series and says so, not the run.
    let made = catch_unwind(AssertUnwindSafe(|| {
        let (mut viewed, tensors) = make_views_with_sums(
            &series.source,
            &series.acquisition,
            &options,
            recipes,
            Some(&sums),
        )?;
        for note in &series.notes {
            if !viewed.facts.warnings.contains(note) {
                viewed.facts.warnings.push(note.clone());
            }
        }
        let hashed = tensors.into_iter().map(|tensor| {
            let xxh3 = tensor.xxh3();
            (tensor, xxh3)
        });
        Ok((viewed, hashed.collect()))
    }))
    .unwrap_or_else(|panic| {
        Err(IngestError::new(Reason::InternalError, panic_text(panic.as_ref())))
    });
    match (source_objects(series, &manifest.corpus.root, &sums), made) {
        (Ok(sources), Ok((viewed, tensors))) => {
            let row = volume_row(study, series, viewed, &sources);
            (sources, Ok((row, tensors)))
        }
        (sources, Err(error)) => (sources.unwrap_or_default(), Err(error)),
        (Err(error), Ok(_)) => (BTreeMap::new(), Err(error)),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    format!("a defect in radloom, please report it with this file: {text}")
}

/// The files of a series with their sums. A refused source may not have been read to its end; it is read for its sum.
fn source_objects(
    series: &SeriesPlan,
    root: &Path,
    sums: &SourceSums,
) -> Result<BTreeMap<String, SourceObject>, IngestError> {
    let mut sources = BTreeMap::new();
    for path in series.source.files() {
        let sum = sums.sum(&path).map_err(IngestError::unreadable)?;
        sources.insert(source_name(&path, root), sum);
    }
    Ok(sources)
}

/// The name of a source in the lock: its path relative to the corpus.
pub(super) fn source_name(path: &Path, root: &Path) -> String {
    path_text(path.strip_prefix(root).unwrap_or(path)).trim_start_matches("./").to_owned()
}

/// The shard of `view` that `unit` makes, relative to the release.
pub(super) fn shard_path(view: &str, unit: &str) -> String {
    format!("shards/{view}-{unit}.arrow")
}

fn volume_row(
    study: &StudyPlan,
    series: &SeriesPlan,
    viewed: ViewedSeries,
    sources: &BTreeMap<String, SourceObject>,
) -> VolumeRow {
    let ViewedSeries { dims, affine, facts, intensities } = viewed;
    // Every fact by name: one that is added has a place in the row or fails to compile.
    let SeriesFacts { modality, unit, rescale_source, nan_fraction, warnings, geometry } = facts;
    let source_sha256 = match sources.values().next() {
        Some(only) if sources.len() == 1 => only.sha256.clone(),
        _ => {
            let list: String = sources.values().map(|file| format!("{}\n", file.sha256)).collect();
            sha256_bytes(list.as_bytes())
        }
    };
    VolumeRow {
        series_id: series.id.to_string(),
        study_id: study.id.to_string(),
        patient_key: study.patient.to_string(),
        split: study.split.name().into(),
        source: series.relative.clone(),
        source_bytes: sources.values().map(|file| file.bytes).sum(),
        source_files: series.files,
        source_sha256,
        format: series.source.format().into(),
        modality,
        unit,
        source_shape: dims.map(|size| size as u32),
        source_spacing: affine.spacing(),
        source_affine: affine.to_row_major(),
        source_orientation: affine.axis_codes(),
        verdict: geometry.verdict.name().into(),
        obliquity: affine.obliquity(),
        slice_step_min_mm: geometry.facts.step_min_mm,
        slice_step_max_mm: geometry.facts.step_max_mm,
        max_gap_mm: geometry.facts.max_gap_mm,
        missing_slices: geometry.facts.missing_slices,
        duplicate_slices: geometry.facts.duplicate_slices,
        tilt_degrees: geometry.facts.tilt_degrees,
        repaired: geometry.repaired,
        padding_fraction: geometry.padding_fraction,
        rescale_source: rescale_source.into(),
        hu_min: intensities.statistics.min,
        hu_max: intensities.statistics.max,
        hu_mean: intensities.statistics.mean,
        air_peak_hu: intensities.air_peak,
        first_percentile_hu: intensities.first_percentile,
        saturated_fraction: intensities.saturated_fraction,
        nan_fraction,
        warnings,
    }
}
