//! An epoch cut into batches in which no two samples share a key, such as their patient.

use std::collections::VecDeque;

use schemas::manifest::train::Tail;

/// Batches of an epoch whose keys have these numbers of samples. It depends on the counts alone, so that every epoch
/// has as many.
pub(super) fn batches_of_an_epoch(counts: &[u32], batch: usize, tail: Tail) -> usize {
    let total: usize = counts.iter().map(|&count| count as usize).sum();
    if tail == Tail::Pad {
        // A key stands in as many batches as it has samples.
        let most = counts.iter().max().map_or(0, |&count| count as usize);
        return total.div_ceil(batch).max(most);
    }
    // A key fills at most one place of each batch; fewer batches hold less of the keys with many samples.
    let mut batches = total / batch;
    loop {
        let places: usize = counts.iter().map(|&count| batches.min(count as usize)).sum();
        let filled = places / batch;
        if filled >= batches {
            return batches;
        }
        batches = filled;
    }
}

/// Arranges `items`, which come in random order and have the keys `key_of`, in `batches` batches of `batch` places. A
/// place that no item takes is `None`; only [`Tail::Pad`] leaves any. Items that find no place are left out.
///
/// A key with as many items left as there are batches left must take a place in each of them. Those come first; the
/// other places go to the remaining items in order.
pub(super) fn distinct_batches(
    items: &[u32],
    key_of: impl Fn(u32) -> u32,
    keys: usize,
    (batch, batches): (usize, usize),
    tail: Tail,
) -> Vec<Option<u32>> {
    let mut counts = vec![0_u32; keys];
    let mut kept = Vec::with_capacity(items.len());
    for &item in items {
        let count = &mut counts[key_of(item) as usize];
        let is_full = tail == Tail::Drop && kept.len() == batch * batches;
        if (*count as usize) < batches && !is_full {
            *count += 1;
            kept.push((item, key_of(item)));
        }
    }
    let mut packer = Packer::new(kept, counts, batches);
    let mut arranged = Vec::with_capacity(batch * batches);
    for number in 0..batches {
        let chosen = packer.next_batch(batch, batches - number);
        let empty = batch.saturating_sub(chosen.len());
        arranged.extend(chosen.into_iter().map(Some));
        arranged.extend(std::iter::repeat_n(None, empty));
    }
    arranged
}

/// No place.
const NONE: u32 = u32::MAX;

struct Packer {
    /// Items with their keys, in order.
    items: Vec<(u32, u32)>,
    taken: Vec<bool>,
    /// The first item of each key that is not taken, and the item of the same key after each.
    first: Vec<u32>,
    next: Vec<u32>,
    /// Items of each key that are not taken.
    left: Vec<u32>,
    /// Keys by how many items they had left when they were entered.
    by_left: Vec<Vec<u32>>,
    /// The batch, counted from the last, that a key took a place of last.
    last_batch: Vec<u32>,
    /// Items that were passed over, since their key stood in the batch already.
    held: VecDeque<u32>,
    /// The first item that was not looked at.
    fresh: usize,
}

impl Packer {
    fn new(items: Vec<(u32, u32)>, left: Vec<u32>, batches: usize) -> Self {
        let (mut first, mut next) = (vec![NONE; left.len()], vec![NONE; items.len()]);
        for (at, &(_, key)) in items.iter().enumerate().rev() {
            next[at] = std::mem::replace(&mut first[key as usize], at as u32);
        }
        let mut by_left = vec![Vec::new(); batches + 1];
        for (key, &count) in left.iter().enumerate() {
            by_left[count as usize].push(key as u32);
        }
        let last_batch = vec![NONE; left.len()];
        let taken = vec![false; items.len()];
        let held = VecDeque::new();
        Self { items, taken, first, next, left, by_left, last_batch, held, fresh: 0 }
    }

    /// The items of a batch after which `batches_left - 1` come, in their order.
    fn next_batch(&mut self, batch: usize, batches_left: usize) -> Vec<u32> {
        let mut chosen: Vec<u32> = Vec::with_capacity(batch);
        for key in std::mem::take(&mut self.by_left[batches_left]) {
            if self.left[key as usize] as usize == batches_left {
                let at = self.first[key as usize];
                self.take(at, batches_left, &mut chosen);
            }
        }
        for _ in 0..self.held.len() {
            let Some(at) = self.held.pop_front() else { break };
            let full = chosen.len() == batch;
            if !self.taken[at as usize] && (full || !self.take(at, batches_left, &mut chosen)) {
                self.held.push_back(at);
            }
        }
        while chosen.len() < batch && self.fresh < self.items.len() {
            let at = self.fresh as u32;
            self.fresh += 1;
            if !self.taken[at as usize] && !self.take(at, batches_left, &mut chosen) {
                self.held.push_back(at);
            }
        }
        chosen.sort_unstable();
        chosen.into_iter().map(|at| self.items[at as usize].0).collect()
    }

    /// Takes an item where its key has no place in the batch yet.
    fn take(&mut self, at: u32, batches_left: usize, chosen: &mut Vec<u32>) -> bool {
        let key = self.items[at as usize].1 as usize;
        if self.last_batch[key] == batches_left as u32 {
            return false;
        }
        self.last_batch[key] = batches_left as u32;
        self.taken[at as usize] = true;
        self.first[key] = self.next[at as usize];
        self.left[key] -= 1;
        self.by_left[self.left[key] as usize].push(key as u32);
        chosen.push(at);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::draws::Draws;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_batch_holds_a_key_twice_and_no_item_is_lost_or_repeated(
            counts in prop::collection::vec(0_u32..9, 1..20),
            batch in 1_usize..9,
            tail in prop::sample::select(vec![Tail::Drop, Tail::Pad]),
            seed in any::<u64>(),
        ) {
            let keys: Vec<u32> = counts
                .iter()
                .enumerate()
                .flat_map(|(key, &count)| std::iter::repeat_n(key as u32, count as usize))
                .collect();
            let items = Draws::new("order", seed, 0).permutation(keys.len() as u32);
            let batches = batches_of_an_epoch(&counts, batch, tail);
            let arranged = distinct_batches(
                &items,
                |item| keys[item as usize],
                counts.len(),
                (batch, batches),
                tail,
            );
            prop_assert_eq!(arranged.len(), batch * batches);
            let mut seen = BTreeSet::new();
            for group in arranged.chunks(batch) {
                let found: Vec<u32> = group.iter().flatten().copied().collect();
                let of: BTreeSet<u32> = found.iter().map(|&item| keys[item as usize]).collect();
                prop_assert_eq!(of.len(), found.len(), "a key stands in a batch twice");
                prop_assert!(found.iter().all(|&item| seen.insert(item)), "an item comes twice");
                prop_assert!(tail == Tail::Pad || found.len() == batch, "a batch is not full");
            }
            if tail == Tail::Pad {
                prop_assert_eq!(seen.len(), keys.len(), "an item is lost");
            } else {
                // No choice of items fills another batch.
                let more = batches + 1;
                let places: usize = counts.iter().map(|&count| more.min(count as usize)).sum();
                prop_assert!(places < batch * more, "another batch could be filled");
            }
        }
    }

    #[test]
    fn without_conflicts_the_order_is_kept() {
        let items = [3, 1, 2, 0, 4];
        let arrange = |tail, batches| distinct_batches(&items, |item| item, 5, (2, batches), tail);
        assert_eq!(arrange(Tail::Drop, 2), [3, 1, 2, 0].map(Some));
        assert_eq!(arrange(Tail::Pad, 3), [Some(3), Some(1), Some(2), Some(0), Some(4), None]);
    }
}
