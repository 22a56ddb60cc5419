//! The header of NIfTI-2, which the `nifti` crate does not read.

use nifti::Endianness;

use super::header::Header;

/// Field offsets of the NIfTI-2 standard (nifti2.h).
pub(crate) fn version_two(bytes: &[u8], endianness: Endianness) -> Header {
    let little = matches!(endianness, Endianness::Little);
    let take = |at: usize| -> [u8; 8] { std::array::from_fn(|index| bytes[at + index]) };
    let int8 =
        |at| if little { i64::from_le_bytes(take(at)) } else { i64::from_be_bytes(take(at)) };
    let float =
        |at| if little { f64::from_le_bytes(take(at)) } else { f64::from_be_bytes(take(at)) };
    let int4 = |at: usize| {
        let four = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        if little { i32::from_le_bytes(four) } else { i32::from_be_bytes(four) }
    };
    let two = [bytes[12], bytes[13]];
    Header {
        endianness,
        dim: std::array::from_fn(|index| int8(16 + 8 * index)),
        datatype: if little { i16::from_le_bytes(two) } else { i16::from_be_bytes(two) },
        pixdim: std::array::from_fn(|index| float(104 + 8 * index)),
        vox_offset: int8(168).max(0) as u64,
        scl_slope: float(176),
        scl_inter: float(184),
        xyzt_units: int4(500) as u8,
        qform_code: int4(344),
        sform_code: int4(348),
        quaternion: std::array::from_fn(|index| float(352 + 8 * index)),
        offset: std::array::from_fn(|index| float(376 + 8 * index)),
        srow: std::array::from_fn(|row| {
            std::array::from_fn(|column| float(400 + 32 * row + 8 * column))
        }),
        length: 540,
        is_pair: bytes[4..].starts_with(b"ni2"),
    }
}
