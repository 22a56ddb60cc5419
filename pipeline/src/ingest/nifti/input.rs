//! A file that is read once, for its voxels and for its sum.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use gzip::{Decoder, MAGIC};
use rayon::prelude::*;
use schemas::reason::Reason;

use super::stream::Stream;
use crate::ingest::IngestError;
use crate::ingest::archive::{Files, ZSTD, archive_of, unpacked};
use crate::ingest::files::special;
use crate::ingest::sums::{RunningSum, SourceSums};
use crate::memory::zeroed;

/// Bytes that are read when a file is opened: they hold the header of nearly every file.
const START_BYTES: usize = 1 << 16;
/// Bytes of a file that one thread reads.
const PART_BYTES: usize = 16 << 20;

/// A file, gzip or plain by its first bytes. Each of its bytes is read from the disk once, unless what is in it was
/// refused by one way of decoding and is tried by another.
pub(crate) struct Input<'s> {
    path: PathBuf,
    data: Data,
    /// The first bytes.
    start: Vec<u8>,
    is_gzip: bool,
    sum: Option<RunningSum<'s>>,
}

/// Where the bytes of a file are.
enum Data {
    Disk(File),
    /// What an archive or a Zstandard file holds.
    Memory(Vec<u8>),
}

impl<'s> Input<'s> {
    /// Opens the file at `path`, which may lead through an archive and whose sum goes to `sums`. What has to be held in
    /// memory as it is stored may take `limit` bytes.
    pub(crate) fn open(
        path: &Path,
        limit: u64,
        sums: Option<&'s SourceSums>,
    ) -> Result<Self, IngestError> {
        let too_large = || {
            let problem = format!("takes more than the limit of {limit} bytes unpacked");
            IngestError::new(Reason::TooLarge, problem)
        };
        if archive_of(path).is_some() {
            let files = Files::new(std::iter::once(path));
            let (bytes, length) = files.start(path, limit).map_err(IngestError::unreadable)?;
            return if length > limit { Err(too_large()) } else { Ok(Self::held(path, bytes)) };
        }
        let metadata = std::fs::metadata(path).map_err(IngestError::unreadable)?;
        if let Some(kind) = special(&metadata) {
            let problem = format!("is {kind}, which is not opened");
            return Err(IngestError::new(Reason::VolumeUnsupported, problem));
        }
        let file = File::open(path).map_err(IngestError::unreadable)?;
        let mut start = Vec::new();
        (&file)
            .take(START_BYTES as u64)
            .read_to_end(&mut start)
            .map_err(IngestError::unreadable)?;
        let mut sum = sums.map(RunningSum::new);
        if let Some(sum) = &mut sum {
            sum.take(0, &start).map_err(IngestError::unreadable)?;
        }
        if start.starts_with(&ZSTD) {
            let most = limit.saturating_add(START_BYTES as u64);
            let mut bytes = Vec::new();
            let decoded = unpacked(start.chain(&file))
                .and_then(|content| content.take(most.saturating_add(1)).read_to_end(&mut bytes));
            decoded.map_err(IngestError::unreadable)?;
            return if bytes.len() as u64 > most {
                Err(too_large())
            } else {
                Ok(Self::held(path, bytes))
            };
        }
        let is_gzip = start.starts_with(&MAGIC);
        Ok(Self { path: path.to_owned(), data: Data::Disk(file), start, is_gzip, sum })
    }

    fn held(path: &Path, bytes: Vec<u8>) -> Self {
        let start = bytes[..START_BYTES.min(bytes.len())].to_vec();
        let is_gzip = start.starts_with(&MAGIC);
        Self { path: path.to_owned(), data: Data::Memory(bytes), start, is_gzip, sum: None }
    }

    /// The first bytes of the file as it is stored.
    pub(crate) fn start(&self) -> &[u8] {
        &self.start
    }

    /// What is packed as one gzip or zlib stream from the byte `skip` on, of which `bytes` are wanted.
    pub(crate) fn inflated(mut self, skip: u64, bytes: usize) -> Result<Self, IngestError> {
        let stored = self.content()?;
        let packed = stored.get(skip as usize..).unwrap_or_default();
        let mut content = Vec::new();
        let most = bytes as u64;
        let read = if packed.starts_with(&MAGIC) {
            MultiGzDecoder::new(packed).take(most).read_to_end(&mut content)
        } else {
            ZlibDecoder::new(packed).take(most).read_to_end(&mut content)
        };
        read.map_err(IngestError::unreadable)?;
        let mut inflated = Self::held(&self.path, content);
        inflated.is_gzip = false;
        Ok(inflated)
    }

    /// The decoded bytes from the start.
    pub(crate) fn stream(&mut self) -> Result<Stream<'_>, IngestError> {
        let file = match &mut self.data {
            Data::Disk(file) => file,
            Data::Memory(bytes) => return Ok(Stream::new(Box::new(&bytes[..]), self.is_gzip)),
        };
        file.seek(SeekFrom::Start(self.start.len() as u64)).map_err(IngestError::unreadable)?;
        let stored = Stored { start: &self.start, file, position: 0, sum: self.sum.as_mut() };
        Ok(Stream::new(Box::new(BufReader::with_capacity(START_BYTES, stored)), self.is_gzip))
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
        if !self.is_gzip {
            return self.stream()?.voxels(skip, bytes, to_end, warnings);
        }
        let mut content = self.content()?;
        // A corpus is read by many threads of a pool, each with a file of its own.
        let is_alone = rayon::current_thread_index().is_none();
        let threads = if is_alone { rayon::current_num_threads() } else { 1 };
        if let Some(raw) = decode_whole(&mut content, skip as usize, bytes, threads) {
            return Ok(raw);
        }
        if threads == 1 {
            // One thread leaves the content as it was.
            return Stream::new(Box::new(&content[..]), true).voxels(skip, bytes, to_end, warnings);
        }
        drop(content);
        self.stream()?.voxels(skip, bytes, to_end, warnings)
    }

    /// The file as stored, read by all threads that are free.
    fn content(&mut self) -> Result<Vec<u8>, IngestError> {
        let file = match &self.data {
            Data::Disk(file) => file,
            Data::Memory(bytes) => return Ok(bytes.clone()),
        };
        let length = file.metadata().map_err(IngestError::unreadable)?.len() as usize;
        let mut content = zeroed::<u8>(length);
        let known = self.start.len().min(length);
        let (start, rest) = content.split_at_mut(known);
        start.copy_from_slice(&self.start[..known]);
        let parts = rest.par_chunks_mut(PART_BYTES).enumerate();
        parts
            .try_for_each(|(index, part)| {
                let mut file = File::open(&self.path)?;
                file.seek(SeekFrom::Start((known + index * PART_BYTES) as u64))?;
                file.read_exact(part)
            })
            .map_err(IngestError::unreadable)?;
        if let Some(sum) = &mut self.sum {
            sum.take(known as u64, &content[known..]).map_err(IngestError::unreadable)?;
        }
        Ok(content)
    }
}

/// Reads what no decoder asked for, of a file that was refused too, and notes the sum of the file. Where that fails, the
/// sum is missing, and whoever needs it meets the error.
impl Drop for Input<'_> {
    fn drop(&mut self) {
        let (Some(mut sum), Data::Disk(file)) = (self.sum.take(), &mut self.data) else { return };
        if sum.read_to(file, u64::MAX).is_ok() {
            sum.finish(&self.path);
        }
    }
}

/// The bytes of a file as stored: the first ones from memory, the others from the disk.
struct Stored<'a, 's> {
    start: &'a [u8],
    file: &'a File,
    position: u64,
    sum: Option<&'a mut RunningSum<'s>>,
}

impl Read for Stored<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut known = self.start.get(self.position as usize..).unwrap_or_default();
        if !known.is_empty() {
            let count = known.read(buffer)?;
            self.position += count as u64;
            return Ok(count);
        }
        let count = self.file.read(buffer)?;
        if let Some(sum) = &mut self.sum {
            sum.take(self.position, &buffer[..count])?;
        }
        self.position += count as u64;
        Ok(count)
    }
}

/// The voxels of a gzip file whose content is exactly `skip + bytes` long, by the fast decoder; none
/// for any other file.
fn decode_whole(content: &mut [u8], skip: usize, bytes: usize, threads: usize) -> Option<Vec<i16>> {
    let mut raw = zeroed::<i16>((skip + bytes).div_ceil(2));
    let target = &mut bytemuck::cast_slice_mut::<i16, u8>(&mut raw)[..skip + bytes];
    let decoder = Decoder::new(threads).with_memory(zeroed);
    decoder.decode_exactly(content, target, skip).then(|| {
        raw.truncate(bytes.div_ceil(2));
        raw
    })
}
