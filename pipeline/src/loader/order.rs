//! Which sample stands at which position.
//!
//! The stream is one permutation of the studies after another. Position `p` is in epoch `p / n` at
//! index `p % n`; a batch is a run of positions and may reach into the next epoch, so no study is
//! dropped or repeated to fill a batch. A study's reconstructions take turns from epoch to epoch, so
//! that a study with five of them weighs no more than a study with one.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// The part of every global batch that one rank takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankShare {
    /// This rank, from 0.
    pub rank: usize,
    /// Number of ranks; divides the global batch.
    pub world_size: usize,
}

impl RankShare {
    /// The share of the only rank.
    pub const WHOLE: Self = Self { rank: 0, world_size: 1 };
}

/// The order of a data set: a pure function of seed, epoch and position.
#[derive(Debug, Clone)]
pub struct Order {
    seed: u64,
    /// Samples of each study.
    samples: Vec<u32>,
    /// Permutation of the epoch asked for last.
    cached: Option<(u64, Vec<u32>)>,
}

impl Order {
    /// The order of studies with these numbers of samples (each at least 1).
    pub fn new(seed: u64, samples: Vec<u32>) -> Self {
        Self { seed, samples, cached: None }
    }

    /// Studies, the length of an epoch.
    pub fn studies(&self) -> u64 {
        self.samples.len() as u64
    }

    /// Study and sample within it at `position`.
    pub fn at(&mut self, position: u64) -> (usize, usize) {
        let (epoch, index) = (position / self.studies(), position % self.studies());
        if self.cached.as_ref().is_none_or(|(cached, _)| *cached != epoch) {
            self.cached = Some((epoch, permutation(self.seed, epoch, self.samples.len() as u32)));
        }
        let study = self.cached.as_ref().map_or(0, |(_, order)| order[index as usize]) as usize;
        // Each study starts at another of its reconstructions, then takes them in turn.
        let start = xxh3_64(&[self.seed.to_le_bytes(), (study as u64).to_le_bytes()].concat());
        let sample = (start.wrapping_add(epoch)) % u64::from(self.samples[study]);
        (study, sample as usize)
    }

    /// Hash of everything the order depends on besides the data.
    pub fn plan_hash(&self, batch: usize) -> u64 {
        let mut bytes = b"order 1 ".to_vec();
        bytes.extend(self.seed.to_le_bytes());
        bytes.extend((batch as u64).to_le_bytes());
        bytes.extend(self.samples.iter().flat_map(|count| count.to_le_bytes()));
        xxh3_64(&bytes)
    }
}

/// Fisher-Yates with `ChaCha8` keyed by seed and epoch; draws are unbiased (Lemire 2019).
fn permutation(seed: u64, epoch: u64, count: u32) -> Vec<u32> {
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
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_epoch_visits_every_study_once_and_epochs_differ() {
        let mut order = Order::new(7, vec![1; 101]);
        let epoch = |order: &mut Order, epoch: u64| -> Vec<usize> {
            (0..101).map(|index| order.at(epoch * 101 + index).0).collect()
        };
        let (first, second) = (epoch(&mut order, 0), epoch(&mut order, 1));
        assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 101);
        assert_eq!(second.iter().collect::<BTreeSet<_>>().len(), 101);
        assert_ne!(first, second);
        assert_ne!(first, epoch(&mut Order::new(8, vec![1; 101]), 0), "the seed matters");
        assert_eq!(first, epoch(&mut order, 0), "asking again gives the same");
    }

    #[test]
    fn reconstructions_take_turns() {
        let mut order = Order::new(1, vec![3, 1]);
        let mut seen = BTreeSet::new();
        for epoch in 0..3 {
            for index in 0..2 {
                let (study, sample) = order.at(epoch * 2 + index);
                if study == 0 {
                    seen.insert(sample);
                }
            }
        }
        assert_eq!(seen, BTreeSet::from([0, 1, 2]));
    }

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
