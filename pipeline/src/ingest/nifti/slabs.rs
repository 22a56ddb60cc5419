//! A file as slabs of slices, for volumes that do not fit in memory.

use std::path::Path;

use super::decode::{convert, finite, replace_not_finite};
use super::read::{NiftiImage, OpenedNifti};
use super::stream::fill;
use crate::ingest::IngestError;
use crate::ingest::intensity::HeaderFacts;
use crate::volume::Voxels;

/// Reads the NIfTI file at `path` as slabs of whole slices of about `slab_bytes`, in stored order, for
/// volumes that do not fit in memory. What is given back has no voxels of its own.
///
/// # Errors
///
/// As [`super::read`]; slabs given to `sink` before an error are void.
pub fn read_slabs(
    path: &Path,
    limit: u64,
    first_frame: bool,
    slab_bytes: usize,
    mut sink: impl FnMut(Voxels),
) -> Result<NiftiImage, IngestError> {
    OpenedNifti::new(path, limit, first_frame, None)?.read_slabs(slab_bytes, None, &mut sink)
}

impl OpenedNifti<'_> {
    /// Reads slabs, of a file that may have been read before. Voxels that are NaN or infinite come as they are, or as
    /// `fill_with` where that is given.
    ///
    /// # Errors
    ///
    /// As [`read_slabs`].
    pub(crate) fn read_slabs(
        &mut self,
        slab_bytes: usize,
        fill_with: Option<f32>,
        sink: &mut dyn FnMut(Voxels),
    ) -> Result<NiftiImage, IngestError> {
        let mut warnings = self.warnings.clone();
        let [width, height, depth] = self.frame.dims;
        let slice_bytes = self.bytes / depth;
        let thickness = (slab_bytes / slice_bytes).max(1);
        let mut input = self.data.stream()?;
        input.skip(self.skip, self.bytes)?;
        let (mut replaced, mut minimum) = (0, f64::INFINITY);
        let mut integers = true;
        for start in (0..depth).step_by(thickness) {
            let slices = thickness.min(depth - start);
            let mut raw = vec![0_i16; (slices * slice_bytes).div_ceil(2)];
            let target = &mut bytemuck::cast_slice_mut::<i16, u8>(&mut raw)[..slices * slice_bytes];
            fill(&mut input, target, start * slice_bytes, self.bytes)?;
            let header = &self.header;
            let count = slices * width * height;
            // One type for all slabs: whether wider integers fit in 16 bits is known at the end only.
            let (mut voxels, whole) =
                convert(raw, header.datatype, header.endianness, count, false);
            let (not_finite, lowest) = finite(&voxels);
            replaced += not_finite;
            minimum = minimum.min(lowest);
            if let (Some(fill), true) = (fill_with, not_finite > 0) {
                replace_not_finite(&mut voxels, fill);
            }
            integers = whole;
            sink(voxels);
        }
        if self.frame.is_last {
            input.read_to_end(self.bytes, &mut warnings)?;
        }
        drop(input);
        let facts =
            HeaderFacts { scaling: self.scaling(), integers, oriented: self.oriented, minimum };
        let nan_fraction = replaced as f64 / (width * height * depth) as f64;
        let voxels = Voxels::I16(Vec::new());
        let (dims, affine) = (self.frame.dims, self.affine);
        Ok(NiftiImage { voxels, dims, affine, facts, nan_fraction, warnings })
    }
}
