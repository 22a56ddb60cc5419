//! A volume as a NIfTI-1 file.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use libdeflater::{CompressionLvl, Compressor};

use super::decode::datatype_width;
use crate::volume::Affine;

/// Writes voxels of `datatype`, x fastest, as `.nii.gz` where the name ends in `.gz`, plain otherwise.
/// `shape` is x, y, z and, above 1, the number of images one after another.
///
/// # Errors
///
/// The I/O error while writing; a size that NIfTI-1 cannot hold.
pub fn write(
    path: &Path,
    bytes: &[u8],
    datatype: i16,
    shape: [usize; 4],
    affine: Affine,
) -> io::Result<()> {
    let header = header(datatype, shape, affine)?;
    let mut file = File::create(path)?;
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        let mut content = Vec::with_capacity(header.len() + bytes.len());
        content.extend_from_slice(&header);
        content.extend_from_slice(bytes);
        // The fastest level: noise does not compress, so that slower ones save a few per cent at most.
        let mut compressor = Compressor::new(CompressionLvl::fastest());
        let mut compressed = vec![0; compressor.gzip_compress_bound(content.len())];
        let length =
            compressor.gzip_compress(&content, &mut compressed).map_err(io::Error::other)?;
        file.write_all(&compressed[..length])?;
    } else {
        file.write_all(&header)?;
        file.write_all(bytes)?;
    }
    Ok(())
}

fn header(datatype: i16, shape: [usize; 4], affine: Affine) -> io::Result<Vec<u8>> {
    let spacing = affine.spacing();
    let bitpix = datatype_width(datatype).map_or(16, |width| width as i16 * 8);
    let mut pixdim = [0.0_f32; 8];
    pixdim[0] = 1.0;
    for axis in 0..3 {
        pixdim[axis + 1] = spacing[axis] as f32;
    }
    pixdim[4] = 1.0;
    let row = |index: usize| affine.0[index].map(|value| value as f32);
    let mut header = vec![0_u8; 352];
    let mut put = |at: usize, value: &[u8]| header[at..at + value.len()].copy_from_slice(value);
    put(0, &348_i32.to_le_bytes());
    let [width, height, depth, images] = shape;
    let rank = if images > 1 { 4 } else { 3 };
    for (index, size) in [rank, width, height, depth, images, 1, 1, 1].into_iter().enumerate() {
        let size = i16::try_from(size).map_err(|_| {
            io::Error::other(format!("an axis of {size} voxels is too long for NIfTI-1"))
        })?;
        put(40 + 2 * index, &size.to_le_bytes());
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
    Ok(header)
}
