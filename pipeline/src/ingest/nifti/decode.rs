//! Stored bytes into voxels.

use nifti::Endianness;
use schemas::reason::Reason;

use crate::ingest::IngestError;
use crate::volume::Voxels;

/// Codes of the datatypes, by the names that the standard gives them.
mod code {
    use nifti::NiftiType;

    pub(super) const UINT8: i16 = NiftiType::Uint8 as i16;
    pub(super) const INT8: i16 = NiftiType::Int8 as i16;
    pub(super) const UINT16: i16 = NiftiType::Uint16 as i16;
    pub(super) const INT16: i16 = NiftiType::Int16 as i16;
    pub(super) const UINT32: i16 = NiftiType::Uint32 as i16;
    pub(super) const INT32: i16 = NiftiType::Int32 as i16;
    pub(super) const UINT64: i16 = NiftiType::Uint64 as i16;
    pub(super) const INT64: i16 = NiftiType::Int64 as i16;
    pub(super) const FLOAT32: i16 = NiftiType::Float32 as i16;
    pub(super) const FLOAT64: i16 = NiftiType::Float64 as i16;
    pub(super) const RGB24: i16 = NiftiType::Rgb24 as i16;
    pub(super) const RGBA32: i16 = NiftiType::Rgba32 as i16;
}

/// Bytes of a voxel of this NIfTI datatype code.
pub(crate) fn datatype_width(datatype: i16) -> Result<usize, IngestError> {
    match datatype {
        code::UINT8 | code::INT8 => Ok(1),
        code::INT16 | code::UINT16 => Ok(2),
        code::INT32 | code::FLOAT32 | code::UINT32 => Ok(4),
        code::FLOAT64 | code::INT64 | code::UINT64 => Ok(8),
        code::RGB24 | code::RGBA32 => {
            Err(IngestError::new(Reason::NotAVolume, "voxels are colours, not one number"))
        }
        other => Err(IngestError::new(
            Reason::VolumeUnsupported,
            format!("datatype {other} is not one radloom reads"),
        )),
    }
}

/// Narrows to i16 where every value fits (or the type makes sure of it), to f32 otherwise. The flag
/// tells integer files apart.
pub(crate) fn convert(
    mut words: Vec<i16>,
    datatype: i16,
    endianness: Endianness,
    count: usize,
    may_narrow: bool,
) -> (Voxels, bool) {
    let little = matches!(endianness, Endianness::Little);
    if matches!(datatype, code::INT16 | code::UINT16) {
        for word in &mut words {
            *word = if little { i16::from_le(*word) } else { i16::from_be(*word) };
        }
        // Unsigned words above 32767 look negative here.
        if datatype == code::INT16 || (may_narrow && words.iter().all(|word| *word >= 0)) {
            return (Voxels::I16(words), true);
        }
        return (Voxels::F32(words.iter().map(|word| f32::from(*word as u16)).collect()), true);
    }
    let raw: &[u8] = &bytemuck::cast_slice(&words)[..count * width_of(datatype)];
    macro_rules! numbers {
        ($type:ty) => {
            raw.chunks_exact(size_of::<$type>()).map(move |chunk| {
                let bytes = chunk.try_into().expect("chunks have the type's size");
                if little { <$type>::from_le_bytes(bytes) } else { <$type>::from_be_bytes(bytes) }
            })
        };
    }
    let integers = match datatype {
        code::UINT8 => Some(raw.iter().map(|&value| i16::from(value)).collect()),
        code::INT8 => Some(raw.iter().map(|&value| i16::from(value as i8)).collect()),
        code::INT32 if may_narrow => narrow(numbers!(i32)),
        code::UINT32 if may_narrow => narrow(numbers!(u32)),
        code::INT64 if may_narrow => narrow(numbers!(i64)),
        code::UINT64 if may_narrow => narrow(numbers!(u64)),
        _ => None,
    };
    if let Some(values) = integers {
        debug_assert_eq!(values.len(), count, "the byte count was checked");
        return (Voxels::I16(values), true);
    }
    let values: Vec<f32> = match datatype {
        code::INT32 => numbers!(i32).map(|value| value as f32).collect(),
        code::UINT32 => numbers!(u32).map(|value| value as f32).collect(),
        code::INT64 => numbers!(i64).map(|value| value as f32).collect(),
        code::UINT64 => numbers!(u64).map(|value| value as f32).collect(),
        code::FLOAT32 => numbers!(f32).collect(),
        code::FLOAT64 => numbers!(f64).map(|value| value as f32).collect(),
        other => unreachable!("datatype {other} was refused with the width"),
    };
    (Voxels::F32(values), !matches!(datatype, code::FLOAT32 | code::FLOAT64))
}

fn width_of(datatype: i16) -> usize {
    datatype_width(datatype).expect("other datatypes were refused before anything was read")
}

/// How many voxels are NaN or infinite, and the lowest of the others.
pub(crate) fn finite(voxels: &Voxels) -> (usize, f64) {
    let Voxels::F32(values) = voxels else { return (0, voxels.range().0) };
    let (count, lowest) = values.iter().fold((0, f32::INFINITY), |(count, lowest), value| {
        if value.is_finite() { (count, lowest.min(*value)) } else { (count + 1, lowest) }
    });
    (count, f64::from(lowest))
}

/// Gives voxels that are NaN or infinite the stored value `fill`.
pub(crate) fn replace_not_finite(voxels: &mut Voxels, fill: f32) {
    if let Voxels::F32(values) = voxels {
        values.iter_mut().filter(|value| !value.is_finite()).for_each(|value| *value = fill);
    }
}

/// Integers wider than i16 stay exact when they fit, as Hounsfield units do.
fn narrow<T: Copy + TryInto<i16>>(values: impl Iterator<Item = T> + Clone) -> Option<Vec<i16>> {
    values.map(|value| value.try_into().ok()).collect()
}
