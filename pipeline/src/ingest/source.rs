//! A series of either format.

use super::archive::archive_of;
use std::path::{Path, PathBuf};

use schemas::manifest::{
    CorpusSection, FramePolicy, GeometryPolicy, IntensityPolicy, LimitsSection, Remedy,
};
use schemas::reason::{GeometryVerdict, Reason};

use super::error::IngestError;
use super::geometry::{GeometryFacts, SeriesGeometry};
use super::intensity::{Acquisition, decide_rescale};
use super::{dicom, nifti};
use crate::volume::{Affine, Volume, cross, dot, norm, repair};

/// The files of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeriesSource {
    /// One NIfTI file.
    Nifti(PathBuf),
    /// The files of one DICOM series, in any order; a path may lead through a zip archive. Only one
    /// stack of them may be a volume.
    Dicom(Vec<PathBuf>),
    /// One stack of a DICOM series that holds several.
    DicomStack {
        /// The files of the whole series.
        files: Vec<PathBuf>,
        /// Number of the stack, as [`dicom::DicomSeries::volumes`] counts them.
        stack: usize,
    },
}

impl SeriesSource {
    /// Every file of the series on disk, sorted; an archive stands for the files inside it.
    pub fn files(&self) -> Vec<&Path> {
        let paths = match self {
            Self::Nifti(path) => return vec![path],
            Self::Dicom(paths) | Self::DicomStack { files: paths, .. } => paths,
        };
        let mut files: Vec<&Path> = Vec::with_capacity(paths.len());
        let mut archive: Option<&Path> = None;
        for path in paths {
            if archive.is_some_and(|archive| path.starts_with(archive)) {
                continue;
            }
            archive = archive_of(path);
            files.push(archive.unwrap_or(path));
        }
        files.sort_unstable();
        files.dedup();
        files
    }

    /// `nifti` or `dicom`.
    pub const fn format(&self) -> &'static str {
        match self {
            Self::Nifti(_) => "nifti",
            Self::Dicom(_) | Self::DicomStack { .. } => "dicom",
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
    /// Verdict and measures of the source's geometry, and what was done to it.
    pub geometry: SeriesGeometry,
}

/// Air, in Hounsfield units.
const AIR: f32 = -1000.0;
/// Largest tangent of the angle between normal and third axis that is no tilt.
const UNTILTED: f64 = 0.01;

/// How a series is read.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions {
    /// What NIfTI voxels hold.
    pub intensity: IntensityPolicy,
    /// What is done with faulty geometry.
    pub geometry: GeometryPolicy,
    /// What is done with NIfTI files of several volumes.
    pub frames: FramePolicy,
    /// Largest decoded size in bytes.
    pub limit: u64,
    /// Decoded size in bytes above which views are made slab by slab.
    pub slab_above: u64,
}

impl ReadOptions {
    /// As the manifest says.
    pub fn new(corpus: &CorpusSection, limits: &LimitsSection) -> Self {
        Self {
            intensity: corpus.intensity,
            geometry: corpus.geometry(),
            frames: corpus.frames,
            ..Self::with_limits(limits)
        }
    }

    /// Whether the first volume of a NIfTI file of several is taken.
    pub fn first_frame(&self) -> bool {
        self.frames == FramePolicy::First
    }

    /// The defaults of the manifest, for files outside a corpus.
    pub fn with_limits(limits: &LimitsSection) -> Self {
        Self {
            intensity: IntensityPolicy::default(),
            geometry: GeometryPolicy::default(),
            frames: FramePolicy::default(),
            limit: u64::from(limits.decompressed_mib) << 20,
            slab_above: u64::from(limits.slab_above_mib) << 20,
        }
    }
}

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
    let image = match source {
        SeriesSource::Nifti(path) => {
            let image = nifti::read(path, options.limit, options.first_frame())?;
            remedy_tilt(nifti_series(image, acquisition, options)?, options.geometry)?
        }
        SeriesSource::Dicom(files) => dicom::read(files, None, options.geometry, options.limit)?,
        SeriesSource::DicomStack { files, stack } => {
            dicom::read(files, Some(*stack), options.geometry, options.limit)?
        }
    };
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
    Ok(SeriesImage {
        geometry: grid_geometry(&affine, image.dims),
        volume: Volume { voxels: image.voxels, dims: image.dims, affine, rescale },
        modality: String::new(),
        rescale_source,
        nan_fraction: image.nan_fraction,
        warnings: image.warnings,
    })
}

/// Measures of a grid, which is even by its making.
fn grid_geometry(affine: &Affine, dims: [usize; 3]) -> SeriesGeometry {
    let normal = cross(affine.column(0), affine.column(1));
    let step = (dot(affine.column(2), normal) / norm(normal)).abs();
    let tilt_degrees = repair::tilt_degrees(affine);
    let square = repair::has_square_planes(affine);
    let tilted = tilt_degrees.to_radians().tan() > UNTILTED;
    SeriesGeometry {
        verdict: if tilted { GeometryVerdict::Tilted } else { GeometryVerdict::Regular },
        facts: GeometryFacts {
            slices: dims[2],
            step_mm: step,
            step_min_mm: step,
            step_max_mm: step,
            tilt_degrees,
            obliquity_degrees: affine.obliquity(),
            single_orientation: true,
            orthogonal_orientation: square,
            unique_slice_positions: true,
            consistent_in_plane_row: !tilted,
            consistent_in_plane_col: !tilted,
            consistent_pixel_spacing: true,
            consistent_image_dimensions: true,
            uniform_slice_spacing: true,
            ..GeometryFacts::default()
        },
        ..SeriesGeometry::default()
    }
}

/// What the policy wants done with a sheared affine.
pub(crate) fn remedy_tilt(
    mut image: SeriesImage,
    policy: GeometryPolicy,
) -> Result<SeriesImage, IngestError> {
    let degrees = image.geometry.facts.tilt_degrees;
    if image.geometry.verdict != GeometryVerdict::Tilted {
        return Ok(image);
    }
    let square = image.geometry.facts.orthogonal_orientation;
    match policy.tilt {
        Remedy::Repair if square => {
            let (volume, text) = repair::remove_shear(image.volume, AIR);
            image.volume = volume;
            image.geometry.repaired.push(text.clone());
            image.warnings.push(text);
        }
        Remedy::Accept => {
            image.warnings.push(format!(
                "slices are sheared by {degrees:.2}° (gantry tilt); the affine keeps it"
            ));
        }
        Remedy::Reject | Remedy::Repair => {
            return Err(IngestError::new(
                Reason::Tilted,
                format!("slices are sheared by {degrees:.2}° (gantry tilt)"),
            ));
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Voxels;

    #[test]
    fn a_sheared_nifti_file_is_refused_mended_or_kept_as_the_policy_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tilted.nii.gz");
        // Half a voxel of shear along y for each slice.
        let affine = Affine::from_columns(
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.5, 2.0]],
            [0.0, 0.0, 0.0],
        );
        let dims = [3, 4, 5];
        // Value is the world's y coordinate in half mm.
        let values: Vec<i16> =
            (0..3 * 4 * 5).map(|index: i16| 2 * (index / 3 % 4) + index / 12).collect();
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        nifti::write(&path, &bytes, 4, [3, 4, 5, 1], affine).expect("is written");
        let read = |tilt| {
            let geometry = GeometryPolicy { tilt, ..GeometryPolicy::default() };
            let options = ReadOptions {
                intensity: IntensityPolicy::Hounsfield,
                geometry,
                ..ReadOptions::with_limits(&LimitsSection::default())
            };
            read_series(&SeriesSource::Nifti(path.clone()), &Acquisition::default(), &options)
        };
        assert_eq!(read(Remedy::Reject).expect_err("is tilted").reason, Reason::Tilted);
        let kept = read(Remedy::Accept).expect("is kept");
        assert_eq!((kept.volume.dims, kept.volume.affine), (dims, affine));
        let mended = read(Remedy::Repair).expect("is mended");
        assert_eq!(mended.volume.dims, [3, 6, 5]);
        assert_eq!(mended.geometry.verdict, GeometryVerdict::Tilted);
        assert_eq!(mended.geometry.repaired.len(), 1);
        assert!((mended.geometry.facts.tilt_degrees - 0.25_f64.atan().to_degrees()).abs() < 1e-6);
        let Voxels::I16(found) = &mended.volume.voxels else { panic!("integers stay integers") };
        let mut inside = 0;
        for (index, value) in found.iter().enumerate() {
            let (y, z) = (index / 3 % 6, index / 18);
            let world = mended.volume.affine.apply([0.0, y as f64, z as f64])[1];
            // The source's rows of this slice lie from z / 2 to z / 2 + 3.
            let source = world - z as f64 / 2.0;
            if (0.0..=3.0).contains(&source) {
                assert!((f64::from(*value) - 2.0 * world).abs() <= 0.5, "{value} at {world}");
                inside += 1;
            } else if !(-1.0..=4.0).contains(&source) {
                assert_eq!(*value, -1000);
            }
        }
        // Four rows in even slices, three between them in odd ones.
        assert_eq!(inside, 3 * (4 * 3 + 3 * 2));
    }
}
