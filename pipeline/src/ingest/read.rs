//! Reads a series of either format.

use schemas::manifest::SpacingPolicy;
use schemas::reason::Reason;
use schemas::rescale::Rescale;

use super::error::IngestError;
use super::geometry::{grid_geometry, remedy_tilt};
use super::intensity::{Acquisition, decide_rescale};
use super::nifti::OpenedNifti;
use super::series::{ReadOptions, SeriesFacts, SeriesImage, SeriesSource};
use super::sums::SourceSums;
use super::{dicom, nifti};
use crate::volume::{Affine, Volume};

/// Reads a series of either format whole.
///
/// # Errors
///
/// An [`IngestError`] with the reason code under which the series is excluded.
pub fn read_series(
    source: &SeriesSource,
    acquisition: &Acquisition,
    options: &ReadOptions,
) -> Result<SeriesImage, IngestError> {
    read_with_sums(source, acquisition, options, None)
}

/// As [`read_series`]; the sums of what is read go to `sums`.
pub(crate) fn read_with_sums(
    source: &SeriesSource,
    acquisition: &Acquisition,
    options: &ReadOptions,
    sums: Option<&SourceSums>,
) -> Result<SeriesImage, IngestError> {
    let image = match source {
        SeriesSource::Nifti(path) => {
            let file = OpenedNifti::new(path, options.limit, options.first_frame(), sums)?;
            return nifti_image(file, acquisition, options);
        }
        SeriesSource::Dicom(files) => {
            dicom::read_with_sums(files, None, options.geometry, options.limit, sums)?
        }
        SeriesSource::DicomStack { files, stack } => {
            dicom::read_with_sums(files, Some(*stack), options.geometry, options.limit, sums)?
        }
    };
    not_constant(image)
}

/// Reads a NIfTI file whole.
pub(crate) fn nifti_image(
    file: OpenedNifti<'_>,
    acquisition: &Acquisition,
    options: &ReadOptions,
) -> Result<SeriesImage, IngestError> {
    let image = nifti_series(file.read()?, acquisition, options)?;
    not_constant(remedy_tilt(image, options.geometry)?)
}

fn not_constant(image: SeriesImage) -> Result<SeriesImage, IngestError> {
    if image.volume.voxels.is_constant() {
        return Err(constant(image.volume.statistics().min));
    }
    Ok(image)
}

pub(crate) fn constant(value: f64) -> IngestError {
    IngestError::new(Reason::Constant, format!("every voxel is {value}"))
}

/// Hounsfield units that a voxel takes which is NaN or infinite: air, below every tissue.
const NOT_FINITE_HU: f32 = -1024.0;

/// The stored value of a voxel that is NaN or infinite, under `rescale`: air, or 0 of another unit.
pub(crate) fn fill_value(rescale: Rescale, is_ct: bool) -> f32 {
    let unit = if is_ct { NOT_FINITE_HU } else { 0.0 };
    (unit - rescale.intercept) / rescale.slope
}

/// A NIfTI image with its unit decided and its geometry judged, a tilt not yet remedied.
pub(crate) fn nifti_series(
    mut image: nifti::NiftiImage,
    acquisition: &Acquisition,
    options: &ReadOptions,
) -> Result<SeriesImage, IngestError> {
    if image.facts.minimum == f64::INFINITY {
        return Err(IngestError::new(Reason::VolumeCorrupt, "every voxel is NaN or infinite"));
    }
    let is_ct = matches!(acquisition.modality.as_str(), "" | "CT");
    let (rescale, rescale_source) = if is_ct {
        decide_rescale(options.intensity, image.facts, acquisition)?
    } else {
        (image.facts.scaling.unwrap_or(Rescale::IDENTITY), "header")
    };
    if image.nan_fraction > 0.0 {
        // After the unit is decided, so that what is no number decides nothing.
        nifti::replace_not_finite(&mut image.voxels, fill_value(rescale, is_ct));
    }
    let affine = with_known_spacing(&mut image, acquisition, options.spacing)?;
    let facts = SeriesFacts {
        modality: acquisition.modality.clone(),
        unit: if is_ct { "HU".into() } else { String::new() },
        rescale_source,
        nan_fraction: image.nan_fraction,
        warnings: image.warnings,
        geometry: grid_geometry(&affine, image.dims),
    };
    let volume = Volume { voxels: image.voxels, dims: image.dims, affine, rescale };
    Ok(SeriesImage { volume, facts })
}

/// The affine with the voxel size that header and metadata agree on or the policy chooses.
fn with_known_spacing(
    image: &mut nifti::NiftiImage,
    acquisition: &Acquisition,
    policy: SpacingPolicy,
) -> Result<Affine, IngestError> {
    let header = image.affine;
    let found = header.spacing();
    let refuse = |detail: String| Err(IngestError::new(Reason::AmbiguousSpacing, detail));
    // Steps of 1 mm without a form, or a form without turn and place, are what a writer leaves who knows of neither.
    let is_blank = found.iter().all(|step| (step - 1.0).abs() < 1e-6)
        && (!image.facts.oriented || is_identity(&header));
    let Some(spacing) = acquisition.spacing else {
        if is_blank && !acquisition.faults.is_empty() {
            return refuse(format!(
                "the header is blank, and the metadata do not give the voxel size: {}",
                acquisition.faults.join("; ")
            ));
        }
        if is_blank {
            let text = "the voxel size is not known: the header is blank and says 1 × 1 × 1 mm";
            image.warnings.push(text.into());
        }
        image.warnings.extend(acquisition.faults.iter().cloned());
        return Ok(header);
    };
    if nifti::same_spacing(found, spacing) {
        return Ok(header);
    }
    let (a, b) = (nifti::written(found), nifti::written(spacing));
    match policy {
        _ if is_blank => {
            if image.facts.oriented {
                let text = format!(
                    "the header is an identity of {a} mm; the spacing of the metadata, {b} mm, is used"
                );
                image.warnings.push(text);
            }
            Ok(with_spacing(header, spacing))
        }
        SpacingPolicy::Agree => refuse(format!(
            "the header's voxel size is {a} mm and the metadata's {b} mm: set `[corpus] spacing` to `header` or `metadata`"
        )),
        SpacingPolicy::Header => {
            image.warnings.push(format!(
                "the metadata say a voxel size of {b} mm; the header's, {a} mm, is used"
            ));
            Ok(header)
        }
        SpacingPolicy::Metadata => {
            image.warnings.push(format!(
                "the header says a voxel size of {a} mm; the metadata's, {b} mm, is used"
            ));
            Ok(with_spacing(header, spacing))
        }
    }
}

fn is_identity(affine: &Affine) -> bool {
    let columns = (0..3).all(|axis| {
        affine
            .column(axis)
            .iter()
            .enumerate()
            .all(|(row, value)| (value.abs() - f64::from(u8::from(row == axis))).abs() < 1e-6)
    });
    columns && affine.origin().iter().all(|place| place.abs() < 1e-6)
}

fn with_spacing(affine: Affine, spacing: [f64; 3]) -> Affine {
    let columns = std::array::from_fn(|axis| {
        let factor = spacing[axis] / affine.spacing()[axis];
        affine.column(axis).map(|value| value * factor)
    });
    Affine::from_columns(columns, affine.origin())
}
