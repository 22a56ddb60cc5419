//! What a phantom corpus is made of, what came of it, and why it could not be made.

use std::io;
use std::path::PathBuf;

use serde::Serialize;
use thiserror::Error;

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PhantomOptions {
    /// Studies, those of patients who come back included.
    pub studies: usize,
    /// What everything is drawn from.
    pub seed: u64,
    /// Voxels along each axis; at least 32.
    pub size: usize,
    /// Share of the studies that get a fault, 0..=1.
    pub faults: f64,
}

impl Default for PhantomOptions {
    fn default() -> Self {
        Self { studies: 128, seed: 0, size: 128, faults: 0.0 }
    }
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhantomSummary {
    /// The corpus.
    pub folder: PathBuf,
    /// Patients.
    pub patients: usize,
    /// Studies.
    pub studies: usize,
    /// Volumes: studies, and the second kernel of some.
    pub volumes: usize,
    /// Findings of all studies.
    pub findings: usize,
    /// Faults that were sown.
    pub faults: usize,
}

/// Why no corpus was made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PhantomError {
    /// An option makes no sense.
    #[error("failed to make a phantom: `{option}` is {found}: {wanted}")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        found: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// There is something in the folder.
    #[error("failed to make a phantom in `{}`: there is a corpus in it: remove it or choose another folder", folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// A file could not be written.
    #[error("failed to write `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
