//! One unit: its studies are read, their views made, its shards written, its outcome given.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use schemas::ids::SampleId;
use schemas::lock::SourceObject;
use schemas::manifest::{Manifest, Recipe};
use schemas::outcome::{ShardFile, UnitOutcome};
use schemas::reason::Reason;
use schemas::tables::{ExcludedRow, IndexRow, VolumeRow};

use super::in_order::{Completion, for_each_in_order};
use super::observe::{Cancel, Observer};
use super::views::{ViewedSeries, make_views_with_sums};
use crate::files::sha256_bytes;
use crate::ingest::{IngestError, ReadOptions, SeriesFacts, SourceSums};
use crate::plan::{SeriesPlan, StudyPlan, Unit, View};
use crate::shard::{SampleIds, VoxelWriter};
use crate::volume::ViewTensor;

/// A series after it was read: its row and tensors, or its refusal.
struct Finished<'a> {
    study: &'a StudyPlan,
    series: &'a SeriesPlan,
    sources: BTreeMap<String, SourceObject>,
    /// The row of the volume, and its views with their hashes.
    result: Result<(VolumeRow, Vec<(ViewTensor, u64)>), IngestError>,
}

/// Runs `unit` and writes its shards below `release`. Gives none when it was cancelled.
pub(super) fn run_unit(
    unit: &Unit,
    manifest: &Manifest,
    views: &[View],
    release: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> io::Result<Option<UnitOutcome>> {
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
            take(item, views, &mut writers, &mut outcome, observer)?;
            observer.advance(1);
            Ok::<(), io::Error>(())
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
    let Finished { study, series, sources, result } = item;
    outcome.sources.extend(sources);
    let (row, tensors) = match result {
        Ok(made) => made,
        Err(error) => {
            observer.excluded(&series.relative, error.reason.code(), &error.detail);
            outcome.excluded.push(
                ExcludedRow::new(error.reason, &series.relative)
                    .series(&series.id)
                    .study(&study.id)
                    .patient(&study.patient)
                    .detail(error.detail),
            );
            return Ok(());
        }
    };
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

fn read_one<'a>(
    study: &'a StudyPlan,
    series: &'a SeriesPlan,
    manifest: &Manifest,
    recipes: &[Recipe],
) -> Finished<'a> {
    let options = ReadOptions::new(&manifest.corpus, &manifest.limits);
    let sums = SourceSums::default();
    // A panic is a defect of ours; it costs one series and says so, not the run.
    let made = catch_unwind(AssertUnwindSafe(|| {
        let (viewed, tensors) = make_views_with_sums(
            &series.source,
            &series.acquisition,
            &options,
            recipes,
            Some(&sums),
        )?;
        let hashed = tensors.into_iter().map(|tensor| {
            let xxh3 = tensor.xxh3();
            (tensor, xxh3)
        });
        Ok((viewed, hashed.collect()))
    }))
    .unwrap_or_else(|panic| {
        Err(IngestError::new(Reason::InternalError, panic_text(panic.as_ref())))
    });
    let (sources, result) = match (source_objects(series, &manifest.corpus.root, &sums), made) {
        (Ok(sources), Ok((viewed, tensors))) => {
            let row = volume_row(study, series, viewed, &sources);
            (sources, Ok((row, tensors)))
        }
        (sources, Err(error)) => (sources.unwrap_or_default(), Err(error)),
        (Err(error), Ok(_)) => (BTreeMap::new(), Err(error)),
    };
    Finished { study, series, sources, result }
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
        let sum = sums.sum(path).map_err(IngestError::unreadable)?;
        sources.insert(source_name(path, root), sum);
    }
    Ok(sources)
}

/// The name of a source in the lock: its path relative to the corpus.
pub(super) fn source_name(path: &Path, root: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    relative.to_string_lossy().trim_start_matches("./").to_owned()
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
    let SeriesFacts { modality, rescale_source, nan_fraction, warnings, geometry } = facts;
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
        source_sha256,
        format: series.source.format().into(),
        modality,
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
