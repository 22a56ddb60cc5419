//! The members of a file as one stream.
//!
//! The library's own reader of several members reports garbage after the last member and a wrong checksum as the same
//! kind of error; the first is common and harmless, the second is not.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use crate::member::MAGIC;

/// Reads the members of a gzip file as one stream, every checksum verified.
#[derive(Debug)]
pub struct Members<R: BufRead> {
    current: Option<GzDecoder<R>>,
    trailing: bool,
}

impl<R: BufRead> Members<R> {
    /// Reads from `input`, which must stand at the start of a member.
    pub fn new(input: R) -> Self {
        Self { current: Some(GzDecoder::new(input)), trailing: false }
    }

    /// Whether bytes that are not gzip follow the last member. Known when the stream has ended.
    pub fn has_trailing_bytes(&self) -> bool {
        self.trailing
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
