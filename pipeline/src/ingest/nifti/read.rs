//! A file as one image.

use std::path::Path;

use super::decode::{convert, replace_not_finite};
use super::open::OpenedNifti;
use crate::ingest::IngestError;
use crate::ingest::intensity::HeaderFacts;
use crate::volume::{Affine, Voxels};

/// A NIfTI image before its intensity unit is decided.
#[derive(Debug, Clone, PartialEq)]
pub struct NiftiImage {
    /// Voxels as stored, x fastest; NaN and infinite values are replaced by −1024.
    pub voxels: Voxels,
    /// Size along x, y, z.
    pub dims: [usize; 3],
    /// Voxel to world (RAS, mm).
    pub affine: Affine,
    /// What the header says of the unit.
    pub facts: HeaderFacts,
    /// Share of voxels that were NaN or infinite.
    pub nan_fraction: f64,
    /// What is odd but was accepted.
    pub warnings: Vec<String>,
}

/// Reads the NIfTI file at `path`, or the pair it is one half of; the decoded voxels may take `limit`
/// bytes at most. Of a file of several volumes the first is read where `first_frame` says so.
///
/// # Errors
///
/// An [`IngestError`] whose reason says whether the file is cut short, damaged, of another kind or
/// too large.
pub fn read(path: &Path, limit: u64, first_frame: bool) -> Result<NiftiImage, IngestError> {
    OpenedNifti::new(path, limit, first_frame, None)?.read()
}

impl OpenedNifti<'_> {
    /// Reads the image.
    ///
    /// # Errors
    ///
    /// As [`read`].
    pub(crate) fn read(mut self) -> Result<NiftiImage, IngestError> {
        let is_last = self.frame.is_last;
        let raw = self.data.voxels(self.skip, self.bytes, is_last, &mut self.warnings)?;
        let count = self.count();
        let (mut voxels, integers) =
            convert(raw, self.header.datatype, self.header.endianness, count, true);
        let nan_fraction = replace_not_finite(&mut voxels) as f64 / count.max(1) as f64;
        let facts = HeaderFacts {
            scaling: self.scaling(),
            integers,
            oriented: self.oriented,
            minimum: voxels.range().0,
        };
        let OpenedNifti { frame, affine, warnings, .. } = self;
        Ok(NiftiImage { voxels, dims: frame.dims, affine, facts, nan_fraction, warnings })
    }
}
