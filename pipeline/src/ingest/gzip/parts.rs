//! One gzip member decoded by several threads.
//!
//! The compressed bytes are cut where blocks begin. Each part but the first is decoded with markers for
//! what it cannot know until 32 KiB have come without one, which takes noisy volumes a megabyte or two;
//! the ordinary decoder, several times faster, does the rest. It knows nothing of bits, windows or
//! parts: the bits are moved to whole bytes, the window goes before them as a stored block, and an empty
//! last block follows. The checksum of the whole is verified, so that a cut taken wrongly is found.

use crc32fast::Hasher;
use libdeflater::Decompressor;
use rayon::prelude::*;

use super::MAGIC;
use super::deflate::{Decoded, WINDOW, decode_block, find_block};
use crate::memory::zeroed;

/// Compressed bytes that are worth a thread.
const SMALLEST: usize = 4 << 20;
/// Most parts of one file: each of them reserves room for the whole, though it fills only its share.
const MOST: usize = 8;
/// Compressed bytes within which a block must begin.
const SEARCHED: usize = 512 << 10;
/// Bytes decoded in search of 32 KiB without markers before a part is left for later.
const PATIENCE: usize = 6 << 20;
/// Bytes that the empty last block takes, with the bits before it.
const END: usize = 6;
/// Bytes that a thread copies at a time.
const COPIED: usize = 1 << 20;
/// Bytes of the checksum and the length after a stream.
const TAIL: usize = 8;
/// Bytes of the head of a stored block.
const STORED: usize = 5;

/// Where a part begins, and what of it is decoded already.
struct Cut {
    /// Bit at which the block begins.
    bit: usize,
    decoded: Decoded,
    /// Bit at which the next block begins.
    next: usize,
    /// The bytes at the cut, which the end of the part before writes over.
    head: [u8; END],
}

/// Compressed bytes of a part after its cut.
struct Piece<'a> {
    data: &'a mut [u8],
    /// Bit of the stream at which they begin.
    start: usize,
}

/// What a thread made of its part.
struct Part {
    /// Bytes with markers, of which `rest` repeats the last 32 KiB.
    decoded: Decoded,
    /// A window and what follows it; none where no window was found.
    rest: Option<Rest>,
}

/// A window of 32 KiB, the bytes after it, and their checksum.
struct Rest {
    bytes: Vec<u8>,
    checksum: Hasher,
}

/// Decodes a file of one member with up to `threads` threads, overwriting `content`, and puts what
/// follows the first `skip` bytes at the start of `target`. False where it is damaged or not exactly as
/// long as `target`; none, and nothing done, where it has no places to cut.
pub(super) fn decode_in_parts(
    content: &mut [u8],
    target: &mut [u8],
    skip: usize,
    threads: usize,
) -> Option<bool> {
    let end = content.len().checked_sub(TAIL)?;
    let stated = u32::from_le_bytes(*content[end..].first_chunk()?);
    let start = head_length(&content[..end])?;
    let stream = &mut content[start..end];
    let cuts = cuts(stream, threads.min(MOST).min(stream.len() / SMALLEST));
    if cuts.is_empty() {
        return None;
    }
    Some(decode_parts(stream, target, skip, cuts).is_some_and(|checksum| checksum == stated))
}

/// Does so for a stream with such cuts; the checksum of all of it.
fn decode_parts(stream: &mut [u8], target: &mut [u8], skip: usize, cuts: Vec<Cut>) -> Option<u32> {
    let length = target.len();
    let heads: Vec<_> = cuts.iter().map(|cut| (cut.bit, cut.head)).collect();
    let ends: Vec<usize> =
        heads.iter().skip(1).map(|head| head.0).chain([8 * stream.len()]).collect();
    let (first, mut after) = stream.split_at_mut(heads[0].0 / 8 + END);
    let mut pieces = Vec::with_capacity(cuts.len());
    for (cut, &end) in cuts.into_iter().zip(&ends) {
        let start = cut.bit / 8 + END;
        let (data, others) = after.split_at_mut((end / 8 + END - start).min(after.len()));
        pieces.push((Piece { data, start: 8 * start }, cut, end));
        after = others;
    }
    let (first, parts) = rayon::join(
        || {
            end_at(first, heads[0].0);
            let count = Decompressor::new().deflate_decompress(first, target).ok()?;
            let mut checksum = Hasher::new();
            checksum.update(&target[..count]);
            let kept = count.checked_sub(skip)?;
            target.copy_within(skip..count, 0);
            Some((kept, checksum))
        },
        || {
            let parts = pieces.into_par_iter();
            parts
                .map(|(piece, cut, end)| piece.decode(cut, end, length))
                .collect::<Option<Vec<_>>>()
        },
    );
    let (mut done, mut checksum) = first?;
    for ((part, (bit, head)), end) in parts?.into_iter().zip(heads).zip(ends) {
        let Part { mut decoded, rest } = part;
        let window: Box<[u8; WINDOW]> = Box::new(*target[..done].last_chunk()?);
        let rest = if let Some(rest) = rest {
            rest
        } else {
            // What is before the part is known by now.
            decoded = Decoded::default();
            stream[bit / 8..][..END].copy_from_slice(&head);
            decode_after(&window, stream, bit, end, length)?
        };
        let (marked, place) = target.get_mut(done..)?.split_at_mut_checked(decoded.len())?;
        decoded.resolve(&window, marked);
        checksum.update(marked);
        let bytes = &rest.bytes[WINDOW..];
        let place = place.get_mut(..bytes.len())?;
        let pairs = place.par_chunks_mut(COPIED).zip(bytes.par_chunks(COPIED));
        pairs.for_each(|(to, from)| to.copy_from_slice(from));
        checksum.combine(&rest.checksum);
        done += decoded.len() + bytes.len();
    }
    (done == length - skip).then(|| checksum.finalize())
}

impl Piece<'_> {
    /// Decodes what lies between the cut and bit `end` of the stream, at most `length` bytes; none where
    /// it is damaged or was no place to cut.
    fn decode(self, cut: Cut, end: usize, length: usize) -> Option<Part> {
        let Cut { mut decoded, next, .. } = cut;
        let (mut at, end) = (next - self.start, end - self.start);
        while at < end && decoded.len() < PATIENCE {
            // The window goes where compressed bytes were read.
            if let Some(window) = decoded.window().filter(|_| at / 8 >= STORED + WINDOW) {
                let rest = decode_after(&window, self.data, at, end, length)?;
                return Some(Part { decoded, rest: Some(rest) });
            }
            // The last block, or damage: the ordinary decoder will tell.
            let Some(next) = decode_block(self.data, at, &mut decoded) else { break };
            at = next;
        }
        Some(Part { decoded, rest: None })
    }
}

/// Decodes the blocks between two bits of `data`, at most `length` bytes, which follow a window.
/// Overwrites them and the bytes before them.
fn decode_after(
    window: &[u8; WINDOW],
    data: &mut [u8],
    from: usize,
    end: usize,
    length: usize,
) -> Option<Rest> {
    let (start, shift) = (from / 8, from % 8);
    let place = start.checked_sub(STORED + WINDOW)?;
    let is_last = end == 8 * data.len();
    let stop = if is_last { data.len() } else { end / 8 + END };
    move_bits(&mut data[start..stop], shift);
    if !is_last {
        // What is written reaches whole bytes, so it comes after the move.
        end_at(data, end - shift);
    }
    let size = (WINDOW as u16).to_le_bytes();
    let [low, high] = size;
    data[place..place + STORED].copy_from_slice(&[0, low, high, !low, !high]);
    data[place + STORED..start].copy_from_slice(window);
    // Pages that nothing is written to take no memory.
    let mut bytes = zeroed(WINDOW + length);
    let count = Decompressor::new().deflate_decompress(&data[place..stop], &mut bytes).ok()?;
    bytes.truncate(count);
    let mut checksum = Hasher::new();
    checksum.update(bytes.get(WINDOW..)?);
    Some(Rest { bytes, checksum })
}

/// Writes an empty last block at a bit of `data`.
fn end_at(data: &mut [u8], bit: usize) {
    let start = bit / 8;
    data[start] = data[start] & ((1 << (bit % 8)) - 1) | 1 << (bit % 8);
    let length = (bit + 3).div_ceil(8);
    data[start + 1..length].fill(0);
    data[length..length + 4].copy_from_slice(&[0, 0, 0xff, 0xff]);
}

/// Moves all bits by less than eight places towards the start.
fn move_bits(data: &mut [u8], shift: usize) {
    // By the block, out of place, so that it is made into vector code.
    const BLOCK: usize = 4096;
    const WORD: usize = 8;
    if shift == 0 {
        return;
    }
    let mut words = [0; BLOCK / WORD + 1];
    let mut bytes = [0; BLOCK + WORD];
    for start in (0..data.len()).step_by(BLOCK) {
        let known = bytes.len().min(data.len() - start);
        bytes[..known].copy_from_slice(&data[start..start + known]);
        bytes[known..].fill(0);
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<WORD>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        for (index, bytes) in bytes.as_chunks_mut::<WORD>().0[..BLOCK / WORD].iter_mut().enumerate()
        {
            *bytes = (words[index] >> shift | words[index + 1] << (64 - shift)).to_le_bytes();
        }
        let moved = known.min(BLOCK);
        data[start..start + moved].copy_from_slice(&bytes[..moved]);
    }
}

/// The length of a member's head (RFC 1952, section 2.3); none where it is no gzip.
fn head_length(content: &[u8]) -> Option<usize> {
    let flags = *content.get(3)?;
    if content[..2] != MAGIC || content[2] != 8 {
        return None;
    }
    let mut length = 10;
    if flags & 4 != 0 {
        length += 2 + usize::from(u16::from_le_bytes(*content.get(length..)?.first_chunk()?));
    }
    // A name and a comment, each with a zero at its end.
    for flag in [8, 16] {
        if flags & flag != 0 {
            length += content.get(length..)?.iter().position(|&byte| byte == 0)? + 1;
        }
    }
    length += if flags & 2 != 0 { 2 } else { 0 };
    (length < content.len()).then_some(length)
}

/// Cuts of a stream into about `count` parts of one size.
fn cuts(stream: &[u8], count: usize) -> Vec<Cut> {
    let cut = |index: usize| {
        let from = stream.len() / count * index;
        let (bit, decoded, next) = find_block(stream, 8 * from, 8 * SEARCHED)?;
        let head = *stream.get(bit / 8..)?.first_chunk()?;
        // The end of the part before must not reach into what is still to be read.
        (next / 8 >= bit / 8 + END).then_some(Cut { bit, decoded, next, head })
    };
    (1..count).into_par_iter().filter_map(cut).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use libdeflater::{CompressionLvl, Compressor};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};

    use super::*;

    /// 16-bit values: noise of a few bits and, where asked for, a pattern that is the same in every row,
    /// so that each row is copied in part from the one before it.
    fn slices(rows: usize, pattern: bool) -> Vec<u8> {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let value = |column: usize| match column {
            0..200 if pattern => (column * column * 7919) as i16,
            _ => (random.next_u32() % 301 + column as u32) as i16 - 1000,
        };
        (0..rows).flat_map(|_| 0..512).map(value).flat_map(i16::to_le_bytes).collect()
    }

    fn by_zlib(plain: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(plain).expect("encodes");
        encoder.finish().expect("encodes")
    }

    fn by_libdeflate(plain: &[u8]) -> Vec<u8> {
        let mut compressor = Compressor::new(CompressionLvl::default());
        let mut stream = vec![0; compressor.deflate_compress_bound(plain.len())];
        let count = compressor.deflate_compress(plain, &mut stream).expect("encodes");
        stream.truncate(count);
        stream
    }

    /// The sample, compressed by several encoders.
    fn streams(plain: &[u8]) -> Vec<Vec<u8>> {
        let by_zlib = [3, 6, 9].map(|level| by_zlib(plain, level));
        by_zlib.into_iter().chain([by_libdeflate(plain)]).collect()
    }

    #[test]
    fn parts_joined_are_the_whole_whoever_wrote_it() {
        for (pattern, skip) in [(false, 0), (true, 352)] {
            let plain = slices(6000, pattern);
            for mut stream in streams(&plain) {
                let cuts = cuts(&stream, 4);
                assert!(!cuts.is_empty());
                let mut target = vec![0; plain.len()];
                let checksum = decode_parts(&mut stream, &mut target, skip, cuts);
                assert_eq!(checksum, Some(crc32fast::hash(&plain)));
                assert!(target[..plain.len() - skip] == plain[skip..]);
            }
        }
    }

    #[test]
    fn noise_is_decoded_at_once_and_a_pattern_waits_for_its_window() {
        for pattern in [false, true] {
            let plain = slices(6000, pattern);
            for mut stream in streams(&plain) {
                let cut = cuts(&stream, 2).remove(0);
                let (begin, end) = (cut.bit / 8 + END, 8 * stream.len());
                let piece = Piece { data: &mut stream[begin..], start: 8 * begin };
                let part = piece.decode(cut, end, plain.len()).expect("is sound");
                assert_eq!(part.rest.is_none(), pattern);
                if let Some(rest) = part.rest {
                    assert!(plain.ends_with(&rest.bytes), "a window and all that follows");
                }
            }
        }
    }

    #[test]
    fn a_stream_without_codes_of_its_own_is_left_to_the_ordinary_decoder() {
        let mut file = MAGIC.to_vec();
        file.extend([8, 0, 0, 0, 0, 0, 0, 0]);
        // The lowest level of this encoder writes blocks of fixed codes only.
        file.extend(by_zlib(&slices(8000, false), 1));
        file.extend([0; TAIL]);
        assert!(file.len() > 2 * SMALLEST);
        let before = file.clone();
        assert_eq!(decode_in_parts(&mut file, &mut [0; 100], 0, 2), None);
        assert!(file == before);
    }

    #[test]
    fn damage_is_found_wherever_it_is() {
        let plain = slices(3000, false);
        let stream = by_zlib(&plain, 6);
        let expected = crc32fast::hash(&plain);
        for at in (0..stream.len()).step_by(stream.len() / 40) {
            let mut damaged = stream.clone();
            damaged[at] ^= 1 << (at % 8);
            let cuts = cuts(&damaged, 3);
            let mut target = vec![0; plain.len()];
            if !cuts.is_empty() {
                assert_ne!(decode_parts(&mut damaged, &mut target, 0, cuts), Some(expected));
            }
        }
    }

    #[test]
    fn every_kind_of_head_is_passed() {
        let builder = || flate2::GzBuilder::new();
        let heads = [
            builder(),
            builder().filename("ct.nii"),
            builder().comment("a comment").extra([1, 2, 3]),
            builder().filename("ct.nii").comment("a comment").extra([9; 300]),
        ];
        for head in heads {
            let mut encoder = head.write(Vec::new(), Compression::fast());
            encoder.write_all(b"voxels").expect("encodes");
            let file = encoder.finish().expect("encodes");
            let length = head_length(&file).expect("is gzip");
            let mut plain = [0; 6];
            let stream = &file[length..file.len() - TAIL];
            let count = Decompressor::new().deflate_decompress(stream, &mut plain);
            assert_eq!((count, &plain), (Ok(6), b"voxels"));
        }
        assert_eq!(head_length(b"plainly not gzip"), None);
    }
}
