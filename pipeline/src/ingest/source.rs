//! A series of either format.

use std::path::{Path, PathBuf};

use schemas::manifest::IntensityPolicy;
use schemas::reason::Reason;

use super::error::IngestError;
use super::intensity::{Acquisition, decide_rescale};
use super::{dicom, nifti};
use crate::volume::{Affine, Volume};

/// The files of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeriesSource {
    /// One NIfTI file.
    Nifti(PathBuf),
    /// The files of one DICOM series, in any order.
    Dicom(Vec<PathBuf>),
}

impl SeriesSource {
    /// Every file of the series, sorted.
    pub fn files(&self) -> Vec<&Path> {
        match self {
            Self::Nifti(path) => vec![path],
            Self::Dicom(paths) => {
                let mut paths: Vec<_> = paths.iter().map(PathBuf::as_path).collect();
                paths.sort_unstable();
                paths
            }
        }
    }

    /// `nifti` or `dicom`.
    pub const fn format(&self) -> &'static str {
        match self {
            Self::Nifti(_) => "nifti",
            Self::Dicom(_) => "dicom",
        }
    }
}

/// A series as a volume, with what was learnt on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesImage {
    /// The volume.
    pub volume: Volume,
    /// Modality as the source names it; empty where it does not.
    pub modality: String,
    /// How voxels become Hounsfield units: `header`, `metadata` or `dicom`.
    pub rescale_source: &'static str,
    /// Share of voxels that were NaN or infinite.
    pub nan_fraction: f64,
    /// What is odd but was accepted.
    pub warnings: Vec<String>,
}

/// Reads a series of either format. `limit` caps the decoded size in bytes.
///
/// # Errors
///
/// An [`IngestError`] with the reason code under which the series is excluded.
pub fn read_series(
    source: &SeriesSource,
    policy: IntensityPolicy,
    acquisition: &Acquisition,
    limit: u64,
) -> Result<SeriesImage, IngestError> {
    let image = match source {
        SeriesSource::Nifti(path) => {
            let image = nifti::read(path, limit, false)?;
            let (rescale, rescale_source) = decide_rescale(policy, image.facts, acquisition)?;
            let affine = match acquisition.spacing {
                // A blank header's voxel sizes are 1 mm; the metadata knows better.
                Some(spacing) if !image.facts.oriented => with_spacing(image.affine, spacing),
                _ => image.affine,
            };
            SeriesImage {
                volume: Volume { voxels: image.voxels, dims: image.dims, affine, rescale },
                modality: String::new(),
                rescale_source,
                nan_fraction: image.nan_fraction,
                warnings: image.warnings,
            }
        }
        SeriesSource::Dicom(files) => dicom::read(files, limit)?,
    };
    let statistics = image.volume.statistics();
    if statistics.min >= statistics.max {
        return Err(IngestError::new(
            Reason::Constant,
            format!("every voxel is {}", statistics.min),
        ));
    }
    Ok(image)
}

fn with_spacing(affine: Affine, spacing: [f64; 3]) -> Affine {
    let columns = std::array::from_fn(|axis| {
        let factor = spacing[axis] / affine.spacing()[axis];
        affine.column(axis).map(|value| value * factor)
    });
    Affine::from_columns(columns, affine.origin())
}
