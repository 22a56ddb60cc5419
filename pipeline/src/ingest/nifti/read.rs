//! Voxels of a file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use nifti::Endianness;
use rayon::prelude::*;
use schemas::reason::Reason;

use super::super::error::IngestError;
use super::super::gzip::{MAGIC, Members, decode_exactly};
use super::super::intensity::HeaderFacts;
use super::header::{Frame, Header, affine, datatype_width, dimensions, read_header};
use crate::memory::zeroed;
use crate::volume::{Affine, Voxels};
use schemas::rescale::Rescale;

/// A NIfTI image before its intensity unit is decided.
#[derive(Debug, Clone, PartialEq)]
pub struct NiftiImage {
    /// Voxels as stored, x fastest; NaN and infinite values are replaced by −1024.
    pub voxels: Voxels,
    /// Size along x, y, z.
    pub dims: [usize; 3],
    /// Voxel to world (RAS, mm).
    pub affine: Affine,
    /// What the header says of the unit.
    pub facts: HeaderFacts,
    /// Share of voxels that were NaN or infinite.
    pub nan_fraction: f64,
    /// What is odd but was accepted.
    pub warnings: Vec<String>,
}

/// A file whose header was read and found sound.
struct Opened {
    header: Header,
    frame: Frame,
    data: Input,
    skip: u64,
    bytes: usize,
    affine: Affine,
    oriented: bool,
    warnings: Vec<String>,
}

impl Opened {
    fn new(path: &Path, limit: u64, first_frame: bool) -> Result<Self, IngestError> {
        let mut header_file = Input::open(&header_path(path))?;
        let mut warnings = Vec::new();
        let header = read_header(&mut header_file.stream()?)?;
        let frame = dimensions(&header, first_frame, &mut warnings)?;
        let count = frame.dims.iter().product::<usize>();
        let bytes = count as u64 * datatype_width(header.datatype)? as u64;
        if bytes > limit {
            return Err(IngestError::new(
                Reason::TooLarge,
                format!("voxels take {bytes} bytes, above the limit of {limit}"),
            ));
        }
        if header.vox_offset > limit {
            return Err(IngestError::new(
                Reason::VolumeCorrupt,
                format!("impossible `vox_offset` {}", header.vox_offset),
            ));
        }
        let is_pair = header.is_pair || matches!(extension(path).as_str(), "hdr" | "img");
        let (data, skip) = if is_pair {
            (Input::open(&image_path(path)?)?, header.vox_offset)
        } else {
            let earliest = header.length + 4;
            if header.vox_offset < earliest {
                warnings.push(format!(
                    "vox_offset {} lies inside the header; {earliest} is used",
                    header.vox_offset
                ));
            }
            (header_file, header.vox_offset.max(earliest))
        };
        let (affine, oriented) = affine(&header, &mut warnings)?;
        let bytes = bytes as usize;
        Ok(Self { header, frame, data, skip, bytes, affine, oriented, warnings })
    }

    fn scaling(&self) -> Option<Rescale> {
        // NIfTI-2 has doubles here, which may be too small or too large for what voxels are.
        let [slope, intercept] = [self.header.scl_slope, self.header.scl_inter].map(|x| x as f32);
        let valid = slope.is_finite() && slope != 0.0;
        valid.then_some(Rescale {
            slope,
            intercept: if intercept.is_finite() { intercept } else { 0.0 },
        })
    }
}

/// What the header of a file says of its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NiftiSize {
    /// Voxels of the image.
    pub voxels: usize,
    /// Bytes they take when decoded.
    pub bytes: u64,
}

/// The size of the file at `path`, by its header.
///
/// # Errors
///
/// As [`read`].
pub fn size(path: &Path, limit: u64, first_frame: bool) -> Result<NiftiSize, IngestError> {
    let file = Opened::new(path, limit, first_frame)?;
    Ok(NiftiSize { voxels: file.frame.dims.iter().product(), bytes: file.bytes as u64 })
}

/// Reads the NIfTI file at `path`, or the pair it is one half of; the decoded voxels may take `limit`
/// bytes at most. Of a file of several volumes the first is read where `first_frame` says so.
///
/// # Errors
///
/// An [`IngestError`] whose reason says whether the file is cut short, damaged, of another kind or
/// too large.
pub fn read(path: &Path, limit: u64, first_frame: bool) -> Result<NiftiImage, IngestError> {
    let mut file = Opened::new(path, limit, first_frame)?;
    let raw = file.data.voxels(file.skip, file.bytes, file.frame.is_last, &mut file.warnings)?;
    let count = file.frame.dims.iter().product();
    let (mut voxels, integers) =
        convert(raw, file.header.datatype, file.header.endianness, count, true);
    let nan_fraction = replace_not_finite(&mut voxels) as f64 / count.max(1) as f64;
    let facts = HeaderFacts {
        scaling: file.scaling(),
        integers,
        oriented: file.oriented,
        minimum: voxels.range().0,
    };
    let Opened { frame, affine, warnings, .. } = file;
    Ok(NiftiImage { voxels, dims: frame.dims, affine, facts, nan_fraction, warnings })
}

/// Reads the NIfTI file at `path` as slabs of whole slices of about `slab_bytes`, in stored order, for
/// volumes that do not fit in memory. What is given back has no voxels of its own.
///
/// # Errors
///
/// As [`read`]; slabs given to `sink` before an error are void.
pub fn read_slabs(
    path: &Path,
    limit: u64,
    first_frame: bool,
    slab_bytes: usize,
    mut sink: impl FnMut(Voxels),
) -> Result<NiftiImage, IngestError> {
    let mut file = Opened::new(path, limit, first_frame)?;
    let [width, height, depth] = file.frame.dims;
    let slice_bytes = file.bytes / depth;
    let thickness = (slab_bytes / slice_bytes).max(1);
    let mut input = file.data.stream()?;
    input.skip(file.skip, file.bytes)?;
    let (mut replaced, mut minimum) = (0, f64::INFINITY);
    let mut integers = true;
    for start in (0..depth).step_by(thickness) {
        let slices = thickness.min(depth - start);
        let mut raw = vec![0_i16; (slices * slice_bytes).div_ceil(2)];
        let target = &mut bytemuck::cast_slice_mut::<i16, u8>(&mut raw)[..slices * slice_bytes];
        fill(&mut input, target, start * slice_bytes, file.bytes)?;
        let header = &file.header;
        let count = slices * width * height;
        // One type for all slabs: whether wider integers fit in 16 bits is known at the end only.
        let (mut voxels, whole) = convert(raw, header.datatype, header.endianness, count, false);
        replaced += replace_not_finite(&mut voxels);
        minimum = minimum.min(voxels.range().0);
        integers = whole;
        sink(voxels);
    }
    if file.frame.is_last {
        input.read_to_end(file.bytes, &mut file.warnings)?;
    }
    drop(input);
    let facts = HeaderFacts { scaling: file.scaling(), integers, oriented: file.oriented, minimum };
    let nan_fraction = replaced as f64 / (width * height * depth) as f64;
    let voxels = Voxels::I16(Vec::new());
    let Opened { frame, affine, warnings, .. } = file;
    Ok(NiftiImage { voxels, dims: frame.dims, affine, facts, nan_fraction, warnings })
}

fn extension(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map(|(_, extension)| extension.to_owned()).unwrap_or_default()
}

/// The other file of a header and image pair, whichever case and compression it has.
fn sibling(path: &Path, wanted: &str) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let plain = name.strip_suffix(".gz").unwrap_or(name);
    let stem = plain.rsplit_once('.')?.0;
    let upper = wanted.to_uppercase();
    [wanted, &upper]
        .iter()
        .flat_map(|extension| [format!("{stem}.{extension}"), format!("{stem}.{extension}.gz")])
        .map(|name| path.with_file_name(name))
        .find(|candidate| candidate.is_file())
}

fn header_path(path: &Path) -> PathBuf {
    let image = extension(path) == "img";
    image.then(|| sibling(path, "hdr")).flatten().unwrap_or_else(|| path.to_owned())
}

fn image_path(path: &Path) -> Result<PathBuf, IngestError> {
    if extension(path) == "img" {
        return Ok(path.to_owned());
    }
    sibling(path, "img").ok_or_else(|| {
        IngestError::new(
            Reason::VolumeTruncated,
            "the header says that voxels lie in an `.img` file beside it, and there is none",
        )
    })
}

/// A file, gzip or plain by its first bytes.
struct Input {
    path: PathBuf,
    file: File,
    is_gzip: bool,
}

impl Input {
    fn open(path: &Path) -> Result<Self, IngestError> {
        let mut file = File::open(path).map_err(unreadable)?;
        let mut start = [0; 2];
        let is_gzip = file.read_exact(&mut start).is_ok() && start == MAGIC;
        Ok(Self { path: path.to_owned(), file, is_gzip })
    }

    /// The decoded bytes from the start.
    fn stream(&mut self) -> Result<Stream<'_>, IngestError> {
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
    fn voxels(
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
enum Stream<'a> {
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
    fn skip(&mut self, count: u64, bytes: usize) -> Result<(), IngestError> {
        let skipped = io::copy(&mut self.by_ref().take(count), &mut io::sink())
            .map_err(|error| read_error(&error, 0, bytes))?;
        if skipped < count { Err(cut_short(0, bytes)) } else { Ok(()) }
    }

    /// Reads past the voxels, which verifies the last checksum.
    fn read_to_end(&mut self, bytes: usize, warnings: &mut Vec<String>) -> Result<(), IngestError> {
        // No more than the voxels themselves: a bomb behind them is not worth the time.
        match io::copy(&mut self.by_ref().take(bytes as u64), &mut io::sink()) {
            Ok(0) => {}
            Ok(extra) => warnings.push(format!("{extra} bytes follow the voxels")),
            Err(error) => return Err(read_error(&error, bytes, bytes)),
        }
        if matches!(self, Self::Gzip(members) if members.trailing) {
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
    decode_exactly(&mut content, target, skip, threads).then(|| {
        raw.truncate(bytes.div_ceil(2));
        raw
    })
}

/// Fills `target`, which is the part from `before` on of `all` bytes.
fn fill(
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

/// Narrows to i16 where every value fits (or the type makes sure of it), to f32 otherwise. The flag tells integer files apart.
fn convert(
    mut words: Vec<i16>,
    datatype: i16,
    endianness: Endianness,
    count: usize,
    may_narrow: bool,
) -> (Voxels, bool) {
    let little = matches!(endianness, Endianness::Little);
    if matches!(datatype, 4 | 512) {
        for word in &mut words {
            *word = if little { i16::from_le(*word) } else { i16::from_be(*word) };
        }
        // Unsigned words above 32767 look negative here.
        if datatype == 4 || (may_narrow && words.iter().all(|word| *word >= 0)) {
            return (Voxels::I16(words), true);
        }
        return (Voxels::F32(words.iter().map(|word| f32::from(*word as u16)).collect()), true);
    }
    let raw: &[u8] = &bytemuck::cast_slice(&words)[..count * width_of(datatype)];
    macro_rules! numbers {
        ($type:ty) => {
            raw.chunks_exact(size_of::<$type>()).map(move |chunk| {
                let bytes = chunk.try_into().expect("chunks have the type's size");
                if little { <$type>::from_le_bytes(bytes) } else { <$type>::from_be_bytes(bytes) }
            })
        };
    }
    let integers = match datatype {
        2 => Some(raw.iter().map(|&value| i16::from(value)).collect()),
        256 => Some(raw.iter().map(|&value| i16::from(value as i8)).collect()),
        8 if may_narrow => narrow(numbers!(i32)),
        768 if may_narrow => narrow(numbers!(u32)),
        1024 if may_narrow => narrow(numbers!(i64)),
        1280 if may_narrow => narrow(numbers!(u64)),
        _ => None,
    };
    if let Some(values) = integers {
        debug_assert_eq!(values.len(), count, "the byte count was checked");
        return (Voxels::I16(values), true);
    }
    let values: Vec<f32> = match datatype {
        8 => numbers!(i32).map(|value| value as f32).collect(),
        768 => numbers!(u32).map(|value| value as f32).collect(),
        1024 => numbers!(i64).map(|value| value as f32).collect(),
        1280 => numbers!(u64).map(|value| value as f32).collect(),
        16 => numbers!(f32).collect(),
        64 => numbers!(f64).map(|value| value as f32).collect(),
        other => unreachable!("datatype {other} was refused with the width"),
    };
    (Voxels::F32(values), !matches!(datatype, 16 | 64))
}

fn width_of(datatype: i16) -> usize {
    datatype_width(datatype).expect("other datatypes were refused before anything was read")
}

/// Replaces NaN and infinite values by that of air; gives how many there were.
fn replace_not_finite(voxels: &mut Voxels) -> usize {
    let Voxels::F32(values) = voxels else { return 0 };
    let mut replaced = 0;
    for value in values.iter_mut().filter(|value| !value.is_finite()) {
        *value = -1024.0;
        replaced += 1;
    }
    replaced
}

/// Integers wider than i16 stay exact when they fit, as Hounsfield units do.
fn narrow<T: Copy + TryInto<i16>>(values: impl Iterator<Item = T> + Clone) -> Option<Vec<i16>> {
    values.map(|value| value.try_into().ok()).collect()
}
