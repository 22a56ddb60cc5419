//! Bits of a stream moved and closed, so that an ordinary decoder can read a part of it.

/// Bytes that the empty last block takes, with the bits before it.
pub(crate) const END: usize = 6;

/// Writes an empty last block at a bit of `data`.
pub(crate) fn end_at(data: &mut [u8], bit: usize) {
    let start = bit / 8;
    data[start] = data[start] & ((1 << (bit % 8)) - 1) | 1 << (bit % 8);
    let length = (bit + 3).div_ceil(8);
    data[start + 1..length].fill(0);
    data[length..length + 4].copy_from_slice(&[0, 0, 0xff, 0xff]);
}

/// Moves all bits by less than eight places towards the start.
pub(crate) fn move_bits(data: &mut [u8], shift: usize) {
    // By the block, out of place, so that it is made into vector code.
    const BLOCK: usize = 4096;
    const WORD: usize = 8;
    if shift == 0 {
        return;
    }
    let mut words = [0; BLOCK / WORD + 1];
    let mut bytes = [0; BLOCK + WORD];
    for start in (0..data.len()).step_by(BLOCK) {
        let known = bytes.len().min(data.len() - start);
        bytes[..known].copy_from_slice(&data[start..start + known]);
        bytes[known..].fill(0);
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<WORD>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        for (index, bytes) in bytes.as_chunks_mut::<WORD>().0[..BLOCK / WORD].iter_mut().enumerate()
        {
            *bytes = (words[index] >> shift | words[index + 1] << (64 - shift)).to_le_bytes();
        }
        let moved = known.min(BLOCK);
        data[start..start + moved].copy_from_slice(&bytes[..moved]);
    }
}
