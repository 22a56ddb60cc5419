//! Native pixels: words out of memory, and what is made of the bits above the stored ones.

use rayon::prelude::*;
use schemas::reason::Reason;

use super::coding::refuse;
use crate::ingest::IngestError;
use crate::ingest::dicom::header::{Cell, SliceHeader};

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
    Ok(())
}

/// Words as they lie in the file become this machine's.
pub(crate) fn from_file_order(values: &mut [i16], big_endian: bool) {
    for value in values {
        *value = if big_endian { i16::from_be(*value) } else { i16::from_le(*value) };
    }
}

/// Clears the bits above `stored` or fills them with the sign (PS3.5 section 8.1.1).
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

/// How the words of one frame are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bits {
    pub(crate) cell: Cell,
    /// Whether an overlay lies above the stored bits.
    pub(crate) has_overlay: bool,
}

/// What the words of some frames hold above their stored bits.
#[derive(Debug, Clone, Copy, Default)]
struct Above {
    /// Signed words whose sign stands in the stored bits alone.
    unextended: usize,
    /// Signed words whose sign stands in all bits.
    extended: usize,
    /// Words that are no value of the stored bits.
    outside: usize,
}

impl Above {
    fn count(values: &[i16], bits: Bits) -> Self {
        let mut found = Self::default();
        let Cell { stored, signed, .. } = bits.cell;
        if stored >= 16 || bits.has_overlay {
            return found;
        }
        if !signed {
            // Frames without such a word, nearly all, are told by one pass that the compiler makes wide.
            let mask = u16::MAX >> (16 - stored);
            if values.iter().fold(0, |all, value| all | *value as u16) & !mask != 0 {
                found.outside = values.iter().filter(|value| **value as u16 & !mask != 0).count();
            }
            return found;
        }
        let highest = ((1_i32 << (stored - 1)) - 1) as i16;
        let (low, high) = values
            .iter()
            .fold((0, 0), |(low, high): (i16, i16), value| (low.min(*value), high.max(*value)));
        if low >= 0 && high <= highest {
            return found;
        }
        for value in values {
            match value >> (stored - 1) {
                0 => {}
                -1 => found.extended += 1,
                1 => found.unextended += 1,
                _ => found.outside += 1,
            }
        }
        found
    }

    fn and(self, other: Self) -> Self {
        Self {
            unextended: self.unextended + other.unextended,
            extended: self.extended + other.extended,
            outside: self.outside + other.outside,
        }
    }
}

/// Makes values of the words of all planes. The bits above the stored ones are no part of a value where an overlay lies in
/// them, and repeat the sign or are clear where none does; words that are neither hold more than the header says, and are
/// taken as they stand. Gives what is odd about that.
pub(crate) fn extend_all(words: &mut [i16], frames: &[Bits], plane: usize) -> Option<String> {
    let found = words
        .par_chunks(plane)
        .zip(frames)
        .map(|(values, bits)| Above::count(values, *bits))
        .reduce(Above::default, Above::and);
    // One writer wrote all slices: a single word that is extended, or too large, shows that no sign is to be spread.
    let as_they_stand = found.extended > 0 || found.outside > 0;
    words.par_chunks_mut(plane).zip(frames).for_each(|(values, bits)| {
        if bits.has_overlay || (bits.cell.signed && found.unextended > 0 && !as_they_stand) {
            extend(values, bits.cell.stored, bits.cell.signed);
        }
    });
    let outside = found.outside + if as_they_stand { found.unextended } else { 0 };
    let stored = frames.first().map_or(16, |bits| bits.cell.stored);
    (outside > 0).then(|| {
        format!(
            "{outside} voxels hold more than BitsStored {stored} says; they are taken as they stand"
        )
    })
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

    #[test]
    fn words_above_the_stored_bits_are_values_unless_an_overlay_lies_there() {
        let bits = |signed, has_overlay| Bits {
            cell: Cell { allocated: 16, stored: 12, high_bit: 11, signed },
            has_overlay,
        };
        let extended = |words: &[u16], bits: Bits| {
            let mut values: Vec<i16> = words.iter().map(|word| *word as i16).collect();
            let frames = vec![bits; 2];
            let note = extend_all(&mut values, &frames, words.len() / 2);
            (values, note.is_some())
        };
        // Metal above 12 bits, and an overlay in bit 15.
        assert_eq!(extended(&[6024, 1, 2, 3], bits(false, false)), (vec![6024, 1, 2, 3], true));
        assert_eq!(extended(&[0x8005, 1, 2, 3], bits(false, true)), (vec![5, 1, 2, 3], false));
        // The sign in the stored bits alone, in all bits, and with a value below them.
        assert_eq!(extended(&[0x0fff, 1, 2, 3], bits(true, false)), (vec![-1, 1, 2, 3], false));
        assert_eq!(extended(&[0xffff, 1, 2, 3], bits(true, false)), (vec![-1, 1, 2, 3], false));
        assert_eq!(
            extended(&[-3024_i16 as u16, 1, 2, 3000], bits(true, false)),
            (vec![-3024, 1, 2, 3000], true)
        );
    }
}
