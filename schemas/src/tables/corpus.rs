//! What the corpus holds: studies, volumes, what was left out, splits.

use super::row::table;
use crate::ids::{PatientKey, SeriesId, StudyId};
use crate::reason::Reason;

table! {
    /// One examination.
    StudyRow "studies" by [study_id] {
        /// The study.
        study_id: String,
        /// The patient.
        patient_key: String,
        /// `train`, `val` or `test`.
        split: String,
        /// Series of the study in the release.
        series: u32,
        /// Whether the study has a report.
        has_report: bool,
    }
}

table! {
    /// One series that is in the release, with what was found in it and done to it.
    VolumeRow "volumes" by [split, study_id, series_id] {
        /// The series.
        series_id: String,
        /// The study.
        study_id: String,
        /// The patient.
        patient_key: String,
        /// `train`, `val` or `test`.
        split: String,
        /// The source, relative to the corpus.
        source: String,
        /// Size of the source in bytes (sum over the files of a DICOM series).
        source_bytes: u64,
        /// Files of the source, those inside an archive counted one by one.
        source_files: u32,
        /// SHA-256 of the source (of the sorted list of the files' sums for a DICOM series).
        source_sha256: String,
        /// `nifti` or `dicom`.
        format: String,
        /// Modality as the source names it; empty where it does not.
        modality: String,
        /// Unit of the values: `HU`, that which the source names, or empty where it names none. Columns in Hounsfield units
        /// are in this unit.
        unit: String,
        /// Size of the source, x, y, z in voxels as stored.
        source_shape: [u32; 3],
        /// Voxel size of the source, x, y, z in mm as stored.
        source_spacing: [f64; 3],
        /// Voxel to world (RAS, mm), 4 × 4 row-major.
        source_affine: [f64; 16],
        /// Axis codes of the source, such as `LPS`.
        source_orientation: String,
        /// Geometry verdict on the source, a verdict of `radloom inspect`. Other than
        /// `regular` only where the manifest has it repaired or accepted.
        verdict: String,
        /// Largest angle between a source axis and the nearest world axis, in degrees.
        obliquity: f64,
        /// Smallest step between neighbouring slices of the source, in mm.
        slice_step_min_mm: f64,
        /// Largest step between neighbouring slices of the source, in mm.
        slice_step_max_mm: f64,
        /// Largest step beyond the median step of the source, in mm; 0 where all are even.
        max_gap_mm: f64,
        /// Slices missing from the source, counted in median steps.
        missing_slices: u32,
        /// Slices of the source that share a position with an earlier one.
        duplicate_slices: u32,
        /// Angle between the source's slice normal and its stacking direction, in degrees.
        tilt_degrees: f64,
        /// What was done to the geometry, in order; empty where nothing was.
        repaired: Vec<String>,
        /// Share of voxels that carried the source's padding value.
        padding_fraction: f64,
        /// How voxels became Hounsfield units: `header`, `metadata` or `dicom`.
        rescale_source: String,
        /// Lowest value in Hounsfield units.
        hu_min: f64,
        /// Highest value in Hounsfield units.
        hu_max: f64,
        /// Mean in Hounsfield units.
        hu_mean: f64,
        /// Commonest value below -500 HU, to 8 HU: about -1000 in a sound CT. None without air.
        air_peak_hu: Option<f64>,
        /// First percentile in Hounsfield units, to 8 HU.
        first_percentile_hu: f64,
        /// Share of voxels at 3071 HU or above, where 12 bits end.
        saturated_fraction: f64,
        /// Share of voxels that were NaN or infinite and were set to −1024 HU.
        nan_fraction: f64,
        /// What is odd but was accepted.
        warnings: Vec<String>,
    }
}

table! {
    /// One input that is not in the release.
    ExcludedRow "excluded" by [source, reason] {
        /// The input, relative to the corpus, or the identifier it is known by.
        source: String,
        /// The series, where known.
        series_id: Option<String>,
        /// The study, where known.
        study_id: Option<String>,
        /// The patient, where known.
        patient_key: Option<String>,
        /// A code of `radloom list reasons`.
        reason: String,
        /// The finding in words.
        detail: String,
        /// Files that the row stands for; 0 where it is about a report or a name.
        files: u32,
    }
}

impl ExcludedRow {
    /// The input `source` left out for `reason`; what is known of it is added by the methods below.
    pub fn new(reason: Reason, source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            series_id: None,
            study_id: None,
            patient_key: None,
            reason: reason.code().to_owned(),
            detail: String::new(),
            files: 0,
        }
    }

    /// The number of files it stands for.
    #[must_use]
    pub fn files(mut self, files: u32) -> Self {
        self.files = files;
        self
    }

    /// The series it is.
    #[must_use]
    pub fn series(mut self, series: &SeriesId) -> Self {
        self.series_id = Some(series.to_string());
        self
    }

    /// The study it belongs to.
    #[must_use]
    pub fn study(mut self, study: &StudyId) -> Self {
        self.study_id = Some(study.to_string());
        self
    }

    /// The patient it is of.
    #[must_use]
    pub fn patient(mut self, patient: &PatientKey) -> Self {
        self.patient_key = Some(patient.to_string());
        self
    }

    /// The finding in words.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

table! {
    /// The split of one patient and the rule that decided it.
    SplitRow "splits" by [patient_key] {
        /// The patient.
        patient_key: String,
        /// `train`, `val` or `test`.
        split: String,
        /// `hash` or `corpus`.
        rule: String,
    }
}
