//! `radloom volume`: one volume through a recipe, for eyes and parity tests.

use std::path::Path;
use std::time::Instant;

use pipeline::execute::make_views;
use pipeline::ingest::dicom::group;
use pipeline::ingest::{
    Acquisition, IngestError, NamePatterns, ReadOptions, SeriesSource, SortedFiles, corpus_files,
    nifti, sort_files,
};
use schemas::manifest::{
    GeometryPolicy, IntensityPolicy, LimitsSection, Recipe, ViewSection, VoxelType, Windows,
};
use serde_json::json;

use crate::cli::{Common, Switch, VolumeArgs};
use crate::failure::{DONE, Failure};
use crate::progress::print;
use crate::settings::use_threads;
use crate::usage;

pub(super) fn run(args: &VolumeArgs, common: &Common) -> Result<u8, Failure> {
    let start = Instant::now();
    use_threads(common.threads.unwrap_or(0))?;
    let recipe = recipe(args)?;
    check_output(args)?;
    // NIfTI-1 has no half floats.
    let datatype = match recipe.dtype {
        VoxelType::U8 => 2,
        VoxelType::I16 => 4,
        VoxelType::F16 => {
            return Err(Failure::Usage("NIfTI has no 16-bit floats: use dtype i16 or u8".into()));
        }
    };
    let mut limits = LimitsSection::default();
    limits.slab_above_mib = args.slab_above_mib.unwrap_or(limits.slab_above_mib);
    let options = ReadOptions {
        intensity: IntensityPolicy::Hounsfield,
        geometry: GeometryPolicy { tilt: args.tilt, gaps: args.gaps, duplicates: args.duplicates },
        ..ReadOptions::with_limits(&limits)
    };
    let source = source(&args.input, options.geometry).map_err(advised)?;
    let (viewed, mut views) = make_views(&source, &Acquisition::default(), &options, &[recipe])
        .map_err(|source| advised(Failure::Ingest { path: args.input.clone(), source }))?;
    let view = views.pop().expect("one recipe gives one view");
    let [depth, height, width] = view.shape;
    let shape = [width, height, depth, view.blocks];
    nifti::write(&args.output, &view.bytes, datatype, shape, view.affine)
        .map_err(Failure::io(&args.output))?;
    if common.json {
        let value = json!({
            "shape": [width, height, depth],
            "spacing": view.affine.spacing(),
            "affine": view.affine.0,
            "crop_starts": view.crop_starts,
            "wall_s": start.elapsed().as_secs_f64(),
            "cpu_s": usage::cpu_seconds(),
            "peak_rss_bytes": usage::peak_memory(),
        });
        print(&value.to_string());
    } else if !common.quiet {
        let spacing = view.affine.spacing();
        print(&format!(
            "`{}`: {width} × {height} × {depth} voxels of {:.4} × {:.4} × {:.4} mm, {}",
            args.output.display(),
            spacing[0],
            spacing[1],
            spacing[2],
            view.affine.axis_codes()
        ));
        for warning in &viewed.facts.warnings {
            print(&format!("  {warning}"));
        }
    }
    Ok(DONE)
}

/// What to do about a refusal that an option lifts.
fn advice(error: &IngestError) -> &'static str {
    match error.remedy {
        Some("tilt") => "; `--tilt repair` resamples the shear out, `--tilt accept` keeps it",
        Some("gaps") => {
            "; `--gaps repair` interpolates, `--gaps accept` keeps the longest even run"
        }
        Some("duplicates") => "; `--duplicates accept` keeps the first of each",
        _ => "",
    }
}

/// Refuses an output of a format that is not written, or that would be written over the input.
fn check_output(args: &VolumeArgs) -> Result<(), Failure> {
    let name = args.output.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if ![".nii", ".nii.gz"].iter().any(|ending| name.ends_with(ending)) {
        let output = args.output.display();
        return Err(Failure::Usage(format!(
            "`{output}` does not end in `.nii` or `.nii.gz`: NIfTI is written"
        )));
    }
    let same = |path: &Path| path.canonicalize().ok();
    let output = same(&args.output);
    if output.is_some()
        && (output == same(&args.input)
            || output
                .as_deref()
                .is_some_and(|path| same(&args.input).is_some_and(|input| path.starts_with(input))))
    {
        let output = args.output.display();
        return Err(Failure::Usage(format!(
            "`{output}` is the input, which is never written over"
        )));
    }
    Ok(())
}

fn advised(failure: Failure) -> Failure {
    match failure {
        Failure::Ingest { path, mut source } => {
            source.detail.push_str(advice(&source));
            Failure::Ingest { path, source }
        }
        other => other,
    }
}

fn recipe(args: &VolumeArgs) -> Result<Recipe, Failure> {
    let bad = |error: String| Failure::Usage(format!("`--view`: {error}"));
    let mut view = ViewSection::from_line(&args.view).map_err(bad)?;
    view.spacing = args.spacing.or(view.spacing);
    view.window = args.window.map(Windows::One).or(view.window);
    view.kernel = args.kernel.or(view.kernel);
    view.dtype = args.dtype.or(view.dtype);
    view.antialias = args.antialias.map(|switch| switch == Switch::On).or(view.antialias);
    view.resolve().map_err(|error| Failure::Usage(format!("`--view`: {error}")))
}

/// A file, or a folder or archive of DICOM files, as the source of one series.
///
/// # Errors
///
/// What lies there is no source, or files of its series cannot be read and `policy` does not take the others.
pub(super) fn source(path: &Path, policy: GeometryPolicy) -> Result<SeriesSource, Failure> {
    let refuse = |source: IngestError| Failure::Ingest { path: path.to_owned(), source };
    let listed = corpus_files(path).map_err(Failure::io(path))?;
    let named = listed.files.len() == 1 && listed.files[0] == path;
    let SortedFiles { dicom, images, mut others, ignored: _ } =
        sort_files(listed, path, &NamePatterns::default());
    if dicom.is_empty() {
        return match (&images[..], named) {
            (_, true) => Ok(SeriesSource::Nifti(path.to_owned())),
            // An archive of one image.
            ([only], false) if !path.is_dir() => Ok(SeriesSource::Nifti(only.clone())),
            _ if others.len() == 1 => Err(refuse(others.remove(0).1)),
            _ => Ok(SeriesSource::Dicom(dicom)),
        };
    }
    let grouped = group(&dicom, &others);
    if let [series] = &grouped.series[..] {
        let volumes = series.volumes();
        let lacking = volumes.iter().find(|volume| volume.stack.lacks_files());
        if let Some(error) = lacking.and_then(|volume| volume.stack.refused(policy)) {
            return Err(refuse(error));
        }
        // Copies are left out.
        let paths = series.slices.iter().map(|slice| slice.path.clone());
        return Ok(SeriesSource::Dicom(paths.collect()));
    }
    Ok(SeriesSource::Dicom(dicom))
}
