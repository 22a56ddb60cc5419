//! Randomness as a pure function of a seed and a place.
//!
//! Every draw (initial weights, masks, resamples) starts its own `ChaCha8` stream from a key, on the host. No
//! generator has state that outlives a step, so a resumed run draws what the uninterrupted run would have
//! drawn, and every device starts from the same weights.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A stream of random numbers for one purpose.
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// Starts the stream of a `seed`, a `purpose` and an `index` (a step, a sample).
    pub(crate) fn new(seed: u64, purpose: &str, index: u64) -> Self {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&index.to_le_bytes());
        key[16..24].copy_from_slice(&fnv1a(purpose.as_bytes()).to_le_bytes());
        key[24..32].copy_from_slice(&(purpose.len() as u64).to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number in `0..1` with 53 random bits.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // 64-bit multiply-shift; its bias of bound / 2^64 is far below what any run could see.
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// A standard normal number (Box-Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// The first `count` entries of a random permutation of `0..size`, ascending.
    pub(crate) fn choose(&mut self, size: usize, count: usize) -> Vec<usize> {
        let mut chosen = self.draw(size, count);
        chosen.sort_unstable();
        chosen
    }

    /// The first `count` entries of a random permutation of `0..size`, in its order.
    pub(crate) fn draw(&mut self, size: usize, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..size).collect();
        for position in 0..count.min(size) {
            let other = position + self.below(size - position);
            order.swap(position, other);
        }
        order.truncate(count);
        order
    }
}

/// FNV-1a, 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_and_index_and_repeat() {
        let first = |seed, purpose, index| Stream::new(seed, purpose, index).0.next_u64();
        assert_eq!(first(1, "mask", 2), first(1, "mask", 2));
        assert_ne!(first(1, "mask", 2), first(2, "mask", 2));
        assert_ne!(first(1, "mask", 2), first(1, "mask", 3));
        assert_ne!(first(1, "mask", 2), first(1, "text", 2));
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let mut stream = Stream::new(3, "test", 0);
        let values: Vec<f64> = (0..20_000).map(|_| stream.normal()).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance =
            values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }

    #[test]
    fn choose_is_uniform_over_items() {
        let mut counts = [0usize; 6];
        for index in 0..6000 {
            for item in Stream::new(0, "choose", index).choose(6, 2) {
                counts[item] += 1;
            }
        }
        assert!(counts.iter().all(|&count| (1850..2150).contains(&count)), "{counts:?}");
    }
}
