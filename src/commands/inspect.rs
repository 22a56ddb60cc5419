//! `radloom inspect`: what a path holds and what is wrong with it, one object per series.

use std::path::{Path, PathBuf};

use pipeline::files::path_text;
use pipeline::ingest::dicom::{self, DicomVolume};
use pipeline::ingest::{
    Acquisition, IngestError, NamePatterns, ReadOptions, SeriesSource, SortedFiles, archive_of,
    corpus_files, read_series, sort_files,
};
use pipeline::quality::assess;
use pipeline::release::{Contents, release_at};
use schemas::manifest::{GeometryPolicy, IntensityPolicy, LimitsSection, is_address};
use schemas::reason::Reason;
use serde_json::{Value, json};

use crate::cli::{Common, InspectArgs};
use crate::failure::{DONE, FAILED, Failure};
use crate::gallery::montage;
use crate::progress::print;
use crate::settings::use_threads;

pub(super) fn run(args: &InspectArgs, common: &Common) -> Result<u8, Failure> {
    use_threads(common.threads.unwrap_or(0))?;
    if !is_address(&args.path) {
        std::fs::metadata(&args.path).map_err(Failure::io(&args.path))?;
    }
    let release = release_at(&args.path)?;
    if release.join("release.lock").is_file() {
        return show_release(&release, common);
    }
    let series = find(&args.path)?;
    if series.is_empty() {
        return Err(Failure::Usage(format!(
            "`{}` holds no image and nothing that might be one",
            args.path.display()
        )));
    }
    if args.montage.is_some() && series.len() != 1 {
        return Err(Failure::Usage(format!(
            "`--montage` shows one series, and `{}` holds {}",
            args.path.display(),
            series.len()
        )));
    }
    let mut whole = true;
    for found in &series {
        let value = inspect(found, args.montage.as_deref())?;
        whole &= value["verdict"] == "regular";
        if common.json {
            print(&value.to_string());
        } else {
            print(&line(&value));
        }
    }
    Ok(if whole || common.json { DONE } else { FAILED })
}

fn show_release(release: &Path, common: &Common) -> Result<u8, Failure> {
    let contents = Contents::read(release)?;
    let value = json!({
        "path": release,
        "release_id": contents.release_id,
        "name": contents.lock.name,
        "version": contents.lock.data_version,
        "tool": contents.lock.tool,
        "studies": contents.included_studies,
        "volumes": contents.included,
        "excluded": contents.excluded,
    });
    if common.json {
        print(&value.to_string());
    } else {
        print(&format!(
            "release `{}` {} by {}: {} studies, {} volumes\nid {}",
            contents.lock.name,
            contents.lock.data_version,
            contents.lock.tool,
            contents.included_studies,
            contents.included,
            contents.release_id
        ));
    }
    Ok(DONE)
}

/// What is inspected: a NIfTI file, or one volume of a DICOM series.
struct Found {
    path: PathBuf,
    source: SeriesSource,
    volume: Option<DicomVolume>,
    /// Why a DICOM file could not be read at all.
    unreadable: Option<IngestError>,
}

/// Series at or below `path`, sorted: NIfTI files by name, DICOM files grouped by series and divided into volumes, and what
/// is neither.
fn find(path: &Path) -> Result<Vec<Found>, Failure> {
    let listed = corpus_files(path).map_err(Failure::io(path))?;
    // A file that is named is looked at as an image, whatever its name.
    let named = listed.files.len() == 1 && listed.files[0] == path;
    let SortedFiles { dicom, mut images, others, ignored } =
        sort_files(listed, path, &NamePatterns::default());
    let is_header =
        |path: &Path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("hdr"));
    let (named_ones, others): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|(file, _)| named || is_header(file));
    images.extend(named_ones.into_iter().map(|(file, _)| file));
    images.extend(ignored.into_values().flatten().filter(|_| named));
    let mut found: Vec<Found> = images
        .into_iter()
        .map(|file| Found {
            path: file.clone(),
            source: SeriesSource::Nifti(file),
            volume: None,
            unreadable: None,
        })
        .collect();
    // Files of one series may lie in several folders; series in one folder are kept apart.
    let grouped = dicom::group(&dicom, &others);
    for series in &grouped.series {
        let first = &series.slices[0].path;
        let place = match series.slices.len() {
            1 => first.clone(),
            _ => first.parent().unwrap_or(Path::new("")).to_owned(),
        };
        found.extend(series.volumes().into_iter().map(|volume| Found {
            path: place.clone(),
            source: volume.source.clone(),
            volume: Some(volume),
            unreadable: None,
        }));
    }
    found.extend(grouped.unreadable.into_iter().map(|(file, error)| Found {
        path: file.clone(),
        source: SeriesSource::Dicom(vec![file]),
        volume: None,
        unreadable: Some(error),
    }));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn inspect(found: &Found, montage: Option<&Path>) -> Result<Value, Failure> {
    let defaults = ReadOptions::with_limits(&LimitsSection::default());
    let Found { path, source, volume, unreadable } = found;
    let header = volume.as_ref().and_then(|volume| volume.stack.frames.first());
    let header = header.map(|frame| &frame.header);
    let frames = volume.as_ref().map_or(1, |volume| volume.stack.frames.len());
    let read = |intensity| {
        read_series(source, &Acquisition::default(), &ReadOptions { intensity, ..defaults })
    };
    // What geometry alone refuses needs no pixels.
    let policy = GeometryPolicy::default();
    let refused = unreadable.clone().or_else(|| volume.as_ref()?.stack.refused(policy));
    let result = refused.map_or_else(|| read(IntensityPolicy::Auto), Err);
    let (result, ambiguous) = match result {
        // The file is whole; only its unit is open. What it holds is still worth showing.
        Err(error) if error.reason == Reason::AmbiguousIntensity => {
            (read(IntensityPolicy::Hounsfield), true)
        }
        result => (result, false),
    };
    let mut value = match &result {
        Ok(image) => {
            let volume = &image.volume;
            let unit = image.facts.unit.as_str();
            let intensities = assess(volume, unit);
            if let Some(file) = montage {
                let is_hounsfield = !ambiguous && unit == "HU";
                let picture =
                    montage::of_volume(volume, is_hounsfield).map_err(Failure::io(file))?;
                pipeline::files::write_atomically(file, &picture).map_err(Failure::io(file))?;
            }
            let mut warnings = image.facts.warnings.clone();
            warnings.extend(intensities.warnings);
            let notes = found.volume.iter().flat_map(|volume| volume.stack.warnings());
            for note in notes {
                if !warnings.contains(note) {
                    warnings.push(note.clone());
                }
            }
            json!({
                "path": path_text(path),
                "modality": image.facts.modality,
                "verdict": image.facts.geometry.verdict.name(),
                "shape": volume.dims,
                "spacing": volume.affine.spacing(),
                "affine": volume.affine.0,
                "orientation": volume.affine.axis_codes(),
                "unit": if ambiguous || unit.is_empty() { Value::Null } else { unit.into() },
                "hu_policy": if ambiguous { "ambiguous" } else { image.facts.rescale_source },
                "hu_min": intensities.statistics.min,
                "hu_max": intensities.statistics.max,
                "air_peak_hu": intensities.air_peak,
                "saturated_fraction": intensities.saturated_fraction,
                "nan_fraction": image.facts.nan_fraction,
                "frames": frames,
                "warnings": warnings,
                "padding_fraction": image.facts.geometry.padding_fraction,
            })
        }
        Err(error) => json!({
            "path": path_text(path),
            "modality": header.map(|header| header.modality.clone()).unwrap_or_default(),
            "verdict": error.reason.verdict(),
            "shape": Value::Null,
            "spacing": Value::Null,
            "affine": Value::Null,
            "orientation": Value::Null,
            "unit": Value::Null,
            "hu_policy": Value::Null,
            "frames": frames,
            "warnings": [error.detail.clone()],
            "padding_fraction": Value::Null,
        }),
    };
    if let Some(archive) = archive_of(source.entries().first().unwrap_or(path)) {
        value["archive"] = path_text(archive).into();
    }
    value["transfer_syntax"] = json!(header.map(|header| &header.transfer_syntax));
    let facts = match (&result, volume) {
        (Ok(image), _) => Some(&image.facts.geometry.facts),
        (Err(_), Some(volume)) => Some(&volume.stack.facts),
        (Err(_), None) => None,
    };
    value["geometry"] = json!(facts);
    if let Some(facts) = facts {
        value["geometry"]["regularly_spaced_3d_volume"] = facts.regularly_spaced_3d_volume().into();
    }
    if let (Some(volume), Some(header)) = (volume, header) {
        value["series"] = json!({
            "study_uid": header.study_uid,
            "series_uid": header.series_uid,
            "description": header.description,
            "kernel": header.kernel,
            "image_type": header.image_type,
            "stack": volume.number + 1,
            "stacks": volume.of,
        });
    }
    Ok(value)
}

fn line(value: &Value) -> String {
    let numbers = |key: &str, digits: usize| -> String {
        let parts: Vec<String> = value[key]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_f64)
            .map(|number| format!("{number:.digits$}"))
            .collect();
        parts.join("×")
    };
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let warnings: Vec<String> = value["warnings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|warning| format!("\n    {warning}"))
        .collect();
    let stack = &value["series"];
    let part = match stack["stacks"].as_u64() {
        Some(of) if of > 1 => format!(", stack {} of {of}", stack["stack"]),
        _ => String::new(),
    };
    let grid = match value["shape"] {
        Value::Null => String::new(),
        _ => format!(
            " {} voxels, {} mm, {} {}",
            numbers("shape", 0),
            numbers("spacing", 3),
            text("orientation"),
            text("hu_policy")
        ),
    };
    format!(
        "{}{part}\n  {} {}{grid}{}{}",
        text("path"),
        text("verdict"),
        text("modality"),
        geometry_line(value),
        warnings.concat()
    )
}

/// The measures of a stack that say more than its verdict.
fn geometry_line(value: &Value) -> String {
    let facts = &value["geometry"];
    let number = |key: &str| facts[key].as_f64().unwrap_or(0.0);
    let mut parts = Vec::new();
    if number("slices") > 1.0 && number("step_mm") > 0.0 {
        parts.push(format!("{} slices, step {:.3} mm", facts["slices"], number("step_mm")));
    }
    if number("max_gap_mm") > 0.0 {
        parts.push(format!(
            "steps {:.3} to {:.3} mm",
            number("step_min_mm"),
            number("step_max_mm")
        ));
    }
    if number("missing_slices") > 0.0 {
        parts.push(format!("{} missing", facts["missing_slices"]));
    }
    if number("duplicate_slices") > 0.0 {
        parts.push(format!("{} at a position of another", facts["duplicate_slices"]));
    }
    if number("tilt_degrees") > 0.05 {
        parts.push(format!("tilt {:.2}°", number("tilt_degrees")));
    }
    if number("obliquity_degrees") > 0.05 {
        parts.push(format!("obliquity {:.1}°", number("obliquity_degrees")));
    }
    if let Some(padding) = value["padding_fraction"].as_f64().filter(|share| *share > 0.0) {
        parts.push(format!("{:.1} % padding", 100.0 * padding));
    }
    if parts.is_empty() { String::new() } else { format!("\n  {}", parts.join(", ")) }
}
