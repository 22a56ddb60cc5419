//! A volume as a NIfTI file.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::header::datatype_width;
use crate::volume::Affine;

/// Writes 16-bit or other voxels of `datatype` as a NIfTI-1 `.nii.gz`.
///
/// # Errors
///
/// What the system says while writing.
pub fn write(
    path: &Path,
    bytes: &[u8],
    datatype: i16,
    [width, height, depth]: [usize; 3],
    affine: Affine,
) -> io::Result<()> {
    let spacing = affine.spacing();
    let bitpix = datatype_width(datatype).map_or(16, |width| width as i16 * 8);
    let mut pixdim = [0.0_f32; 8];
    pixdim[0] = 1.0;
    for axis in 0..3 {
        pixdim[axis + 1] = spacing[axis] as f32;
    }
    let row = |index: usize| affine.0[index].map(|value| value as f32);
    let mut header = vec![0_u8; 352];
    let mut put = |at: usize, value: &[u8]| header[at..at + value.len()].copy_from_slice(value);
    put(0, &348_i32.to_le_bytes());
    for (index, size) in [3, width, height, depth, 1, 1, 1, 1].into_iter().enumerate() {
        put(40 + 2 * index, &(size as i16).to_le_bytes());
    }
    put(70, &datatype.to_le_bytes());
    put(72, &bitpix.to_le_bytes());
    for (index, value) in pixdim.into_iter().enumerate() {
        put(76 + 4 * index, &value.to_le_bytes());
    }
    put(108, &352.0_f32.to_le_bytes());
    put(112, &1.0_f32.to_le_bytes());
    put(123, &[2]);
    put(254, &1_i16.to_le_bytes());
    for index in 0..3 {
        for (column, value) in row(index).into_iter().enumerate() {
            put(280 + 16 * index + 4 * column, &value.to_le_bytes());
        }
    }
    put(344, b"n+1\0");
    let file = io::BufWriter::new(File::create(path)?);
    let mut encoder = GzEncoder::new(file, Compression::new(6));
    encoder.write_all(&header)?;
    encoder.write_all(bytes)?;
    encoder.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
