//! Deflate (RFC 1951) from the middle of a stream, where the 32 KiB before are not known yet.
//!
//! A match that reaches back before the start yields *markers*, which name the byte of the window that
//! they stand for. Once 32 KiB have been decoded without one, any ordinary decoder can go on. The method
//! is that of pugz (Kerbiriou and Chikhi 2019) and rapidgzip (Knespel and Brunst 2023).

/// Reach of a match: what must be known of the output before a block.
pub(super) const WINDOW: usize = 1 << 15;

/// Above this value lie markers: `MARKER + i` is byte `i` of the unknown window before the start.
const MARKER: u16 = 1 << 15;

const LENGTH_BASE: [u16; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
];
const DISTANCE_BASE: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537,
    2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
/// The order in which a header gives the lengths of the code of code lengths.
const LENGTH_ORDER: [usize; 19] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Bytes decoded from the start of a block on, with markers for what came before it.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    values: Vec<u16>,
    /// Values after the last marker.
    known: usize,
}

impl Decoded {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The last 32 KiB, where none of them is a marker.
    pub(super) fn window(&self) -> Option<Box<[u8; WINDOW]>> {
        let last = self.values.last_chunk::<WINDOW>().filter(|_| self.known >= WINDOW)?;
        Some(Box::new(last.map(|value| value as u8)))
    }

    /// Writes the bytes to `target`, taking marked ones from the `window` before the start.
    pub(super) fn resolve(&self, window: &[u8; WINDOW], target: &mut [u8]) {
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
pub(super) fn find_block(data: &[u8], from: usize, span: usize) -> Option<(usize, Decoded, usize)> {
    // Blocks of a few bytes are too easily seen in noise.
    const SMALLEST: usize = 1024;
    (from..from + span).find_map(|bit| {
        let mut bits = Bits { data, position: bit };
        // Not the last one, and of type 2.
        if bits.take(3)? != 0b100 || Codes::read(&mut bits).is_none() {
            return None;
        }
        let mut decoded = Decoded::default();
        let next = decode_block(data, bit, &mut decoded)?;
        (decoded.len() >= SMALLEST).then_some((bit, decoded, next))
    })
}

/// Appends the block that begins at bit `from` of `data`; the bit after it. None where it is damaged,
/// cut or the last of its stream.
pub(super) fn decode_block(data: &[u8], from: usize, decoded: &mut Decoded) -> Option<usize> {
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

/// Reads bits, least significant first.
struct Bits<'a> {
    data: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    /// What comes next, zeros after the end.
    fn peek(&self) -> Next {
        let start = self.position / 8;
        let rest = self.data.get(start..).unwrap_or_default();
        let word = if let Some(bytes) = rest.first_chunk() {
            u64::from_le_bytes(*bytes)
        } else {
            rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
        };
        Next { word: word >> (self.position % 8), used: 0 }
    }

    fn take(&mut self, count: usize) -> Option<usize> {
        let value = self.peek().take(count);
        self.skip(count)?;
        Some(value)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.position += count;
        (self.position <= 8 * self.data.len()).then_some(())
    }
}

/// The next 57 bits of a stream, and how many of them were used.
struct Next {
    word: u64,
    used: usize,
}

impl Next {
    fn take(&mut self, count: usize) -> usize {
        let value = self.word & ((1 << count) - 1);
        self.word >>= count;
        self.used += count;
        value as usize
    }
}

/// The two codes of a block.
struct Codes {
    literals: Code,
    distances: Code,
}

impl Codes {
    /// Section 3.2.6 of the RFC.
    fn fixed() -> Option<Self> {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        Some(Self { literals: Code::new(&lengths)?, distances: Code::new(&[5; 30])? })
    }

    /// Section 3.2.7 of the RFC; none where no encoder writes such codes.
    fn read(bits: &mut Bits<'_>) -> Option<Self> {
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

const LONGEST: usize = 15;
const FULL: u32 = 1 << LONGEST;
/// Codes up to this length are looked up, longer ones counted out.
const QUICK: usize = 11;

/// A canonical Huffman code.
struct Code {
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
    fn next(&self, next: &mut Next) -> Option<usize> {
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
