//! Random numbers that are a function of what they are drawn for. The generator is specified, so that another version
//! of a library gives no other order and no other crops.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::files::xxh3_128;

/// Numbers for one purpose, seed and epoch: `ChaCha8` keyed by all three.
#[derive(Debug)]
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    /// Numbers for `purpose`.
    pub(crate) fn new(purpose: &str, seed: u64, epoch: u64) -> Self {
        let mut text = format!("radloom {purpose}").into_bytes();
        text.extend(seed.to_le_bytes());
        text.extend(epoch.to_le_bytes());
        let mut key = [0; 32];
        key[..16].copy_from_slice(&xxh3_128(&text).to_le_bytes());
        key[16..24].copy_from_slice(&seed.to_le_bytes());
        key[24..].copy_from_slice(&epoch.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number below `bound`, each as likely (Lemire 2019).
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let mut product = u64::from(self.0.next_u32()) * u64::from(bound);
        let threshold = bound.wrapping_neg() % bound;
        while (product as u32) < threshold {
            product = u64::from(self.0.next_u32()) * u64::from(bound);
        }
        (product >> 32) as u32
    }

    /// A number from −`reach` to `reach`.
    pub(crate) fn around_zero(&mut self, reach: f64) -> f64 {
        let unit = (self.bits() >> 11) as f64 * (-53.0_f64).exp2();
        (2.0 * unit - 1.0) * reach
    }

    /// A number from `low` to `high`.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.bits() >> 40) as f32 * (-24.0_f32).exp2();
        low + unit * (high - low)
    }

    /// True with the probability `probability`.
    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.between(0.0, 1.0) < probability
    }

    /// One of `choices`, each as likely; there is at least one.
    pub(crate) fn pick<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len() as u32) as usize]
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Brings `values` into a random order: Fisher-Yates from the end.
    pub(crate) fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            let other = self.below(last as u32 + 1);
            values.swap(last, other as usize);
        }
    }

    /// `0..count` in a random order.
    pub(crate) fn permutation(&mut self, count: u32) -> Vec<u32> {
        let mut order: Vec<u32> = (0..count).collect();
        self.shuffle(&mut order);
        order
    }

    /// Which of `count` things are among `with` that are taken at random.
    pub(crate) fn taken(&mut self, count: usize, with: usize) -> Vec<bool> {
        let mut taken = vec![false; count];
        for &one in self.permutation(count as u32).iter().take(with) {
            taken[one as usize] = true;
        }
        taken
    }
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
            let order = Draws::new("order", seed, 0).permutation(10);
            counts[order.iter().position(|&study| study == 0).expect("is there")] += 1;
        }
        let chi: f64 = counts.iter().map(|&c| (f64::from(c) - 500.0).powi(2) / 500.0).sum();
        assert!(chi < 27.9, "{chi} {counts:?}");
    }

    #[test]
    fn numbers_around_zero_are_uniform() {
        let mut draws = Draws::new("test", 1, 2);
        let all: Vec<f64> = (0..20_000).map(|_| draws.around_zero(2.0)).collect();
        assert!(all.iter().all(|value| (-2.0..2.0).contains(value)));
        let mean = all.iter().sum::<f64>() / 20_000.0;
        let variance = all.iter().map(|value| value * value).sum::<f64>() / 20_000.0;
        // The variance of a uniform distribution of width 4 is 4² / 12.
        assert!(mean.abs() < 0.04 && (variance - 16.0 / 12.0).abs() < 0.05, "{mean} {variance}");
    }
}
