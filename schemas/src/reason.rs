//! Why an input is not in a release. Every input ends in the release or in `excluded.parquet` under
//! one of these codes.

use schemars::JsonSchema;

crate::named_enum! {
    /// The closed list of exclusion codes. The text of a code is a contract: it is written into tables
    /// and counted in summaries.
    #[derive(PartialOrd, Ord, JsonSchema)]
    pub enum Reason {
        /// The file ends before its header says it should, or its gzip stream is cut.
        VolumeTruncated = "volume_truncated",
        /// The file is damaged: bad checksum, bad header, undecodable pixels.
        VolumeCorrupt = "volume_corrupt",
        /// The system did not give the file: permission, a missing file, input or output. It says nothing of the data, and
        /// the file is tried again by the next run.
        Unreadable = "unreadable",
        /// The file or folder is not an image format radloom reads.
        VolumeUnsupported = "volume_unsupported",
        /// The header describes something else than one 3D scalar image.
        NotAVolume = "not_a_volume",
        /// A scout image, not a diagnostic series.
        Localizer = "localizer",
        /// The slices do not form a regular grid: uneven spacing or mixed orientation.
        IrregularGeometry = "irregular_geometry",
        /// Two slices share one position.
        DuplicatePositions = "duplicate_positions",
        /// Slices are missing inside the stack.
        MissingSlices = "missing_slices",
        /// The slices are sheared against their normal (gantry tilt).
        Tilted = "tilted",
        /// The series mixes several stacks, and this part of it is not a volume by itself.
        MultiStack = "multi_stack",
        /// It cannot be told whether voxels are stored units or Hounsfield units.
        AmbiguousIntensity = "ambiguous_intensity",
        /// The voxel size is not known, or header and metadata disagree about it.
        AmbiguousSpacing = "ambiguous_spacing",
        /// The values are not in the unit that a view asks for.
        OtherUnit = "other_unit",
        /// The file is a copy of another one that is used.
        Copy = "copy",
        /// Every voxel has the same value.
        Constant = "constant",
        /// The decoded size would exceed `[limits] decompressed_mib`.
        TooLarge = "too_large",
        /// The volume is on a skip list of the manifest.
        SkipListed = "skip_listed",
        /// The name does not follow the layout's naming rule.
        UnknownName = "unknown_name",
        /// A second row of a table says something else of the same thing, or a row names nothing.
        DuplicateRow = "duplicate_row",
        /// A study has a report but none of its volumes could be used.
        ReportWithoutVolume = "report_without_volume",
        /// A volume has no report.
        VolumeWithoutReport = "volume_without_report",
        /// The report has no text after blanks and sentinels are dropped.
        EmptyReport = "empty_report",
        /// Another series of the study was chosen by the manifest's rule.
        SeriesNotChosen = "series_not_chosen",
        /// A defect in radloom itself; the message says where to report it.
        InternalError = "internal_error",
    }
}

impl Reason {
    /// The verdict on a single series that this reason stands for, by the names of the Imaging Data
    /// Commons where it has them.
    pub const fn verdict(self) -> &'static str {
        match self {
            Self::IrregularGeometry => "irregular",
            Self::VolumeUnsupported => "unsupported",
            Self::VolumeTruncated => "truncated",
            Self::VolumeCorrupt => "corrupt",
            other => other.name(),
        }
    }

    /// The code as written in tables.
    pub const fn code(self) -> &'static str {
        self.name()
    }
}

crate::named_enum! {
    /// What the slices of one volume are to each other. The names are a contract: they are written into
    /// tables and into `radloom inspect`'s output.
    #[derive(PartialOrd, Ord, Default, JsonSchema)]
    pub enum GeometryVerdict {
        /// One regular grid.
        #[default]
        Regular = "regular",
        /// A regular grid with slices left out: every step is a multiple of the usual one.
        MissingSlices = "missing_slices",
        /// Several slices at one position that no tag tells apart.
        DuplicatePositions = "duplicate_positions",
        /// Uneven steps, or orientation, position or pixel spacing missing or impossible.
        Irregular = "irregular",
        /// Part of a series of several stacks that is not a volume by itself, or several of them at once.
        MultiStack = "multi_stack",
        /// A regular stack sheared against its normal (gantry tilt).
        Tilted = "tilted",
        /// A scout image.
        Localizer = "localizer",
        /// Not a stack of at least three grey images.
        NotAVolume = "not_a_volume",
        /// Pixels in a coding that is not read.
        Unsupported = "unsupported",
    }
}

impl GeometryVerdict {
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
            assert!(!reason.doc().is_empty());
        }
    }

    #[test]
    fn a_verdict_is_named_as_the_reason_to_exclude_it() {
        for verdict in GeometryVerdict::ALL {
            let named = verdict.reason().map_or("regular", Reason::verdict);
            assert_eq!(verdict.name(), named);
        }
    }
}
