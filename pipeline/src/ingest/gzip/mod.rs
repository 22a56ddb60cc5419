//! Gzip of several members, with every checksum verified and trailing bytes told apart from damage.
//!
//! The library's own multi-member reader reports garbage after the last member and a wrong checksum
//! as the same kind of error; the first is common and harmless, the second is not.

mod deflate;
mod parts;

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;
use libdeflater::Decompressor;
use rayon::prelude::*;

use self::parts::decode_in_parts;

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

/// Decodes a whole gzip file in memory, checksums verified, and moves what follows the first `skip` bytes
/// to the start of `target`. False where the file's content is not exactly as long as `target`, is
/// damaged, or has members of unknown length: the streaming reader then reads it or names its fault.
/// Several threads share the work where the file was written in blocks (BGZF, section 4.1 of the SAM
/// specification), and up to `threads` where it was not. What `content` holds afterwards is not said.
pub(super) fn decode_exactly(
    content: &mut [u8],
    target: &mut [u8],
    skip: usize,
    threads: usize,
) -> bool {
    let done = if let Some(blocks) = blocks(content) {
        let mut parts = Vec::with_capacity(blocks.len());
        let mut rest = &mut *target;
        for block in blocks {
            let Some((part, after)) = rest.split_at_mut_checked(decoded_length(block)) else {
                return false;
            };
            parts.push((block, part));
            rest = after;
        }
        rest.is_empty() && parts.into_par_iter().all(|(block, part)| decode(block, part))
    } else {
        // The decoded length of the last member stands at the end of the file. Where it is not that of
        // the whole, there are several members, or something follows.
        if decoded_length(content) != target.len() as u32 as usize {
            return false;
        }
        if let Some(done) = decode_in_parts(content, target, skip, threads) {
            return done;
        }
        decode(content, target)
    };
    target.copy_within(skip.min(target.len()).., 0);
    done
}

fn decode(member: &[u8], target: &mut [u8]) -> bool {
    Decompressor::new().gzip_decompress(member, target).is_ok_and(|count| count == target.len())
}

/// The last four bytes of a member: its decoded length modulo 2³².
fn decoded_length(member: &[u8]) -> usize {
    member.last_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize)
}

/// The members of a file written in blocks, each of which says its own length.
fn blocks(content: &[u8]) -> Option<Vec<&[u8]>> {
    let mut blocks = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        // Magic, method, flags with only the extra field, ..., its length, "BC", 2, size - 1.
        let fixed = rest.get(..18)?;
        if fixed[..4] != [MAGIC[0], MAGIC[1], 8, 4] || fixed[10..16] != [6, 0, b'B', b'C', 2, 0] {
            return None;
        }
        let size = usize::from(u16::from_le_bytes([fixed[16], fixed[17]])) + 1;
        let (block, after) = rest.split_at_checked(size)?;
        blocks.push(block);
        rest = after;
    }
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn block(part: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::GzBuilder::new()
            .extra([b'B', b'C', 2, 0, 0, 0])
            .write(Vec::new(), Compression::fast());
        encoder.write_all(part).expect("encodes");
        let mut block = encoder.finish().expect("encodes");
        let size = (block.len() - 1) as u16;
        block[16..18].copy_from_slice(&size.to_le_bytes());
        block
    }

    #[test]
    fn blocks_members_and_whole_files_decode_to_the_same_bytes() {
        let plain: Vec<u8> =
            (0..100_000_u32).flat_map(|value| (value % 977).to_le_bytes()).collect();
        let mut target = vec![0; plain.len()];
        // The end-of-file marker of BGZF is an empty block.
        let mut file: Vec<u8> = plain.chunks(30_000).flat_map(block).collect();
        file.extend(block(&[]));
        assert!(blocks(&file).is_some_and(|blocks| blocks.len() == 15));
        assert!(decode_exactly(&mut file, &mut target, 0, 1));
        assert_eq!(target, plain);
        let mut streamed = Vec::new();
        Members::new(&file[..]).read_to_end(&mut streamed).expect("decodes");
        assert_eq!(streamed, plain);

        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&plain).expect("encodes");
        let single = encoder.finish().expect("encodes");
        target.fill(0);
        assert!(decode_exactly(&mut single.clone(), &mut target, 0, 1));
        assert_eq!(target, plain);

        for wrong in [&file[..file.len() - 1], &single[..single.len() - 1], &single[1..]] {
            assert!(!decode_exactly(&mut wrong.to_vec(), &mut target, 0, 1));
        }
        for at in [30, file.len() / 2] {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            assert!(
                !decode_exactly(&mut damaged, &mut target, 0, 1),
                "the checksum of a block is verified"
            );
        }
        assert!(!decode_exactly(&mut file, &mut target[1..], 0, 1), "the length is told");
    }
}
