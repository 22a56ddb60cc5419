//! RLE lossless frames (PS3.5 annex G): one packed segment for each byte of a value.

/// Decodes a frame of `width` bytes a value. Segments run from the most significant byte down.
///
/// # Errors
///
/// What is wrong with the frame.
pub(crate) fn decode(data: &[u8], width: u16, values: &mut [i16]) -> Result<(), &'static str> {
    let word = |index: usize| -> Option<usize> {
        let bytes = data.get(index * 4..index * 4 + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes) as usize)
    };
    let width = usize::from(width);
    if word(0) != Some(width) {
        return Err("an RLE frame has another number of segments than bytes a value");
    }
    values.fill(0);
    for segment in 0..width {
        let start = word(1 + segment).ok_or("an RLE frame ends in its header")?;
        let end = if segment + 1 < width {
            word(2 + segment).ok_or("an RLE frame ends in its header")?
        } else {
            data.len()
        };
        let packed = data.get(start..end).ok_or("an RLE segment lies outside its frame")?;
        let shift = 8 * (width - 1 - segment);
        unpack(packed, shift as u32, values)?;
    }
    Ok(())
}

/// Unpacks one segment (`PackBits`) into the byte at `shift` of each value.
fn unpack(packed: &[u8], shift: u32, values: &mut [i16]) -> Result<(), &'static str> {
    const SHORT: &str = "an RLE segment holds too few values";
    let mut values = values.iter_mut();
    let mut at = 0;
    while values.len() > 0 {
        let control = *packed.get(at).ok_or(SHORT)?;
        at += 1;
        match control {
            0..=127 => {
                let count = usize::from(control) + 1;
                let literal = packed.get(at..).ok_or(SHORT)?;
                let count = count.min(literal.len());
                if count == 0 {
                    return Err(SHORT);
                }
                for (byte, value) in literal[..count].iter().zip(values.by_ref()) {
                    *value |= (u16::from(*byte) << shift) as i16;
                }
                at += count;
            }
            128 => {}
            129..=255 => {
                let byte = *packed.get(at).ok_or(SHORT)?;
                at += 1;
                let bits = (u16::from(byte) << shift) as i16;
                for value in values.by_ref().take(257 - usize::from(control)) {
                    *value |= bits;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_frame_of_two_segments_is_read_most_significant_byte_first() {
        // Header: two segments at 64 and 68. High bytes 01 01 01, low bytes 02 03 04.
        let mut data = vec![0_u8; 64];
        data[0] = 2;
        data[4] = 64;
        data[8] = 66;
        data.extend([254, 1]);
        data.extend([2, 2, 3, 4]);
        let mut values = [0_i16; 3];
        decode(&data, 2, &mut values).expect("decodes");
        assert_eq!(values, [0x0102, 0x0103, 0x0104]);
        assert!(decode(&data, 1, &mut values).is_err());
        assert!(decode(&data[..67], 2, &mut values).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut data in proptest::collection::vec(any::<u8>(), 64..128)) {
            data[0..4].copy_from_slice(&[2, 0, 0, 0]);
            data[5..8].fill(0);
            data[9..12].fill(0);
            let mut values = [0_i16; 20];
            let _either_way = decode(&data, 2, &mut values);
        }
    }
}
