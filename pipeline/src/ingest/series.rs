//! A series of either format: the files it lies in, how it is read, and what it becomes.

use std::path::{Path, PathBuf};

use schemas::manifest::{
    CorpusSection, FramePolicy, GeometryPolicy, IntensityPolicy, LimitsSection,
};

use super::archive::archive_of;
use super::geometry::SeriesGeometry;
use crate::volume::Volume;

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
        /// Number of the stack, as [`super::dicom::DicomSeries::volumes`] counts them.
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
