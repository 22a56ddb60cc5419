//! Permutations from a generator that is specified, so that another version of a library gives no other order.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use xxhash_rust::xxh3::xxh3_128;

/// Fisher-Yates with `ChaCha8` keyed by seed and epoch; draws are unbiased (Lemire 2019).
pub(super) fn permutation(seed: u64, epoch: u64, count: u32) -> Vec<u32> {
    let mut text = b"radloom order".to_vec();
    text.extend(seed.to_le_bytes());
    text.extend(epoch.to_le_bytes());
    let half = xxh3_128(&text).to_le_bytes();
    let mut key = [0; 32];
    key[..16].copy_from_slice(&half);
    key[16..24].copy_from_slice(&seed.to_le_bytes());
    key[24..].copy_from_slice(&epoch.to_le_bytes());
    let mut generator = ChaCha8Rng::from_seed(key);
    let mut order: Vec<u32> = (0..count).collect();
    for last in (1..count).rev() {
        let other = below(&mut generator, last + 1);
        order.swap(last as usize, other as usize);
    }
    order
}

fn below(generator: &mut ChaCha8Rng, bound: u32) -> u32 {
    let mut product = u64::from(generator.next_u32()) * u64::from(bound);
    let threshold = bound.wrapping_neg() % bound;
    while (product as u32) < threshold {
        product = u64::from(generator.next_u32()) * u64::from(bound);
    }
    (product >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_uniform() {
        // Where study 0 lands over many seeds: chi-square with 9 degrees of freedom; 27.9 is the
        // 0.999 quantile.
        let mut counts = [0_u32; 10];
        for seed in 0..5000 {
            let order = permutation(seed, 0, 10);
            counts[order.iter().position(|&study| study == 0).expect("is there")] += 1;
        }
        let chi: f64 = counts.iter().map(|&c| (f64::from(c) - 500.0).powi(2) / 500.0).sum();
        assert!(chi < 27.9, "{chi} {counts:?}");
    }
}
