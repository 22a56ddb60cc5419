//! A whole file that is in memory.

use libdeflater::Decompressor;
use rayon::prelude::*;

use crate::member::{MAGIC, decoded_length};
use crate::parts::{Cutting, Zeroed, decode_in_parts};

/// Compressed bytes that are worth a thread.
const MIN_PART_BYTES: usize = 4 << 20;

/// Decodes whole files in memory.
#[derive(Debug, Clone, Copy)]
pub struct Decoder(Cutting);

impl Decoder {
    /// Shares a file of one member among up to `threads` threads of the present rayon pool.
    pub const fn new(threads: usize) -> Self {
        let zeroed: Zeroed = |length| vec![0; length];
        Self(Cutting { threads, min_part_bytes: MIN_PART_BYTES, zeroed })
    }

    /// Takes memory for decoded parts from `zeroed`, which gives so many bytes, all of them zero.
    #[must_use]
    pub const fn with_memory(mut self, zeroed: fn(usize) -> Vec<u8>) -> Self {
        self.0.zeroed = zeroed;
        self
    }

    /// Cuts a file into parts of at least so many compressed bytes; 4 MiB unless it is said.
    #[must_use]
    pub const fn with_min_part_bytes(mut self, bytes: usize) -> Self {
        self.0.min_part_bytes = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Decodes a whole gzip file in memory, checksums verified, and moves what follows the first `skip` bytes to the
    /// start of `target`. False where the file's content is not exactly as long as `target`, is damaged, or has members
    /// of unknown length: [`Members`](crate::Members) then reads it or names its fault. Several threads share the work
    /// where the file was written in blocks (BGZF, section 4.1 of the SAM specification), and up to the number given to
    /// [`Decoder::new`] where it was not. `content` is overwritten on the way.
    pub fn decode_exactly(self, content: &mut [u8], target: &mut [u8], skip: usize) -> bool {
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
            if let Some(done) = decode_in_parts(content, target, skip, self.0) {
                return done;
            }
            decode(content, target)
        };
        target.copy_within(skip.min(target.len()).., 0);
        done
    }
}

fn decode(member: &[u8], target: &mut [u8]) -> bool {
    Decompressor::new().gzip_decompress(member, target).is_ok_and(|count| count == target.len())
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
    use std::io::{Read, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::Members;

    const DECODER: Decoder = Decoder::new(1);

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
        assert!(DECODER.decode_exactly(&mut file, &mut target, 0));
        assert_eq!(target, plain);
        let mut streamed = Vec::new();
        Members::new(&file[..]).read_to_end(&mut streamed).expect("decodes");
        assert_eq!(streamed, plain);

        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&plain).expect("encodes");
        let single = encoder.finish().expect("encodes");
        target.fill(0);
        assert!(DECODER.decode_exactly(&mut single.clone(), &mut target, 0));
        assert_eq!(target, plain);

        for wrong in [&file[..file.len() - 1], &single[..single.len() - 1], &single[1..]] {
            assert!(!DECODER.decode_exactly(&mut wrong.to_vec(), &mut target, 0));
        }
        for at in [30, file.len() / 2] {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            assert!(
                !DECODER.decode_exactly(&mut damaged, &mut target, 0),
                "the checksum of a block is verified"
            );
        }
        assert!(!DECODER.decode_exactly(&mut file, &mut target[1..], 0), "the length is told");
    }

    #[test]
    fn parts_of_small_files_are_the_whole_and_damage_is_refused() {
        // Blocks that each refer to the one before: a flush ends a block and keeps the window.
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let plain: Vec<u8> = (0..24_000_u64)
            .map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59) as u8)
            .collect();
        for part in plain.chunks(3000) {
            encoder.write_all(part).and_then(|()| encoder.flush()).expect("encodes");
        }
        let file = encoder.finish().expect("encodes");
        let in_parts = Decoder::new(4).with_min_part_bytes(64);
        let mut target = vec![0; plain.len()];
        assert!(in_parts.decode_exactly(&mut file.clone(), &mut target, 5));
        assert!(target[..plain.len() - 5] == plain[5..]);
        for at in (10..file.len()).step_by(97) {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << (at % 8);
            let by_one = DECODER.decode_exactly(&mut damaged.clone(), &mut vec![0; plain.len()], 0);
            assert!(!by_one, "byte {at}");
            assert!(!in_parts.decode_exactly(&mut damaged, &mut target, 0), "byte {at}");
        }
    }
}
