//! Reads a series of either format.

use schemas::reason::Reason;

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

/// A NIfTI image with its unit decided and its geometry judged, a tilt not yet remedied.
pub(crate) fn nifti_series(
    image: nifti::NiftiImage,
    acquisition: &Acquisition,
    options: &ReadOptions,
) -> Result<SeriesImage, IngestError> {
    let (rescale, rescale_source) = decide_rescale(options.intensity, image.facts, acquisition)?;
    let affine = match acquisition.spacing {
        // A blank header's voxel sizes are 1 mm; the metadata knows better.
        Some(spacing) if !image.facts.oriented => with_spacing(image.affine, spacing),
        _ => image.affine,
    };
    let facts = SeriesFacts {
        modality: String::new(),
        rescale_source,
        nan_fraction: image.nan_fraction,
        warnings: image.warnings,
        geometry: grid_geometry(&affine, image.dims),
    };
    let volume = Volume { voxels: image.voxels, dims: image.dims, affine, rescale };
    Ok(SeriesImage { volume, facts })
}

fn with_spacing(affine: Affine, spacing: [f64; 3]) -> Affine {
    let columns = std::array::from_fn(|axis| {
        let factor = spacing[axis] / affine.spacing()[axis];
        affine.column(axis).map(|value| value * factor)
    });
    Affine::from_columns(columns, affine.origin())
}
