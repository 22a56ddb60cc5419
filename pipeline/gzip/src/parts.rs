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

use crate::deflate::{Decoded, WINDOW, decode_block, find_block};
use crate::member::{TAIL, head_length};
use crate::splice::{END, end_at, move_bits};

/// Largest number of parts of one file: each of them reserves room for the whole, though it fills only its share.
const MAX_PARTS: usize = 8;
/// Compressed bytes within which a block must begin.
const SEARCH_BYTES: usize = 512 << 10;
/// Bytes decoded in search of 32 KiB without markers before a part is left for later.
const MAX_MARKED_BYTES: usize = 6 << 20;
/// Bytes that a thread copies at a time.
const COPY_BYTES: usize = 1 << 20;
/// Bytes of the head of a stored block.
const STORED_HEAD: usize = 5;

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

/// Gives so many bytes, all of them zero.
pub(crate) type Zeroed = fn(usize) -> Vec<u8>;

/// How a file is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cutting {
    /// Largest number of threads.
    pub(crate) threads: usize,
    /// Compressed bytes that are worth a thread.
    pub(crate) min_part_bytes: usize,
    /// Gives memory full of zeros.
    pub(crate) zeroed: Zeroed,
}

/// Decodes a file of one member with several threads, overwriting `content`, and puts what
/// follows the first `skip` bytes at the start of `target`. False where it is damaged or not exactly as
/// long as `target`; none, and nothing done, where it has no places to cut.
pub(crate) fn decode_in_parts(
    content: &mut [u8],
    target: &mut [u8],
    skip: usize,
    cutting: Cutting,
) -> Option<bool> {
    let end = content.len().checked_sub(TAIL)?;
    let stated = u32::from_le_bytes(*content[end..].first_chunk()?);
    let start = head_length(&content[..end])?;
    let stream = &mut content[start..end];
    let cuts =
        cuts(stream, cutting.threads.min(MAX_PARTS).min(stream.len() / cutting.min_part_bytes));
    if cuts.is_empty() {
        return None;
    }
    Some(
        decode_parts(stream, target, skip, cuts, cutting.zeroed)
            .is_some_and(|checksum| checksum == stated),
    )
}

/// Does so for a stream with such cuts; the checksum of all of it.
fn decode_parts(
    stream: &mut [u8],
    target: &mut [u8],
    skip: usize,
    cuts: Vec<Cut>,
    zeroed: Zeroed,
) -> Option<u32> {
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
                .map(|(piece, cut, end)| piece.decode(cut, end, length, zeroed))
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
            decode_after(&window, stream, bit, end, length, zeroed)?
        };
        let (marked, place) = target.get_mut(done..)?.split_at_mut_checked(decoded.len())?;
        decoded.resolve(&window, marked);
        checksum.update(marked);
        let bytes = &rest.bytes[WINDOW..];
        let place = place.get_mut(..bytes.len())?;
        let pairs = place.par_chunks_mut(COPY_BYTES).zip(bytes.par_chunks(COPY_BYTES));
        pairs.for_each(|(to, from)| to.copy_from_slice(from));
        checksum.combine(&rest.checksum);
        done += decoded.len() + bytes.len();
    }
    (done == length - skip).then(|| checksum.finalize())
}

impl Piece<'_> {
    /// Decodes what lies between the cut and bit `end` of the stream, at most `length` bytes; none where
    /// it is damaged or was no place to cut.
    fn decode(self, cut: Cut, end: usize, length: usize, zeroed: Zeroed) -> Option<Part> {
        let Cut { mut decoded, next, .. } = cut;
        let (mut at, end) = (next - self.start, end - self.start);
        while at < end && decoded.len() < MAX_MARKED_BYTES {
            // The window goes where compressed bytes were read.
            if let Some(window) = decoded.window().filter(|_| at / 8 >= STORED_HEAD + WINDOW) {
                let rest = decode_after(&window, self.data, at, end, length, zeroed)?;
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
    zeroed: Zeroed,
) -> Option<Rest> {
    let (start, shift) = (from / 8, from % 8);
    let place = start.checked_sub(STORED_HEAD + WINDOW)?;
    let is_last = end == 8 * data.len();
    let stop = if is_last { data.len() } else { end / 8 + END };
    move_bits(&mut data[start..stop], shift);
    if !is_last {
        // What is written reaches whole bytes, so it comes after the move.
        end_at(data, end - shift);
    }
    let size = (WINDOW as u16).to_le_bytes();
    let [low, high] = size;
    data[place..place + STORED_HEAD].copy_from_slice(&[0, low, high, !low, !high]);
    data[place + STORED_HEAD..start].copy_from_slice(window);
    // Pages that nothing is written to take no memory.
    let mut bytes = zeroed(WINDOW + length);
    let count = Decompressor::new().deflate_decompress(&data[place..stop], &mut bytes).ok()?;
    bytes.truncate(count);
    let mut checksum = Hasher::new();
    checksum.update(bytes.get(WINDOW..)?);
    Some(Rest { bytes, checksum })
}

/// Cuts of a stream into about `count` parts of one size.
fn cuts(stream: &[u8], count: usize) -> Vec<Cut> {
    let cut = |index: usize| {
        let from = stream.len() / count * index;
        let (bit, decoded, next) = find_block(stream, 8 * from, 8 * SEARCH_BYTES)?;
        let head = *stream.get(bit / 8..)?.first_chunk()?;
        // The end of the part before must not reach into what is still to be read.
        (next / 8 >= bit / 8 + END).then_some(Cut { bit, decoded, next, head })
    };
    (1..count).into_par_iter().filter_map(cut).collect()
}

#[cfg(test)]
mod tests;
