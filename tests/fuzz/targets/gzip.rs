//! Any bytes as a gzip file: what is decoded in memory, by one thread or in parts, is what the stream holds.
#![no_main]

use std::io::{Cursor, Read};

use gzip::{Decoder, Members};
use libfuzzer_sys::fuzz_target;

/// Decoded bytes that are looked at.
const MAX_BYTES: u64 = 1 << 20;
/// Compressed bytes of a part: few, so that small inputs are cut too.
const PART_BYTES: usize = 64;

fuzz_target!(|data: &[u8]| {
    let mut plain = Vec::new();
    let mut members = Members::new(Cursor::new(data)).take(MAX_BYTES);
    let is_whole = members.read_to_end(&mut plain).is_ok();
    let skip = plain.len().min(data.len() % 7);
    let decoders = [Decoder::new(1), Decoder::new(4).with_min_part_bytes(PART_BYTES)];
    let decoded = decoders.map(|decoder| {
        let mut target = vec![0; plain.len()];
        let done = decoder.decode_exactly(&mut data.to_vec(), &mut target, skip);
        target.truncate(plain.len() - skip);
        done.then_some(target)
    });
    for target in decoded.iter().flatten().filter(|_| is_whole) {
        assert!(target[..] == plain[skip..], "other bytes than those of the stream");
    }
    if let [Some(one), Some(other)] = &decoded {
        assert!(one == other, "parts joined are not the whole");
    }
});
