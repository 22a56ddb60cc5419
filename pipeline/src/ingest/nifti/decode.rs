//! Stored bytes into voxels.

use nifti::Endianness;
use schemas::reason::Reason;

use crate::ingest::IngestError;
use crate::ingest::air::NOT_FINITE_STORED;
use crate::volume::Voxels;

/// Bytes of a voxel of this NIfTI datatype code.
pub(crate) fn datatype_width(datatype: i16) -> Result<usize, IngestError> {
    match datatype {
        2 | 256 => Ok(1),
        4 | 512 => Ok(2),
        8 | 16 | 768 => Ok(4),
        64 | 1024 | 1280 => Ok(8),
        128 | 2304 => {
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
    if matches!(datatype, 4 | 512) {
        for word in &mut words {
            *word = if little { i16::from_le(*word) } else { i16::from_be(*word) };
        }
        // Unsigned words above 32767 look negative here.
        if datatype == 4 || (may_narrow && words.iter().all(|word| *word >= 0)) {
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
        2 => Some(raw.iter().map(|&value| i16::from(value)).collect()),
        256 => Some(raw.iter().map(|&value| i16::from(value as i8)).collect()),
        8 if may_narrow => narrow(numbers!(i32)),
        768 if may_narrow => narrow(numbers!(u32)),
        1024 if may_narrow => narrow(numbers!(i64)),
        1280 if may_narrow => narrow(numbers!(u64)),
        _ => None,
    };
    if let Some(values) = integers {
        debug_assert_eq!(values.len(), count, "the byte count was checked");
        return (Voxels::I16(values), true);
    }
    let values: Vec<f32> = match datatype {
        8 => numbers!(i32).map(|value| value as f32).collect(),
        768 => numbers!(u32).map(|value| value as f32).collect(),
        1024 => numbers!(i64).map(|value| value as f32).collect(),
        1280 => numbers!(u64).map(|value| value as f32).collect(),
        16 => numbers!(f32).collect(),
        64 => numbers!(f64).map(|value| value as f32).collect(),
        other => unreachable!("datatype {other} was refused with the width"),
    };
    (Voxels::F32(values), !matches!(datatype, 16 | 64))
}

fn width_of(datatype: i16) -> usize {
    datatype_width(datatype).expect("other datatypes were refused before anything was read")
}

/// Replaces NaN and infinite values by that of air; gives how many there were.
pub(crate) fn replace_not_finite(voxels: &mut Voxels) -> usize {
    let Voxels::F32(values) = voxels else { return 0 };
    let mut replaced = 0;
    for value in values.iter_mut().filter(|value| !value.is_finite()) {
        *value = NOT_FINITE_STORED;
        replaced += 1;
    }
    replaced
}

/// Integers wider than i16 stay exact when they fit, as Hounsfield units do.
fn narrow<T: Copy + TryInto<i16>>(values: impl Iterator<Item = T> + Clone) -> Option<Vec<i16>> {
    values.map(|value| value.try_into().ok()).collect()
}
