use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use libdeflater::{CompressionLvl, Compressor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::*;
use crate::member::MAGIC;

const ZEROED: Zeroed = |length| vec![0; length];
const CUTTING: Cutting = Cutting { threads: 2, min_part_bytes: 4 << 20, zeroed: ZEROED };

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
            let checksum = decode_parts(&mut stream, &mut target, skip, cuts, ZEROED);
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
            let part = piece.decode(cut, end, plain.len(), ZEROED).expect("is sound");
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
    assert!(file.len() > 2 * CUTTING.min_part_bytes);
    let before = file.clone();
    assert_eq!(decode_in_parts(&mut file, &mut [0; 100], 0, CUTTING), None);
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
            assert_ne!(decode_parts(&mut damaged, &mut target, 0, cuts, ZEROED), Some(expected));
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
