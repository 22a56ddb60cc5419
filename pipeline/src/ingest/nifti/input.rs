//! The bytes of a file, plain or gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use gzip::{Decoder, MAGIC, Members};
use rayon::prelude::*;
use schemas::reason::Reason;

use crate::ingest::IngestError;
use crate::memory::zeroed;

/// A file, gzip or plain by its first bytes.
pub(crate) struct Input {
    path: PathBuf,
    file: File,
    is_gzip: bool,
}

impl Input {
    pub(crate) fn open(path: &Path) -> Result<Self, IngestError> {
        let mut file = File::open(path).map_err(unreadable)?;
        let mut start = [0; 2];
        let is_gzip = file.read_exact(&mut start).is_ok() && start == MAGIC;
        Ok(Self { path: path.to_owned(), file, is_gzip })
    }

    /// The decoded bytes from the start.
    pub(crate) fn stream(&mut self) -> Result<Stream<'_>, IngestError> {
        self.file.rewind().map_err(unreadable)?;
        let input = Box::new(BufReader::with_capacity(1 << 16, &self.file));
        Ok(if self.is_gzip {
            Stream::Gzip(Box::new(Members::new(input)))
        } else {
            Stream::Plain(input)
        })
    }

    /// The `bytes` from `skip` on. With `to_end`, what follows is read too: that verifies the last
    /// checksum and finds what does not belong there.
    pub(crate) fn voxels(
        &mut self,
        skip: u64,
        bytes: usize,
        to_end: bool,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<i16>, IngestError> {
        // Words, so that 16-bit voxels need no copy; wider types read the words as bytes again.
        Vec::<i16>::new().try_reserve_exact(bytes.div_ceil(2)).map_err(|_| {
            IngestError::new(Reason::TooLarge, format!("no memory for {bytes} bytes of voxels"))
        })?;
        if self.is_gzip
            && let Some(raw) = decode_whole(self.content()?, skip as usize, bytes)
        {
            return Ok(raw);
        }
        let mut input = self.stream()?;
        input.skip(skip, bytes)?;
        let mut raw = zeroed::<i16>(bytes.div_ceil(2));
        let target = &mut bytemuck::cast_slice_mut::<i16, u8>(&mut raw)[..bytes];
        fill(&mut input, target, 0, bytes)?;
        if to_end {
            input.read_to_end(bytes, warnings)?;
        }
        Ok(raw)
    }

    /// The file as stored, read by all threads that are free.
    fn content(&self) -> Result<Vec<u8>, IngestError> {
        const PART: usize = 16 << 20;
        let length = self.file.metadata().map_err(unreadable)?.len() as usize;
        let mut content = zeroed::<u8>(length);
        let parts = content.par_chunks_mut(PART).enumerate();
        parts
            .try_for_each(|(index, part)| {
                let mut file = File::open(&self.path)?;
                file.seek(SeekFrom::Start((index * PART) as u64))?;
                file.read_exact(part)
            })
            .map_err(unreadable)?;
        Ok(content)
    }
}

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

impl Stream<'_> {
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

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err, which gives the error away")]
fn unreadable(error: io::Error) -> IngestError {
    IngestError::new(Reason::VolumeCorrupt, format!("cannot be read: {error}"))
}

/// The voxels of a gzip file whose content is exactly `skip + bytes` long, by the fast decoder; none
/// for any other file.
fn decode_whole(mut content: Vec<u8>, skip: usize, bytes: usize) -> Option<Vec<i16>> {
    let mut raw = zeroed::<i16>((skip + bytes).div_ceil(2));
    let target = &mut bytemuck::cast_slice_mut::<i16, u8>(&mut raw)[..skip + bytes];
    // A corpus is read by many threads of a pool, each with a file of its own.
    let is_alone = rayon::current_thread_index().is_none();
    let threads = if is_alone { rayon::current_num_threads() } else { 1 };
    let decoder = Decoder::new(threads).with_memory(zeroed);
    decoder.decode_exactly(&mut content, target, skip).then(|| {
        raw.truncate(bytes.div_ceil(2));
        raw
    })
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
