//! Native pixels: words out of memory, and what is made of the bits above the stored ones.

use schemas::reason::Reason;

use super::coding::refuse;
use crate::ingest::IngestError;
use crate::ingest::dicom::header::SliceHeader;

/// Native pixels of 8 or 16 bits out of memory.
pub(crate) fn native(
    header: &SliceHeader,
    bytes: &[u8],
    big_endian: bool,
    values: &mut [i16],
) -> Result<(), IngestError> {
    let width = usize::from(header.cell.allocated / 8);
    let Some(bytes) = bytes.get(..values.len() * width) else {
        return Err(refuse(
            header,
            Reason::VolumeTruncated,
            &format!("holds {} of {} bytes of a frame", bytes.len(), values.len() * width),
        ));
    };
    if width == 1 {
        for (value, byte) in values.iter_mut().zip(bytes) {
            *value = i16::from(*byte);
        }
    } else {
        bytemuck::cast_slice_mut::<i16, u8>(values).copy_from_slice(bytes);
        from_file_order(values, big_endian);
    }
    extend(values, header.cell.stored, header.cell.signed);
    Ok(())
}

/// Words as they lie in the file become this machine's.
pub(crate) fn from_file_order(values: &mut [i16], big_endian: bool) {
    for value in values {
        *value = if big_endian { i16::from_be(*value) } else { i16::from_le(*value) };
    }
}

/// Clears the bits above `stored` (overlays may lie there) or fills them with the sign.
pub(crate) fn extend(values: &mut [i16], stored: u16, signed: bool) {
    let shift = 16_u32.saturating_sub(u32::from(stored));
    if shift == 0 {
        return;
    }
    if signed {
        for value in values {
            *value = (*value << shift) >> shift;
        }
    } else {
        let mask = (u16::MAX >> shift) as i16;
        for value in values {
            *value &= mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_above_the_stored_ones_are_cleared_or_filled_with_the_sign() {
        // Formula of PS3.5 section 8.1.1 on 12 bits, with an overlay bit in bit 15.
        let mut values = [0x8fff_u16 as i16, 0x0800, 0x07ff];
        extend(&mut values, 12, true);
        assert_eq!(values, [-1, -2048, 2047]);
        let mut values = [0x8fff_u16 as i16, 0x0800, 0x07ff];
        extend(&mut values, 12, false);
        assert_eq!(values, [4095, 2048, 2047]);
        let mut values = [-32_768, 32_767];
        extend(&mut values, 16, true);
        assert_eq!(values, [-32_768, 32_767]);
    }
}
