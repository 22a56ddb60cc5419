//! Why an input is not in a release. Every input ends in the release or in `excluded.parquet` under
//! one of these codes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The closed list of exclusion codes. The text of a code is a contract: it is written into tables
/// and counted in summaries.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The file ends before its header says it should, or its gzip stream is cut.
    VolumeTruncated,
    /// The file is damaged: bad checksum, bad header, undecodable pixels.
    VolumeCorrupt,
    /// The file or folder is not an image format radloom reads.
    VolumeUnsupported,
    /// The header describes something else than one 3D scalar image.
    NotAVolume,
    /// A scout image, not a diagnostic series.
    Localizer,
    /// The slices do not form a regular grid: uneven spacing or mixed orientation.
    IrregularGeometry,
    /// Two slices share one position.
    DuplicatePositions,
    /// Slices are missing inside the stack.
    MissingSlices,
    /// The slices are sheared against their normal (gantry tilt).
    Tilted,
    /// It cannot be told whether voxels are stored units or Hounsfield units.
    AmbiguousIntensity,
    /// Every voxel has the same value.
    Constant,
    /// The decoded size would exceed `[limits] decompressed_mib`.
    TooLarge,
    /// The volume is on a skip list of the manifest.
    SkipListed,
    /// The name does not follow the layout's naming rule.
    UnknownName,
    /// A study has a report but none of its volumes could be used.
    ReportWithoutVolume,
    /// A volume has no report.
    VolumeWithoutReport,
    /// The report has no text after blanks and sentinels are dropped.
    EmptyReport,
    /// Another series of the study was chosen by the manifest's rule.
    SeriesNotChosen,
    /// A defect in radloom itself; the message says where to report it.
    InternalError,
}

impl Reason {
    /// Every code, in the order of the enum.
    pub const ALL: [Self; 19] = [
        Self::VolumeTruncated,
        Self::VolumeCorrupt,
        Self::VolumeUnsupported,
        Self::NotAVolume,
        Self::Localizer,
        Self::IrregularGeometry,
        Self::DuplicatePositions,
        Self::MissingSlices,
        Self::Tilted,
        Self::AmbiguousIntensity,
        Self::Constant,
        Self::TooLarge,
        Self::SkipListed,
        Self::UnknownName,
        Self::ReportWithoutVolume,
        Self::VolumeWithoutReport,
        Self::EmptyReport,
        Self::SeriesNotChosen,
        Self::InternalError,
    ];

    /// The verdict on a single series that this reason stands for, by the names of the Imaging Data
    /// Commons where it has them.
    pub const fn verdict(self) -> &'static str {
        match self {
            Self::IrregularGeometry => "irregular",
            Self::VolumeUnsupported => "unsupported",
            Self::VolumeTruncated => "truncated",
            Self::VolumeCorrupt => "corrupt",
            other => other.code(),
        }
    }

    /// The code as written in tables.
    pub const fn code(self) -> &'static str {
        match self {
            Self::VolumeTruncated => "volume_truncated",
            Self::VolumeCorrupt => "volume_corrupt",
            Self::VolumeUnsupported => "volume_unsupported",
            Self::NotAVolume => "not_a_volume",
            Self::Localizer => "localizer",
            Self::IrregularGeometry => "irregular_geometry",
            Self::DuplicatePositions => "duplicate_positions",
            Self::MissingSlices => "missing_slices",
            Self::Tilted => "tilted",
            Self::AmbiguousIntensity => "ambiguous_intensity",
            Self::Constant => "constant",
            Self::TooLarge => "too_large",
            Self::SkipListed => "skip_listed",
            Self::UnknownName => "unknown_name",
            Self::ReportWithoutVolume => "report_without_volume",
            Self::VolumeWithoutReport => "volume_without_report",
            Self::EmptyReport => "empty_report",
            Self::SeriesNotChosen => "series_not_chosen",
            Self::InternalError => "internal_error",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_and_equal_their_serialised_form() {
        let mut seen = BTreeSet::new();
        for reason in Reason::ALL {
            assert!(seen.insert(reason.code()), "{reason} is listed twice");
            let json = serde_json::to_string(&reason).expect("serialises");
            assert_eq!(json, format!("\"{}\"", reason.code()));
        }
    }
}
