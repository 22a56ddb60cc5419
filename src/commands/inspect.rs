//! `radloom inspect`: what a path holds and what is wrong with it, one object a series.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pipeline::ingest::dicom::{self, is_dicom};
use pipeline::ingest::{Acquisition, SeriesSource, files_below, read_series};
use pipeline::quality::assess;
use pipeline::release::Contents;
use schemas::manifest::{IntensityPolicy, LimitsSection};
use schemas::reason::Reason;
use serde_json::{Value, json};

use super::settings::{release_below, use_threads};
use crate::cli::{Common, InspectArgs};
use crate::failure::{DONE, FAILED, Failure};
use crate::progress::print;

pub(super) fn run(args: &InspectArgs, common: &Common) -> Result<u8, Failure> {
    use_threads(common.threads.unwrap_or(0))?;
    std::fs::metadata(&args.path).map_err(Failure::io(&args.path))?;
    let release = release_below(&args.path);
    if release.join("release.lock").is_file() {
        return show_release(&release, common);
    }
    let series = find(&args.path)?;
    if series.is_empty() {
        return Err(Failure::Usage(format!(
            "`{}` holds no NIfTI file and no DICOM file",
            args.path.display()
        )));
    }
    let mut whole = true;
    for (path, source) in series {
        let value = inspect(&path, &source);
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

/// Series at or below `path`, sorted: NIfTI files by name, DICOM files grouped by series.
fn find(path: &Path) -> Result<Vec<(PathBuf, SeriesSource)>, Failure> {
    let files = files_below(path).map_err(Failure::io(path))?;
    let (dicom_files, others): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| is_dicom(file));
    let single = others.len() == 1 && dicom_files.is_empty();
    let mut series: Vec<(PathBuf, SeriesSource)> = others
        .into_iter()
        .filter(|file| {
            let name = file.to_string_lossy();
            single || name.ends_with(".nii") || name.ends_with(".nii.gz")
        })
        .map(|file| (file.clone(), SeriesSource::Nifti(file)))
        .collect();
    // Files of one series may lie in several folders; series in one folder are kept apart.
    let (groups, unreadable) = dicom::group(&dicom_files);
    let mut by_folder: BTreeMap<PathBuf, Vec<SeriesSource>> = BTreeMap::new();
    for (_, group) in groups {
        let paths: Vec<PathBuf> = group.slices.into_iter().map(|slice| slice.path).collect();
        let folder = paths[0].parent().unwrap_or(Path::new("")).to_owned();
        let place = if paths.len() == 1 { paths[0].clone() } else { folder };
        by_folder.entry(place).or_default().push(SeriesSource::Dicom(paths));
    }
    series.extend(
        by_folder
            .into_iter()
            .flat_map(|(folder, sources)| sources.into_iter().map(move |s| (folder.clone(), s))),
    );
    series.extend(
        unreadable.into_iter().map(|(file, _)| (file.clone(), SeriesSource::Dicom(vec![file]))),
    );
    series.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(series)
}

fn inspect(path: &Path, source: &SeriesSource) -> Value {
    let limit = u64::from(LimitsSection::default().decompressed_mib) << 20;
    let header = match source {
        SeriesSource::Dicom(files) => {
            files.first().and_then(|file| dicom::SliceHeader::read(file).ok())
        }
        SeriesSource::Nifti(_) => None,
    };
    let frames = source.files().len();
    let transfer_syntax = header.as_ref().map(|header| header.transfer_syntax.clone());
    let read = |policy| read_series(source, policy, &Acquisition::default(), limit);
    let (result, ambiguous) = match read(IntensityPolicy::Auto) {
        // The file is whole; only its unit is open. What it holds is still worth showing.
        Err(error) if error.reason == Reason::AmbiguousIntensity => {
            (read(IntensityPolicy::Hounsfield), true)
        }
        result => (result, false),
    };
    match result {
        Ok(image) => {
            let volume = &image.volume;
            let statistics = volume.statistics();
            let mut warnings = image.warnings.clone();
            warnings.extend(assess(&image.volume, &image.modality).warnings);
            json!({
                "path": path,
                "modality": image.modality,
                "verdict": "regular",
                "shape": volume.dims,
                "spacing": volume.affine.spacing(),
                "affine": volume.affine.0,
                "orientation": volume.affine.axis_codes(),
                "unit": if ambiguous { Value::Null } else { "HU".into() },
                "hu_policy": if ambiguous { "ambiguous" } else { image.rescale_source },
                "hu_min": statistics.min,
                "hu_max": statistics.max,
                "frames": frames,
                "transfer_syntax": transfer_syntax,
                "warnings": warnings,
            })
        }
        Err(error) => json!({
            "path": path,
            "modality": header.map(|header| header.modality).unwrap_or_default(),
            "verdict": error.reason.verdict(),
            "shape": Value::Null,
            "spacing": Value::Null,
            "affine": Value::Null,
            "orientation": Value::Null,
            "unit": Value::Null,
            "hu_policy": Value::Null,
            "frames": frames,
            "transfer_syntax": transfer_syntax,
            "warnings": [error.detail],
        }),
    }
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
    format!(
        "{}\n  {} {} {} voxels, {} mm, {} {}{}",
        text("path"),
        text("verdict"),
        text("modality"),
        numbers("shape", 0),
        numbers("spacing", 3),
        text("orientation"),
        text("hu_policy"),
        warnings.concat()
    )
}
