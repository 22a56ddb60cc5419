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
    /// The series mixes several stacks, and this part of it is no volume by itself.
    MultiStack,
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
    pub const ALL: [Self; 20] = [
        Self::VolumeTruncated,
        Self::VolumeCorrupt,
        Self::VolumeUnsupported,
        Self::NotAVolume,
        Self::Localizer,
        Self::IrregularGeometry,
        Self::DuplicatePositions,
        Self::MissingSlices,
        Self::Tilted,
        Self::MultiStack,
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
            Self::MultiStack => "multi_stack",
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

/// What the slices of one volume are to each other. The names are a contract: they are written into
/// tables and into `radloom inspect`'s output.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GeometryVerdict {
    /// One regular grid.
    #[default]
    Regular,
    /// A regular grid with slices left out: every step is a multiple of the usual one.
    MissingSlices,
    /// Several slices at one position that no tag tells apart.
    DuplicatePositions,
    /// Uneven steps, or orientation, position or pixel spacing missing or impossible.
    Irregular,
    /// Part of a series of several stacks that is no volume by itself, or several of them at once.
    MultiStack,
    /// A regular stack sheared against its normal (gantry tilt).
    Tilted,
    /// A scout image.
    Localizer,
    /// Not a stack of at least three grey images.
    NotAVolume,
    /// Pixels in a coding that is not read.
    Unsupported,
}

impl GeometryVerdict {
    /// Every verdict.
    pub const ALL: [Self; 9] = [
        Self::Regular,
        Self::MissingSlices,
        Self::DuplicatePositions,
        Self::Irregular,
        Self::MultiStack,
        Self::Tilted,
        Self::Localizer,
        Self::NotAVolume,
        Self::Unsupported,
    ];

    /// The name as written in tables.
    pub const fn name(self) -> &'static str {
        match self.reason() {
            Some(reason) => reason.verdict(),
            None => "regular",
        }
    }

    /// The code under which a series of this verdict is excluded; none for a regular one.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Regular => None,
            Self::MissingSlices => Some(Reason::MissingSlices),
            Self::DuplicatePositions => Some(Reason::DuplicatePositions),
            Self::Irregular => Some(Reason::IrregularGeometry),
            Self::MultiStack => Some(Reason::MultiStack),
            Self::Tilted => Some(Reason::Tilted),
            Self::Localizer => Some(Reason::Localizer),
            Self::NotAVolume => Some(Reason::NotAVolume),
            Self::Unsupported => Some(Reason::VolumeUnsupported),
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

    #[test]
    fn verdicts_are_distinct_and_equal_their_serialised_form() {
        let mut seen = BTreeSet::new();
        for verdict in GeometryVerdict::ALL {
            assert!(seen.insert(verdict.name()), "{} is listed twice", verdict.name());
            let json = serde_json::to_string(&verdict).expect("serialises");
            assert_eq!(json, format!("\"{}\"", verdict.name()));
        }
    }
}
