//! The decoded bytes of a file, plain or gzip.

use std::io::{self, BufRead, Read};

use gzip::Members;
use schemas::reason::Reason;

use crate::ingest::IngestError;
use crate::memory::zeroed;

/// The decoded bytes of a file.
pub(crate) enum Stream<'a> {
    Plain(Box<dyn BufRead + 'a>),
    Gzip(Box<Members<Box<dyn BufRead + 'a>>>),
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(buffer),
            Self::Gzip(input) => input.read(buffer),
        }
    }
}

impl<'a> Stream<'a> {
    /// The decoded bytes of `input`, which stands at the start of a file.
    pub(crate) fn new(input: Box<dyn BufRead + 'a>, is_gzip: bool) -> Self {
        if is_gzip { Self::Gzip(Box::new(Members::new(input))) } else { Self::Plain(input) }
    }

    /// The `bytes` from `skip` on; with `to_end`, what follows is read too.
    pub(crate) fn voxels(
        mut self,
        skip: u64,
        bytes: usize,
        to_end: bool,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<i16>, IngestError> {
        self.skip(skip, bytes)?;
        let mut raw = zeroed::<i16>(bytes.div_ceil(2));
        let target = &mut bytemuck::cast_slice_mut::<i16, u8>(&mut raw)[..bytes];
        fill(&mut self, target, 0, bytes)?;
        if to_end {
            self.read_to_end(bytes, warnings)?;
        }
        Ok(raw)
    }

    /// Passes over `count` bytes.
    pub(crate) fn skip(&mut self, count: u64, bytes: usize) -> Result<(), IngestError> {
        let skipped = io::copy(&mut self.by_ref().take(count), &mut io::sink())
            .map_err(|error| read_error(&error, 0, bytes))?;
        if skipped < count { Err(cut_short(0, bytes)) } else { Ok(()) }
    }

    /// Reads past the voxels, which verifies the last checksum.
    pub(crate) fn read_to_end(
        &mut self,
        bytes: usize,
        warnings: &mut Vec<String>,
    ) -> Result<(), IngestError> {
        // No more than the voxels themselves: a bomb behind them is not worth the time.
        match io::copy(&mut self.by_ref().take(bytes as u64), &mut io::sink()) {
            Ok(0) => {}
            Ok(extra) => warnings.push(format!("{extra} bytes follow the voxels")),
            Err(error) => return Err(read_error(&error, bytes, bytes)),
        }
        if matches!(self, Self::Gzip(members) if members.has_trailing_bytes()) {
            warnings.push("bytes that are no gzip follow the stream".into());
        }
        Ok(())
    }
}

/// Fills `target`, which is the part from `before` on of `all` bytes.
pub(crate) fn fill(
    input: &mut impl Read,
    target: &mut [u8],
    before: usize,
    all: usize,
) -> Result<(), IngestError> {
    let mut done = 0;
    while done < target.len() {
        match input.read(&mut target[done..]) {
            Ok(0) => return Err(cut_short(before + done, all)),
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(read_error(&error, before + done, all)),
        }
    }
    Ok(())
}

fn cut_short(done: usize, bytes: usize) -> IngestError {
    IngestError::new(
        Reason::VolumeTruncated,
        format!("ends after {done} of {bytes} bytes of voxels"),
    )
}

fn read_error(error: &io::Error, done: usize, expected: usize) -> IngestError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        IngestError::new(
            Reason::VolumeTruncated,
            format!("the gzip stream is cut after {done} of {expected} bytes of voxels"),
        )
    } else {
        IngestError::new(
            Reason::VolumeCorrupt,
            format!("unreadable after {done} of {expected} bytes of voxels: {error}"),
        )
    }
}
