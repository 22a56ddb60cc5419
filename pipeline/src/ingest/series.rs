//! A series of either format: the files it lies in, how it is read, and what it becomes.

use std::path::{Path, PathBuf};

use schemas::manifest::{
    CorpusSection, FramePolicy, GeometryPolicy, IntensityPolicy, LimitsSection, SpacingPolicy,
};
use schemas::reason::GeometryVerdict;
use serde::Serialize;

use super::archive::archive_of;
use super::nifti::data_file;
use crate::volume::Volume;

/// The files of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeriesSource {
    /// One file with a header of its own: NIfTI, NRRD or `MetaImage`.
    Nifti(PathBuf),
    /// The files of one DICOM series, in any order; a path may lead through a zip archive. Only one
    /// stack of them may be a volume.
    Dicom(Vec<PathBuf>),
    /// One stack of a DICOM series that holds several.
    DicomStack {
        /// The files of the whole series.
        files: Vec<PathBuf>,
        /// Number of the stack, as [`super::dicom::DicomSeries::volumes`] counts them.
        stack: usize,
    },
}

impl SeriesSource {
    /// Every file of the series on disk, sorted; an archive stands for the files inside it.
    pub fn files(&self) -> Vec<PathBuf> {
        let paths = match self {
            Self::Nifti(path) => {
                let own = archive_of(path).unwrap_or(path).to_owned();
                return std::iter::once(own).chain(data_file(path)).collect();
            }
            Self::Dicom(paths) | Self::DicomStack { files: paths, .. } => paths,
        };
        let mut files: Vec<PathBuf> = Vec::with_capacity(paths.len());
        let mut archive: Option<&Path> = None;
        for path in paths {
            if archive.is_some_and(|archive| path.starts_with(archive)) {
                continue;
            }
            archive = archive_of(path);
            files.push(archive.unwrap_or(path).to_owned());
        }
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Number of its files, those inside an archive counted one by one.
    pub fn count(&self) -> u32 {
        let files = match self {
            Self::Nifti(_) => self.files().len(),
            Self::Dicom(paths) | Self::DicomStack { files: paths, .. } => paths.len(),
        };
        files as u32
    }

    /// Every file of the series, those inside an archive by themselves.
    pub fn entries(&self) -> &[PathBuf] {
        match self {
            Self::Nifti(path) => std::slice::from_ref(path),
            Self::Dicom(paths) | Self::DicomStack { files: paths, .. } => paths,
        }
    }

    /// `nifti`, `nrrd`, `metaimage` or `dicom`.
    pub fn format(&self) -> &'static str {
        match self {
            Self::Nifti(path) => {
                let ending =
                    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
                match ending.as_str() {
                    "nrrd" | "nhdr" => "nrrd",
                    "mha" | "mhd" => "metaimage",
                    _ => "nifti",
                }
            }
            Self::Dicom(_) | Self::DicomStack { .. } => "dicom",
        }
    }
}

/// A series as a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesImage {
    /// The volume.
    pub volume: Volume,
    /// What was learnt of it on the way.
    pub facts: SeriesFacts,
}

/// What is known of a series that was read, besides its voxels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesFacts {
    /// Modality as the source names it; empty where it does not.
    pub modality: String,
    /// Unit of the values: `HU`, that which the source names, or empty.
    pub unit: String,
    /// How voxels become Hounsfield units: `header`, `metadata` or `dicom`.
    pub rescale_source: &'static str,
    /// Share of voxels that were NaN or infinite.
    pub nan_fraction: f64,
    /// What is odd but was accepted.
    pub warnings: Vec<String>,
    /// Verdict and measures of the source's geometry, and what was done to it.
    pub geometry: SeriesGeometry,
}

/// Measures of a stack of slices. The checks carry the names of the volume geometry index of the
/// Imaging Data Commons; slice steps are held to 1 % of the median step, as highdicom does.
#[expect(clippy::struct_excessive_bools, reason = "each is a check of the index, by its name")]
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GeometryFacts {
    /// Number of slices.
    pub slices: usize,
    /// Median step along the normal, in mm.
    pub step_mm: f64,
    /// Smallest step, in mm.
    pub step_min_mm: f64,
    /// Largest step, in mm.
    pub step_max_mm: f64,
    /// Largest step beyond the median step, in mm; 0 where all are even.
    pub max_gap_mm: f64,
    /// Slices missing, counted in median steps.
    pub missing_slices: u32,
    /// Slices that share a position with an earlier one.
    pub duplicate_slices: u32,
    /// Angle between normal and stacking direction, in degrees.
    pub tilt_degrees: f64,
    /// Largest angle between an axis and the nearest world axis, in degrees.
    pub obliquity_degrees: f64,
    /// All slices share one orientation.
    pub single_orientation: bool,
    /// Row and column directions are orthogonal unit vectors.
    pub orthogonal_orientation: bool,
    /// Every slice has a position of its own.
    pub unique_slice_positions: bool,
    /// Slices do not shift along their rows.
    pub consistent_in_plane_row: bool,
    /// Slices do not shift along their columns.
    pub consistent_in_plane_col: bool,
    /// All slices share one pixel spacing.
    pub consistent_pixel_spacing: bool,
    /// All slices share one size.
    pub consistent_image_dimensions: bool,
    /// Steps between slices are even.
    pub uniform_slice_spacing: bool,
}

impl GeometryFacts {
    /// Whether every check holds, so that the stack can be an array without resampling.
    pub const fn regularly_spaced_3d_volume(&self) -> bool {
        self.single_orientation
            && self.orthogonal_orientation
            && self.unique_slice_positions
            && self.consistent_in_plane_row
            && self.consistent_in_plane_col
            && self.consistent_pixel_spacing
            && self.consistent_image_dimensions
            && self.uniform_slice_spacing
    }
}

/// The geometry of a series that was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesGeometry {
    /// Verdict on the source.
    pub verdict: GeometryVerdict,
    /// Measures of the source.
    pub facts: GeometryFacts,
    /// What was done to it, in order.
    pub repaired: Vec<String>,
    /// Share of voxels that carried the source's padding value.
    pub padding_fraction: f64,
}

/// How a series is read.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions {
    /// What NIfTI voxels hold.
    pub intensity: IntensityPolicy,
    /// Which voxel size is taken where a NIfTI header and the metadata disagree.
    pub spacing: SpacingPolicy,
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
            spacing: corpus.spacing,
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
            spacing: SpacingPolicy::default(),
            geometry: GeometryPolicy::default(),
            frames: FramePolicy::default(),
            limit: u64::from(limits.decompressed_mib) << 20,
            slab_above: u64::from(limits.slab_above_mib) << 20,
        }
    }
}
