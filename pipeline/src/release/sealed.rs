//! What a release is sealed from.

use std::collections::BTreeMap;

use schemas::manifest::Manifest;
use schemas::outcome::UnitOutcome;
use schemas::tables::ExcludedRow;

use crate::plan::{StudyPlan, Survey, Unit};

/// Everything a release is sealed from.
pub struct Sealed<'a> {
    /// The manifest.
    pub manifest: &'a Manifest,
    /// The corpus as planned.
    pub survey: &'a Survey,
    /// All units, in order.
    pub units: &'a [Unit],
    /// Their outcomes.
    pub outcomes: &'a [UnitOutcome],
    /// Every input that was left out, sorted.
    pub excluded: Vec<ExcludedRow>,
    /// Lexicon and policy files by name.
    pub lexicons: Vec<(String, Vec<u8>)>,
    /// SHA-256 of each file of the sentence encoder, by name.
    pub encoder: BTreeMap<String, String>,
    /// Studies in the release, sorted.
    pub included_studies: &'a [&'a StudyPlan],
}
