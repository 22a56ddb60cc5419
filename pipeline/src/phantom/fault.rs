//! Faults as corpora have them, sown on request.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use crate::draws::Draws;

/// What is wrong with a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The file ends early.
    Truncated,
    /// The file holds nothing.
    Empty,
    /// All voxels are equal.
    Constant,
    /// No row of the reports names the volume.
    NoReport,
    /// The report says that there is none.
    Placeholder,
}

impl Fault {
    const ALL: [Self; 5] =
        [Self::Truncated, Self::Empty, Self::Constant, Self::NoReport, Self::Placeholder];

    /// Name in the table of faults.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::Constant => "constant",
            Self::NoReport => "no_report",
            Self::Placeholder => "placeholder",
        }
    }

    pub(super) fn change_voxels(self, voxels: &mut [i16]) {
        if self == Self::Constant {
            voxels.fill(-1000);
        }
    }

    pub(super) fn change_file(self, path: &Path) -> io::Result<()> {
        let length = match self {
            Self::Truncated => fs::metadata(path)?.len() * 6 / 10,
            Self::Empty => 0,
            _ => return Ok(()),
        };
        OpenOptions::new().write(true).open(path)?.set_len(length)
    }
}

/// The fault of each of `studies` studies, a share of which has one: kinds take turns.
pub(super) fn sow(studies: usize, share: f64, seed: u64) -> Vec<Option<Fault>> {
    let count = (share * studies as f64).round() as usize;
    let mut faults = vec![None; studies];
    let order = Draws::new("phantom faults", seed, 0).permutation(studies as u32);
    for (turn, &study) in order.iter().take(count).enumerate() {
        faults[study as usize] = Some(Fault::ALL[turn % Fault::ALL.len()]);
    }
    faults
}
