//! Deflate (RFC 1951) from the middle of a stream, where the 32 KiB before are not known yet.
//!
//! A match that reaches back before the start yields *markers*, which name the byte of the window that
//! they stand for. Once 32 KiB have been decoded without one, any ordinary decoder can go on. The method
//! is that of pugz (Kerbiriou and Chikhi 2019) and rapidgzip (Knespel and Brunst 2023).

use crate::bits::Bits;
use crate::huffman::Codes;

/// Reach of a match: what must be known of the output before a block.
pub(crate) const WINDOW: usize = 1 << 15;

/// Decoded bytes of the smallest block that is taken for one: smaller ones are too easily seen in noise.
const MIN_BLOCK_BYTES: usize = 1024;
/// From this value on lie markers: `MARKER + i` is byte `i` of the unknown window before the start.
const MARKER: u16 = 1 << 15;

const LENGTH_BASE: [u16; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
];
const DISTANCE_BASE: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537,
    2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
/// Bytes decoded from the start of a block on, with markers for what came before it.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    values: Vec<u16>,
    /// Values after the last marker.
    known: usize,
}

impl Decoded {
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The last 32 KiB, where none of them is a marker.
    pub(crate) fn window(&self) -> Option<Box<[u8; WINDOW]>> {
        let last = self.values.last_chunk::<WINDOW>().filter(|_| self.known >= WINDOW)?;
        Some(Box::new(last.map(|value| value as u8)))
    }

    /// Writes the bytes to `target`, taking marked ones from the `window` before the start.
    pub(crate) fn resolve(&self, window: &[u8; WINDOW], target: &mut [u8]) {
        for (target, &value) in target.iter_mut().zip(&self.values) {
            *target = match value.checked_sub(MARKER) {
                Some(index) => window[usize::from(index)],
                None => value as u8,
            };
        }
    }

    fn literal(&mut self, byte: u8) {
        self.values.push(byte.into());
        self.known += 1;
    }

    fn repeat(&mut self, length: usize, distance: usize) {
        for _ in 0..length {
            let here = self.values.len();
            let value = match here.checked_sub(distance) {
                Some(from) => self.values[from],
                None => MARKER + (WINDOW + here - distance) as u16,
            };
            self.known = if value >= MARKER { 0 } else { self.known + 1 };
            self.values.push(value);
        }
    }
}

/// The first place at or after bit `from` of `data` where a block with codes of its own begins and can
/// be decoded whole, searched for in the next `span` bits: the bit, the content of that block and the
/// bit after it. A place may be taken wrongly for one; what is decoded from it proves itself later.
pub(crate) fn find_block(data: &[u8], from: usize, span: usize) -> Option<(usize, Decoded, usize)> {
    (from..from + span).find_map(|bit| {
        let mut bits = Bits { data, position: bit };
        // Not the last one, and of type 2.
        if bits.take(3)? != 0b100 || Codes::read(&mut bits).is_none() {
            return None;
        }
        let mut decoded = Decoded::default();
        let next = decode_block(data, bit, &mut decoded)?;
        (decoded.len() >= MIN_BLOCK_BYTES).then_some((bit, decoded, next))
    })
}

/// Appends the block that begins at bit `from` of `data`; the bit after it. None where it is damaged,
/// cut or the last of its stream.
pub(crate) fn decode_block(data: &[u8], from: usize, decoded: &mut Decoded) -> Option<usize> {
    let mut bits = Bits { data, position: from };
    let is_last = bits.take(1)? == 1;
    let codes = match bits.take(2)? {
        0 => {
            bits.position = bits.position.next_multiple_of(8);
            let (length, complement) = (bits.take(16)?, bits.take(16)?);
            let start = bits.position / 8;
            let stored = data.get(start..start + length)?;
            for &byte in stored {
                decoded.literal(byte);
            }
            bits.position += 8 * length;
            return (length ^ complement == 0xffff && !is_last).then_some(bits.position);
        }
        1 => Codes::fixed()?,
        2 => Codes::read(&mut bits)?,
        _ => return None,
    };
    loop {
        // One look at the stream is enough for a match: 15 + 5 + 15 + 13 bits at most.
        let mut next = bits.peek();
        let symbol = codes.literals.next(&mut next)?;
        match symbol {
            0..256 => decoded.literal(symbol as u8),
            256 => {}
            _ => {
                let symbol = symbol - 257;
                let extra = if symbol < 8 || symbol == 28 { 0 } else { symbol / 4 - 1 };
                let length = usize::from(*LENGTH_BASE.get(symbol)?) + next.take(extra);
                let symbol = codes.distances.next(&mut next)?;
                let extra = (symbol / 2).saturating_sub(1);
                let distance = usize::from(*DISTANCE_BASE.get(symbol)?) + next.take(extra);
                decoded.repeat(length, distance);
            }
        }
        bits.skip(next.used)?;
        if symbol == 256 {
            return (!is_last).then_some(bits.position);
        }
    }
}
