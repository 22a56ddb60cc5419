//! `[corpus]`: where volumes, reports and tables lie and how they are named.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the voxels of NIfTI files hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IntensityPolicy {
    /// Decide per file from datatype and header (CT-RATE version 1 or 2); refuse when ambiguous.
    #[default]
    Auto,
    /// The files hold Hounsfield units after their own header's scaling (CT-RATE version 2).
    Hounsfield,
    /// The files hold stored units; slope and intercept come from the metadata csv (CT-RATE
    /// version 1).
    Stored,
}

/// Which voxel size is taken where a NIfTI header and the metadata csv differ by more than 1 %. Against a blank header (1 mm
/// without an orientation, or an identity) the metadata are always taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SpacingPolicy {
    /// None: the volume is excluded as `ambiguous_spacing`.
    #[default]
    Agree,
    /// The header's, with a warning.
    Header,
    /// The metadata's, with a warning.
    Metadata,
}

/// What is done with a NIfTI file of several volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FramePolicy {
    /// The file is excluded as no volume.
    #[default]
    Reject,
    /// The first volume is taken.
    First,
}

/// What is done with a series whose geometry has one kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// The series is excluded under the fault's reason code.
    #[default]
    Reject,
    /// The fault is mended by interpolation, and the table of volumes says so.
    Repair,
    /// The series is taken as far as it forms a grid, with a warning.
    Accept,
}

/// What is done with each kind of faulty geometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GeometryPolicy {
    /// Slices sheared against their normal. Repair resamples the shear out, with air at the borders;
    /// accept keeps the sheared affine.
    pub tilt: Remedy,
    /// Slices left out or unevenly spaced. Repair interpolates linearly onto a grid of the median
    /// step; accept keeps the longest evenly spaced run.
    pub gaps: Remedy,
    /// Slices at one position. Repair and accept keep the first by instance number and path.
    pub duplicates: Remedy,
}

/// Which series of a study of a `dicom-tree` corpus are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SeriesChoice {
    /// Every series that is a volume.
    #[default]
    All,
    /// The largest axial series whose ImageType begins `ORIGINAL\PRIMARY`; among those of at least
    /// 80 % of the largest's extent, the one whose kernel stands first in `kernels`, then the one
    /// with most slices. Where no series is axial and original, others are taken in that order.
    Primary,
}

/// `[corpus]`. Paths other than `root` are relative to `root`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorpusSection {
    /// How the corpus is laid out, by name: `radloom list layouts` shows the layouts there are.
    pub layout: String,
    /// The corpus folder, relative to the manifest. `${NAME}` stands for an environment variable.
    pub root: PathBuf,
    /// Folders searched for volumes. Default: `["."]`.
    #[serde(default = "default_volumes")]
    pub volumes: Vec<PathBuf>,
    /// csv files with the reports.
    #[serde(default)]
    pub reports: Vec<PathBuf>,
    /// csv files with the volumes' metadata (spacing, rescale slope and intercept).
    #[serde(default)]
    pub metadata: Vec<PathBuf>,
    /// csv files with labels that came with the corpus; kept beside our own as `source_labels`.
    #[serde(default)]
    pub labels: Vec<PathBuf>,
    /// For `table`, tables (csv, tsv or JSON lines) with a row per series.
    #[serde(default)]
    pub rows: Vec<PathBuf>,
    /// Text files that list volume names to leave out, one per line (CT-RATE's `no_chest_*.txt`).
    #[serde(default)]
    pub skip: Vec<PathBuf>,
    /// What NIfTI voxels hold. Default: `auto`.
    #[serde(default)]
    pub intensity: IntensityPolicy,
    /// Which voxel size is taken where NIfTI header and metadata differ: `agree` (none), `header` or `metadata`. Default:
    /// `agree`.
    #[serde(default)]
    pub spacing: SpacingPolicy,
    /// Modalities that are used, as DICOM names them (`["CT"]`); series of others are excluded as `series_not_chosen`.
    /// Default: all. NIfTI files name none and are not asked.
    #[serde(default)]
    pub modality: Vec<String>,
    /// Files that are left out unread, counted and not listed: patterns of names (`*.bak`) or, with a slash, of paths
    /// (`masks/*`). Texts, tables and other files that lie beside images, `*.txt`, `*.csv` and the like, are counted so
    /// by themselves where nothing else is known of them.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// What is done with DICOM series and sheared NIfTI files of tilted geometry: `reject`, `repair`
    /// or `accept`. Default: `reject`.
    #[serde(default)]
    pub tilt: Remedy,
    /// What is done with series whose slices are missing or unevenly spaced. Default: `reject`.
    #[serde(default)]
    pub gaps: Remedy,
    /// What is done with series of several slices at one position. Default: `reject`.
    #[serde(default)]
    pub duplicates: Remedy,
    /// For `dicom-tree`, which series of a study are used: `all` or `primary`. Default: `all`.
    #[serde(default)]
    pub series: SeriesChoice,
    /// Reconstruction kernels from the most to the least wanted, compared by their beginning without
    /// regard to case; used by `series = "primary"`. Default: none is preferred.
    #[serde(default)]
    pub kernels: Vec<String>,
    /// What is done with NIfTI files of several volumes: `reject` or `first`. Default: `reject`.
    #[serde(default)]
    pub frames: FramePolicy,
    /// Column names of the csv files. Defaults: CT-RATE's.
    #[serde(default)]
    pub columns: Columns,
    /// Terms under which the corpus may be used, an SPDX expression or a sentence. Written on the
    /// release's card.
    #[serde(default)]
    pub licence: String,
}

impl CorpusSection {
    /// What is done with each kind of faulty geometry.
    pub const fn geometry(&self) -> GeometryPolicy {
        GeometryPolicy { tilt: self.tilt, gaps: self.gaps, duplicates: self.duplicates }
    }
}

fn default_volumes() -> Vec<PathBuf> {
    vec![PathBuf::from(".")]
}

/// Column names of the corpus's csv files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// Names the volume in reports, metadata and labels; for `dicom-tree`, the StudyInstanceUID in
    /// reports.
    pub volume: String,
    /// Clinical information or indication.
    pub clinical_information: String,
    /// Technique.
    pub technique: String,
    /// Findings.
    pub findings: String,
    /// Impression.
    pub impression: String,
    /// Rescale slope in the metadata.
    pub rescale_slope: String,
    /// Rescale intercept in the metadata.
    pub rescale_intercept: String,
    /// In-plane spacing in the metadata, written `[x, y]`, in mm.
    pub xy_spacing: String,
    /// Slice spacing in the metadata, in mm.
    pub z_spacing: String,
    /// For `table`, the file, folder or archive of a series, relative to the corpus.
    pub path: String,
    /// For `table`, the series; by default the name of its file.
    pub series: String,
    /// For `table`, the study; by default the series.
    pub study: String,
    /// For `table`, the patient; by default the study.
    pub patient: String,
    /// For `table`, the modality of a NIfTI file, as DICOM names it; by default CT.
    pub modality: String,
    /// For `table`, the split: `train`, `test`, or another word for `val`.
    pub split: String,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            volume: "VolumeName".into(),
            clinical_information: "ClinicalInformation_EN".into(),
            technique: "Technique_EN".into(),
            findings: "Findings_EN".into(),
            impression: "Impressions_EN".into(),
            rescale_slope: "RescaleSlope".into(),
            rescale_intercept: "RescaleIntercept".into(),
            xy_spacing: "XYSpacing".into(),
            z_spacing: "ZSpacing".into(),
            path: "path".into(),
            series: "series".into(),
            study: "study".into(),
            patient: "patient".into(),
            modality: "modality".into(),
            split: "split".into(),
        }
    }
}
