//! Names of patients, studies and series, as newtypes so that none is taken for another.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

identifier! {
    /// One person. Splits are made by patient, and nothing of one patient is another's negative.
    PatientKey
}
identifier! {
    /// One examination with one report, for example `train_1_a`.
    StudyId
}
identifier! {
    /// One acquisition or reconstruction of a study, for example `train_1_a_2`.
    SeriesId
}
identifier! {
    /// One view of one series, the unit the loader hands out, for example `train_1_a_2/mg3d`.
    SampleId
}

impl SampleId {
    /// The sample that `view` makes of `series`.
    pub fn new(series: &SeriesId, view: &str) -> Self {
        Self(format!("{series}/{view}"))
    }
}

/// A CT-RATE volume name taken apart: `train_1_a_2` is split `train`, patient 1, scan `a`,
/// reconstruction 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CtRateName {
    /// `train` or `valid`, as written in the name.
    pub split: String,
    /// `train_1`.
    pub patient: PatientKey,
    /// `train_1_a`.
    pub study: StudyId,
    /// `train_1_a_2`.
    pub series: SeriesId,
}

impl CtRateName {
    /// Reads a name with or without `.nii` or `.nii.gz`; scan letters may be several.
    pub fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".gz").unwrap_or(name);
        let stem = stem.strip_suffix(".nii").unwrap_or(stem);
        let mut parts = stem.split('_');
        let (split, patient, scan, reconstruction) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let letters =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase());
        if parts.next().is_some()
            || !letters(split)
            || !digits(patient)
            || !letters(scan)
            || !digits(reconstruction)
        {
            return None;
        }
        Some(Self {
            split: split.to_owned(),
            patient: PatientKey(format!("{split}_{patient}")),
            study: StudyId(format!("{split}_{patient}_{scan}")),
            series: SeriesId(stem.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ct_rate_names_come_apart_into_patient_study_and_series() {
        let name = CtRateName::parse("train_12_ab_3.nii.gz").expect("a CT-RATE name");
        assert_eq!(name.split, "train");
        assert_eq!(name.patient.as_str(), "train_12");
        assert_eq!(name.study.as_str(), "train_12_ab");
        assert_eq!(name.series.as_str(), "train_12_ab_3");
    }

    #[test]
    fn other_names_are_refused() {
        for name in ["train_1_a.nii.gz", "train_x_a_1", "train_1_A_1", "train_1_a_1_2", "", "___"] {
            assert_eq!(CtRateName::parse(name), None, "{name}");
        }
    }
}
