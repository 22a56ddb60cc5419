//! `[corpus]`: where volumes, reports and tables lie and how they are named.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the corpus is laid out on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// CT-RATE: `split_patient_scan_reconstruction.nii.gz` (or a folder of DICOM files of that name)
    /// anywhere under the volume folders, with reports, metadata and labels as csv.
    CtRate,
    /// A tree of DICOM files in any order; series are found by their identifiers, reports come from
    /// a csv keyed by StudyInstanceUID.
    DicomTree,
}

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

/// `[corpus]`. Paths other than `root` are relative to `root`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorpusSection {
    /// How the corpus is laid out: `ct-rate` or `dicom-tree`.
    pub layout: Layout,
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
    /// Text files that list volume names to leave out, one a line (CT-RATE's `no_chest_*.txt`).
    #[serde(default)]
    pub skip: Vec<PathBuf>,
    /// What NIfTI voxels hold. Default: `auto`.
    #[serde(default)]
    pub intensity: IntensityPolicy,
    /// Column names of the csv files. Defaults: CT-RATE's.
    #[serde(default)]
    pub columns: Columns,
    /// Terms under which the corpus may be used, an SPDX expression or a sentence. Written on the
    /// release's card.
    #[serde(default)]
    pub licence: String,
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
        }
    }
}
