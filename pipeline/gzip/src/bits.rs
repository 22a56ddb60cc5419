//! Bits out of bytes, in the order of RFC 1951.

/// Reads bits, least significant first.
pub(crate) struct Bits<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) position: usize,
}

impl Bits<'_> {
    /// What comes next, zeros after the end.
    pub(crate) fn peek(&self) -> Next {
        let start = self.position / 8;
        let rest = self.data.get(start..).unwrap_or_default();
        let word = if let Some(bytes) = rest.first_chunk() {
            u64::from_le_bytes(*bytes)
        } else {
            rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
        };
        Next { word: word >> (self.position % 8), used: 0 }
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<usize> {
        let value = self.peek().take(count);
        self.skip(count)?;
        Some(value)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        self.position += count;
        (self.position <= 8 * self.data.len()).then_some(())
    }
}

/// The next 57 bits of a stream, and how many of them were used.
pub(crate) struct Next {
    pub(crate) word: u64,
    pub(crate) used: usize,
}

impl Next {
    pub(crate) fn take(&mut self, count: usize) -> usize {
        let value = self.word & ((1 << count) - 1);
        self.word >>= count;
        self.used += count;
        value as usize
    }
}
