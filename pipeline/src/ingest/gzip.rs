//! Gzip of several members, with every checksum verified and trailing bytes told apart from damage.
//!
//! The library's own multi-member reader reports garbage after the last member and a wrong checksum
//! as the same kind of error; the first is common and harmless, the second is not.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// First bytes of a gzip member.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads the members of a gzip file as one stream.
pub(super) struct Members<R: BufRead> {
    current: Option<GzDecoder<R>>,
    /// Whether bytes that are no gzip follow the last member.
    pub(super) trailing: bool,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(input: R) -> Self {
        Self { current: Some(GzDecoder::new(input)), trailing: false }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.current {
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            // The member ended and its checksum agreed. What follows is another one, or the end.
            let Some(decoder) = self.current.take() else { break };
            let mut input = decoder.into_inner();
            let rest = input.fill_buf()?;
            if rest.starts_with(&MAGIC) {
                self.current = Some(GzDecoder::new(input));
            } else {
                self.trailing = !rest.is_empty();
            }
        }
        Ok(0)
    }
}
