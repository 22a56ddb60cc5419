//! The Huffman codes of a block.

use crate::bits::{Bits, Next};

/// The order in which a header gives the lengths of the code of code lengths.
const LENGTH_ORDER: [usize; 19] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Bits of the longest code.
const LONGEST: usize = 15;
/// What the lengths of a complete code take up.
const FULL: u32 = 1 << LONGEST;
/// Codes up to this length are looked up, longer ones counted out.
const QUICK: usize = 11;

/// The two codes of a block.
pub(crate) struct Codes {
    pub(crate) literals: Code,
    pub(crate) distances: Code,
}

impl Codes {
    /// Section 3.2.6 of the RFC.
    pub(crate) fn fixed() -> Option<Self> {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        Some(Self { literals: Code::new(&lengths)?, distances: Code::new(&[5; 30])? })
    }

    /// Section 3.2.7 of the RFC; none where no encoder writes such codes.
    pub(crate) fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let literals = bits.take(5)? + 257;
        let distances = bits.take(5)? + 1;
        let count = bits.take(4)? + 4;
        if literals > 286 || distances > 30 {
            return None;
        }
        let mut lengths = [0; 19];
        for &index in &LENGTH_ORDER[..count] {
            lengths[index] = bits.take(3)? as u8;
        }
        if fullness(&lengths) != FULL {
            return None;
        }
        let code = Code::new(&lengths)?;
        let mut lengths = Vec::with_capacity(literals + distances);
        while lengths.len() < literals + distances {
            let mut next = bits.peek();
            let symbol = code.next(&mut next)?;
            bits.skip(next.used)?;
            let (value, times) = match symbol {
                16 => (*lengths.last()?, 3 + bits.take(2)?),
                17 => (0, 3 + bits.take(3)?),
                18 => (0, 11 + bits.take(7)?),
                length => (length as u8, 1),
            };
            lengths.extend(std::iter::repeat_n(value, times));
        }
        let (literals, distances) = lengths.split_at(literals);
        let fits = lengths.len() == literals.len() + distances.len() && literals[256] > 0;
        if !fits || fullness(literals) != FULL {
            return None;
        }
        Some(Self { literals: Code::new(literals)?, distances: Code::new(distances)? })
    }
}

/// The share of all codes that these lengths take up, in units of the longest ones.
fn fullness(lengths: &[u8]) -> u32 {
    lengths.iter().filter(|&&length| length > 0).map(|length| FULL >> length).sum()
}

/// A canonical Huffman code.
pub(crate) struct Code {
    /// By the next bits: the symbol and its length, or 0.
    quick: [u16; 1 << QUICK],
    /// Codes of each length.
    counts: [u16; LONGEST + 1],
    /// Symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    fn new(lengths: &[u8]) -> Option<Self> {
        if fullness(lengths) > FULL {
            return None;
        }
        let mut counts = [0_u16; LONGEST + 1];
        let mut symbols = Vec::with_capacity(lengths.len());
        let mut quick = [0; 1 << QUICK];
        let mut code = 0_usize;
        for (length, count) in counts.iter_mut().enumerate().skip(1) {
            for (symbol, _) in
                lengths.iter().enumerate().filter(|(_, own)| usize::from(**own) == length)
            {
                if length <= QUICK {
                    // Codes come with their first bit in the lowest place.
                    let first = code.reverse_bits() >> (usize::BITS as usize - length);
                    for slot in quick[first..].iter_mut().step_by(1 << length) {
                        *slot = (symbol << 4 | length) as u16;
                    }
                }
                symbols.push(symbol as u16);
                *count += 1;
                code += 1;
            }
            code <<= 1;
        }
        Some(Self { quick, counts, symbols })
    }

    #[inline]
    pub(crate) fn next(&self, next: &mut Next) -> Option<usize> {
        let entry = self.quick[next.word as usize & ((1 << QUICK) - 1)];
        if entry > 0 {
            next.take(usize::from(entry & 15));
            return Some(usize::from(entry >> 4));
        }
        // Codes of one length follow one another; so do their symbols.
        let (mut code, mut first, mut index) = (0, 0, 0);
        for (length, &count) in self.counts.iter().enumerate().skip(1) {
            code |= (next.word >> (length - 1)) as usize & 1;
            let count = usize::from(count);
            if code < first + count {
                next.take(length);
                return self.symbols.get(index + code - first).map(|&symbol| symbol.into());
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}
