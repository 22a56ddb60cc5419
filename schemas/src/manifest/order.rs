//! The `[train.order]` section of a manifest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which samples stand in a batch, and how an epoch ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrderSection {
    /// What no two samples of a batch share. With `study` or `patient` a batch is of one epoch, so that `tail` is `drop` or
    /// `pad`. Default: `none`.
    pub distinct: Distinct,
    /// What becomes of the samples at the end of an epoch that fill no batch. Default: `carry`; with `distinct`, `drop`.
    pub tail: Option<Tail>,
    /// Which series of a study an epoch holds. Default: `one`.
    pub series: SeriesPerEpoch,
    /// Whether the samples of a batch have about as many slices, so that little of a batch is padding where they are
    /// ragged; `tail` is `drop` or `pad` then. Default: false.
    pub bucket: bool,
}

impl OrderSection {
    /// What becomes of the end of an epoch.
    pub fn tail(&self) -> Tail {
        self.tail.unwrap_or(if self.cuts_epochs() { Tail::Drop } else { Tail::Carry })
    }

    /// Whether a batch is of one epoch.
    fn cuts_epochs(self) -> bool {
        self.distinct != Distinct::None || self.bucket
    }

    /// Why the section cannot be used: the key at fault and what is wrong with it.
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        if self.cuts_epochs() && self.tail() == Tail::Carry {
            return Some((
                "tail",
                "is `carry`, which puts samples of two epochs in one batch: with `distinct` or `bucket`, use `drop` or `pad`",
            ));
        }
        (self.bucket && self.distinct != Distinct::None).then_some((
            "bucket",
            "does not go with `distinct`: batches of similar samples cannot be kept apart by patient or study too",
        ))
    }
}

crate::named_enum! {
    /// What no two samples of a batch share.
    #[derive(Default, JsonSchema)]
    pub enum Distinct {
        /// Nothing is asked for.
        #[default]
        None = "none",
        /// The study.
        Study = "study",
        /// The patient.
        Patient = "patient",
    }
}

crate::named_enum! {
    /// What becomes of the samples at the end of an epoch that fill no batch.
    #[derive(JsonSchema)]
    pub enum Tail {
        /// They stand in a batch with the first samples of the next epoch.
        Carry = "carry",
        /// They are left out; which ones differs from epoch to epoch.
        Drop = "drop",
        /// They make a batch that holds fewer samples.
        Pad = "pad",
    }
}

crate::named_enum! {
    /// Which series of a study an epoch holds.
    #[derive(Default, JsonSchema)]
    pub enum SeriesPerEpoch {
        /// One, another in each epoch, so that a study with many reconstructions weighs no more than one with one.
        #[default]
        One = "one",
        /// Every one.
        All = "all",
        /// Every one, and all series of a study are one sample.
        Together = "together",
    }
}
