//! `radloom volume`: one volume through a recipe, for eyes and parity tests.

use std::path::Path;
use std::time::Instant;

use pipeline::ingest::dicom::{dicom_files, is_dicom};
use pipeline::ingest::{Acquisition, SeriesSource, files_below, nifti, read_series};
use pipeline::volume::make_view;
use schemas::manifest::{
    GeometryPolicy, IntensityPolicy, Kernel, LimitsSection, Preset, Recipe, ViewSection, VoxelType,
};
use serde_json::json;

use super::settings::use_threads;
use crate::cli::{Common, VolumeArgs};
use crate::failure::{DONE, Failure};
use crate::progress::print;
use crate::usage;

pub(super) fn run(args: &VolumeArgs, common: &Common) -> Result<u8, Failure> {
    let start = Instant::now();
    use_threads(common.threads.unwrap_or(0))?;
    let recipe = recipe(args)?;
    let source = source(&args.input)?;
    let limit = u64::from(LimitsSection::default().decompressed_mib) << 20;
    let policy = IntensityPolicy::Hounsfield;
    let geometry = GeometryPolicy::default();
    let image = read_series(&source, policy, &Acquisition::default(), geometry, limit)
        .map_err(|source| Failure::Ingest { path: args.input.clone(), source })?;
    let view = make_view(&image.volume, &recipe);
    // NIfTI-1 has no half floats, so a view of them is written as the integers it is made of.
    let datatype = match view.dtype {
        VoxelType::U8 => 2,
        VoxelType::I16 => 4,
        VoxelType::F16 => {
            return Err(Failure::Usage("NIfTI has no 16-bit floats: use dtype i16 or u8".into()));
        }
    };
    let [depth, height, width] = view.shape;
    nifti::write(&args.output, &view.bytes, datatype, [width, height, depth], view.affine)
        .map_err(Failure::io(&args.output))?;
    if common.json {
        let value = json!({
            "shape": [width, height, depth],
            "spacing": view.affine.spacing(),
            "affine": view.affine.0,
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
        for warning in &image.warnings {
            print(&format!("  {warning}"));
        }
    }
    Ok(DONE)
}

fn recipe(args: &VolumeArgs) -> Result<Recipe, Failure> {
    let preset = Preset::from_name(&args.view).ok_or_else(|| {
        let names: Vec<_> = Preset::ALL.iter().map(|(name, _)| format!("`{name}`")).collect();
        Failure::Usage(format!(
            "`--view {}` is no preset: there is {}",
            args.view,
            names.join(", ")
        ))
    })?;
    let mut view = ViewSection::from_preset("view", preset);
    if let Some(spacing) = &args.spacing {
        view.spacing = spacing.as_slice().try_into().ok();
    }
    view.kernel = match args.kernel.as_deref() {
        None => None,
        Some("linear") => Some(Kernel::Linear),
        Some("nearest") => Some(Kernel::Nearest),
        Some(other) => {
            return Err(Failure::Usage(format!("`--kernel {other}`: use `linear` or `nearest`")));
        }
    };
    view.antialias = match args.antialias.as_deref() {
        None => None,
        Some("on") => Some(true),
        Some("off") => Some(false),
        Some(other) => {
            return Err(Failure::Usage(format!("`--antialias {other}`: use `on` or `off`")));
        }
    };
    view.resolve().map_err(|error| Failure::Usage(format!("`--view`: {error}")))
}

/// A file, or a folder or zip archive of DICOM files, as the source of one series.
pub(super) fn source(path: &Path) -> Result<SeriesSource, Failure> {
    if !path.is_dir() && is_dicom(path) {
        return Ok(SeriesSource::Dicom(vec![path.to_owned()]));
    }
    let files = files_below(path).map_err(Failure::io(path))?;
    // A file that is no archive is its own only file.
    if files.len() == 1 && files[0] == path {
        return Ok(SeriesSource::Nifti(path.to_owned()));
    }
    Ok(SeriesSource::Dicom(dicom_files(&files)))
}
