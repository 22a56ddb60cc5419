//! Which sample stands at which position.
//!
//! The stream is one permutation of the studies after another. Position `p` is in epoch `p / n` at index `p % n`, where
//! `n` is the number of positions of an epoch; a batch is a run of positions. [`schemas::manifest::train::OrderSection`] says
//! what else holds:
//!
//! - `series = "one"`: a study's reconstructions take turns from epoch to epoch, so that a study with five of them weighs
//!   no more than a study with one. `series = "all"`: an epoch holds every series. `series = "together"`: a
//!   sample is a study with all its series.
//! - `tail = "carry"`: a batch may reach into the next epoch, so that no study is dropped or repeated to fill it.
//!   `tail = "drop"`: what fills no batch is left out of the epoch, other samples in each. `tail = "pad"`: positions at
//!   the end of an epoch hold no sample.
//! - `distinct`: no two samples of a batch share a study or a patient.
//! - `bucket`: the samples of a batch have about as many slices.
//!
//! No thread, rank or host enters.

mod batches;
mod bucket;

use std::ops::Range;

use schemas::manifest::train::{Distinct, OrderSection, SeriesPerEpoch, Tail};

use crate::draws::Draws;
use crate::files::xxh3_64;
use batches::{batches_of_an_epoch, distinct_batches};
use bucket::bucketed;

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

/// A study as the order sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderedStudy {
    /// Its series, at least 1.
    pub series: u32,
    /// Number of its patient, from 0 and less than the number of studies.
    pub patient: u32,
}

/// What an order is a function of, besides the data and the position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderPlan {
    /// Seed.
    pub seed: u64,
    /// Samples of a global batch, at least 1.
    pub batch: usize,
    /// What a batch may hold, and how an epoch ends.
    pub rules: OrderSection,
}

/// Where a sample stands in the data, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its study.
    pub study: usize,
    /// Its series of the study: one, or all.
    pub series: Range<usize>,
    /// The epoch; none outside of training, where nothing is drawn.
    pub epoch: Option<u64>,
}

/// No item. A data set has fewer.
const NO_ITEM: u32 = u32::MAX;

/// The order of a data set: a pure function of plan, epoch and position.
#[derive(Debug, Clone)]
pub struct Order {
    plan: OrderPlan,
    studies: Vec<OrderedStudy>,
    /// The series of all studies before each study.
    series_before: Vec<u32>,
    /// Slices of each series, study by study, where batches are made by them.
    slices: Vec<u32>,
    /// Samples that an epoch draws from.
    items: u32,
    /// Positions of an epoch.
    positions: u64,
    /// The epoch asked for last: the item at each position, or [`NO_ITEM`].
    cached: Option<(u64, Vec<u32>)>,
}

impl Order {
    /// The order of `studies`; `slices` holds those of each of their series, and may be empty without `bucket`.
    pub fn new(plan: OrderPlan, studies: Vec<OrderedStudy>, slices: Vec<u32>) -> Self {
        let mut series_before = Vec::with_capacity(studies.len());
        let mut series = 0;
        for study in &studies {
            series_before.push(series);
            series += study.series;
        }
        let all = plan.rules.series == SeriesPerEpoch::All;
        let items = if all { series } else { studies.len() as u32 };
        let mut order =
            Self { plan, studies, series_before, slices, items, positions: 0, cached: None };
        let batch = plan.batch as u64;
        order.positions = match (plan.rules.tail(), order.has_keys()) {
            (Tail::Carry, _) => u64::from(items),
            (Tail::Drop, false) => u64::from(items) / batch * batch,
            (Tail::Pad, false) => u64::from(items).next_multiple_of(batch),
            (tail, true) => {
                let mut counts = vec![0; order.studies.len()];
                (0..items).for_each(|item| counts[order.key(item) as usize] += 1);
                (batches_of_an_epoch(&counts, plan.batch, tail) * plan.batch) as u64
            }
        };
        order
    }

    /// Positions of an epoch. None where the data fill no batch.
    pub fn epoch_positions(&self) -> u64 {
        self.positions
    }

    /// The sample at `position`; none where an epoch is padded.
    pub fn at(&mut self, position: u64) -> Option<Place> {
        let (epoch, index) = (position / self.positions, position % self.positions);
        if self.cached.as_ref().is_none_or(|(cached, _)| *cached != epoch) {
            self.cached = Some((epoch, self.epoch(epoch)));
        }
        let (_, items) = self.cached.as_ref()?;
        let item = *items.get(index as usize).filter(|&&item| item != NO_ITEM)?;
        Some(Place {
            study: self.study(item),
            series: self.series(item, epoch),
            epoch: Some(epoch),
        })
    }

    /// The series of an item in an epoch.
    fn series(&self, item: u32, epoch: u64) -> Range<usize> {
        let study = self.study(item);
        let count = self.studies[study].series;
        let one = match self.plan.rules.series {
            SeriesPerEpoch::Together => return 0..count as usize,
            SeriesPerEpoch::All => (item - self.series_before[study]) as usize,
            SeriesPerEpoch::One => {
                // Each study starts at another of its reconstructions, then takes them in turn.
                let seed = self.plan.seed.to_le_bytes();
                let start = xxh3_64(&[seed, (study as u64).to_le_bytes()].concat());
                (start.wrapping_add(epoch) % u64::from(count)) as usize
            }
        };
        one..one + 1
    }

    /// Slices of an item in an epoch.
    fn slices(&self, item: u32, epoch: u64) -> u32 {
        let before = self.series_before[self.study(item)] as usize;
        let series = self.series(item, epoch);
        self.slices[before + series.start..before + series.end].iter().sum()
    }

    fn epoch(&self, epoch: u64) -> Vec<u32> {
        let mut items = Draws::new("order", self.plan.seed, epoch).permutation(self.items);
        let (batch, positions) = (self.plan.batch, self.positions as usize);
        let places = if self.has_keys() {
            let (keys, batches) = (self.studies.len(), positions / batch);
            let tail = self.plan.rules.tail();
            distinct_batches(&items, |item| self.key(item), keys, (batch, batches), tail)
        } else if self.plan.rules.bucket {
            let items = &items[..positions.min(items.len())];
            let mut draws = Draws::new("batches", self.plan.seed, epoch);
            bucketed(items, |item| self.slices(item, epoch), batch, &mut draws)
        } else {
            items.resize(positions, NO_ITEM);
            return items;
        };
        places.into_iter().map(|item| item.unwrap_or(NO_ITEM)).collect()
    }

    /// Whether samples can meet in a batch that must not.
    fn has_keys(&self) -> bool {
        match self.plan.rules.distinct {
            Distinct::None => false,
            Distinct::Study => self.plan.rules.series == SeriesPerEpoch::All,
            Distinct::Patient => true,
        }
    }

    /// What no two samples of a batch may share.
    fn key(&self, item: u32) -> u32 {
        let study = self.study(item);
        match self.plan.rules.distinct {
            Distinct::Patient => self.studies[study].patient,
            Distinct::Study | Distinct::None => study as u32,
        }
    }

    fn study(&self, item: u32) -> usize {
        if self.plan.rules.series != SeriesPerEpoch::All {
            return item as usize;
        }
        self.series_before.partition_point(|&before| before <= item) - 1
    }

    /// Hash of everything the order depends on.
    pub fn plan_hash(&self) -> u64 {
        let mut bytes = b"order 1 ".to_vec();
        bytes.extend(self.plan.seed.to_le_bytes());
        bytes.extend((self.plan.batch as u64).to_le_bytes());
        bytes.extend(self.studies.iter().flat_map(|study| study.series.to_le_bytes()));
        let OrderSection { distinct, series, bucket, .. } = self.plan.rules;
        let tail = self.plan.rules.tail();
        if (distinct, tail, series) != (Distinct::None, Tail::Carry, SeriesPerEpoch::One) {
            bytes.extend(format!("{distinct} {tail} {series}").into_bytes());
            bytes.extend(self.studies.iter().flat_map(|study| study.patient.to_le_bytes()));
        }
        if bucket {
            bytes.extend(self.slices.iter().flat_map(|slices| slices.to_le_bytes()));
        }
        xxh3_64(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn order(seed: u64, batch: usize, rules: OrderSection, series: &[u32]) -> Order {
        let study = |(at, &series): (usize, &u32)| OrderedStudy { series, patient: at as u32 / 2 };
        let studies = series.iter().enumerate().map(study).collect();
        let slices = series.iter().flat_map(|&count| 1..=count).collect();
        Order::new(OrderPlan { seed, batch, rules }, studies, slices)
    }

    /// Study and series.
    fn pair(place: &Place) -> (usize, usize) {
        (place.study, place.series.start)
    }

    fn plain(seed: u64, series: &[u32]) -> Order {
        order(seed, 4, OrderSection::default(), series)
    }

    #[test]
    fn every_epoch_visits_every_study_once_and_epochs_differ() {
        let mut first_seed = plain(7, &[1; 101]);
        let epoch = |order: &mut Order, epoch: u64| -> Vec<usize> {
            (0..101).map(|index| order.at(epoch * 101 + index).expect("a sample").study).collect()
        };
        let (first, second) = (epoch(&mut first_seed, 0), epoch(&mut first_seed, 1));
        assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 101);
        assert_eq!(second.iter().collect::<BTreeSet<_>>().len(), 101);
        assert_ne!(first, second);
        assert_ne!(first, epoch(&mut plain(8, &[1; 101]), 0), "the seed matters");
        assert_eq!(first, epoch(&mut first_seed, 0), "asking again gives the same");
    }

    #[test]
    fn reconstructions_take_turns() {
        let mut order = plain(1, &[3, 1]);
        let mut seen = BTreeSet::new();
        for position in 0..6 {
            let (study, series) = pair(&order.at(position).expect("a sample"));
            if study == 0 {
                seen.insert(series);
            }
        }
        assert_eq!(seen, BTreeSet::from([0, 1, 2]));
    }

    #[test]
    fn the_order_of_version_one_is_kept() {
        // Checkpoints of earlier versions stand in this order.
        let mut order = plain(7, &[1, 2, 1, 3, 1]);
        let found: Vec<_> =
            (0..10).map(|position| pair(&order.at(position).expect("a sample"))).collect();
        assert_eq!(format!("{found:?} {}", order.plan_hash()), KEPT);
    }

    /// Printed by `python3 tests/loader/order.py`.
    const KEPT: &str = "[(1, 0), (3, 0), (4, 0), (0, 0), (2, 0), (0, 0), (3, 1), (1, 1), (2, 0), (4, 0)] \
                        12807148797446687967";

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_rules_hold_in_every_batch(
            series in prop::collection::vec(1_u32..4, 1..14),
            batch in 1_usize..6,
            distinct in prop::sample::select(vec![Distinct::None, Distinct::Study, Distinct::Patient]),
            tail in prop::sample::select(vec![Tail::Drop, Tail::Pad]),
            per_epoch in prop::sample::select(SeriesPerEpoch::ALL.to_vec()),
            bucket in any::<bool>(),
            seed in any::<u64>(),
        ) {
            let bucket = bucket && distinct == Distinct::None;
            let rules = OrderSection { distinct, tail: Some(tail), series: per_epoch, bucket };
            let all = per_epoch == SeriesPerEpoch::All;
            let mut order = order(seed, batch, rules, &series);
            let positions = order.epoch_positions();
            prop_assert!(positions.is_multiple_of(batch as u64));
            let samples: u32 = if all { series.iter().sum() } else { series.len() as u32 };
            for epoch in 0..2_u64.min(positions) {
                let mut seen = BTreeMap::new();
                for first in (epoch * positions..(epoch + 1) * positions).step_by(batch) {
                    let places = (first..first + batch as u64).filter_map(|at| order.at(at));
                    let group: Vec<_> = places.map(|place| pair(&place)).collect();
                    prop_assert!(tail == Tail::Pad || group.len() == batch);
                    let keys: BTreeSet<_> = match distinct {
                        Distinct::None => (0..group.len()).collect(),
                        Distinct::Study => group.iter().map(|(study, _)| *study).collect(),
                        Distinct::Patient => group.iter().map(|(study, _)| study / 2).collect(),
                    };
                    prop_assert_eq!(keys.len(), group.len());
                    for (study, number) in group {
                        prop_assert!(number < series[study] as usize);
                        *seen.entry((study, if all { number } else { 0 })).or_insert(0) += 1;
                    }
                }
                prop_assert!(seen.values().all(|&times| times == 1), "a sample comes twice");
                prop_assert!(tail == Tail::Drop || seen.len() == samples as usize);
            }
        }
    }
}
