//! XXH3, a hash for what nobody forges.

use std::hash::Hasher;
use std::time::{Duration, Instant};

use twox_hash::{XxHash3_64, XxHash3_128};

/// Bytes that are copied before they are hashed: they are in the processor's cache then.
const AT_ONCE: usize = 256 << 10;

/// XXH3 of 64 bits.
pub fn xxh3_64(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

/// Copies `source` to `target`, which is as long, and returns the XXH3 of 64 bits of what came and the time that the
/// hash took. Memory is read once.
pub fn copy_hashed(source: &[u8], target: &mut [u8]) -> (u64, Duration) {
    let (mut hasher, mut hashing) = (XxHash3_64::new(), Duration::ZERO);
    for (source, target) in source.chunks(AT_ONCE).zip(target.chunks_mut(AT_ONCE)) {
        target.copy_from_slice(source);
        let start = Instant::now();
        hasher.write(target);
        hashing += start.elapsed();
    }
    (hasher.finish(), hashing)
}

/// XXH3 of 64 bits with a seed.
pub fn xxh3_64_with_seed(bytes: &[u8], seed: u64) -> u64 {
    XxHash3_64::oneshot_with_seed(seed, bytes)
}

/// XXH3 of 128 bits.
pub fn xxh3_128(bytes: &[u8]) -> u128 {
    XxHash3_128::oneshot(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by Python's `xxhash` of `bytes(i * 7 % 251 for i in range(n))`.
    #[test]
    fn hashes_are_those_of_the_reference() {
        let bytes: Vec<u8> = (0..1000).map(|index| (index * 7 % 251) as u8).collect();
        assert_eq!(xxh3_64(&bytes[..29]), 8_252_045_980_704_866_216);
        assert_eq!(xxh3_64(&bytes), 15_126_328_255_066_576_103);
        let long: Vec<u8> = bytes.iter().copied().cycle().take(2 * AT_ONCE + 77).collect();
        let mut copy = vec![0; long.len()];
        assert_eq!(copy_hashed(&long, &mut copy).0, xxh3_64(&long));
        assert_eq!(copy, long);
        assert_eq!(xxh3_64_with_seed(&bytes[..29], 5), 8_001_690_741_294_182_191);
        assert_eq!(xxh3_128(&bytes[..29]), 214_138_231_055_421_542_507_171_281_417_238_246_997);
    }
}
