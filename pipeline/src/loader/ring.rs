//! The memory of batches: a ring of slots that come back when their last user drops them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::memory::zeroed;

/// Bytes of a slot are aligned to this type, which is what tensor libraries ask of any voxel type.
type Lane = u128;

/// Memory of one batch. It goes back to its ring when dropped, wherever that happens.
#[derive(Debug)]
pub struct Slot {
    lanes: Vec<Lane>,
    length: usize,
    home: Option<Home>,
}

/// Where the memory of a slot goes back to.
#[derive(Debug, Clone)]
struct Home {
    free: Sender<Slot>,
    inside: Arc<AtomicUsize>,
}

impl Slot {
    /// Memory of its own, which is freed when dropped.
    pub(super) fn unowned(length: usize) -> Self {
        Self { lanes: zeroed(length.div_ceil(size_of::<Lane>())), length, home: None }
    }

    /// The voxels of the batch, sample after sample.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.lanes)[..self.length]
    }

    /// The first `length` bytes, to be filled; they become what [`Slot::bytes`] gives.
    pub(super) fn prepare(&mut self, length: usize) -> &mut [u8] {
        let lanes = length.div_ceil(size_of::<Lane>());
        if self.lanes.len() < lanes {
            self.lanes.resize(lanes, 0);
        }
        self.length = length;
        &mut bytemuck::cast_slice_mut(&mut self.lanes)[..length]
    }

    /// Forgets what follows the first `length` bytes.
    pub(super) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

impl AsRef<[u8]> for Slot {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            let lanes = std::mem::take(&mut self.lanes);
            let slot = Self { lanes, length: 0, home: None };
            home.inside.fetch_add(1, Ordering::AcqRel);
            // The ring may be gone already; then the memory is simply freed.
            home.free.try_send(slot).ok();
        }
    }
}

/// A fixed budget of slots, of which as many exist as were needed so far.
///
/// A device may hold slots for long (a queue of transfers that is emptied only when it is full, say). When all
/// slots are outside, the ring makes another one as long as its budget allows, so that such a device cannot
/// stall it; see [`Ring::grow`].
#[derive(Debug)]
pub(super) struct Ring {
    home: Home,
    free: Receiver<Slot>,
    slot_bytes: usize,
    made: usize,
    most: usize,
}

impl Ring {
    /// A ring of `first` slots of `slot_bytes` that may grow to `most`.
    pub(super) fn new(slot_bytes: usize, first: usize, most: usize) -> Self {
        let (sender, free) = bounded(most.max(1));
        let home = Home { free: sender, inside: Arc::default() };
        let mut ring = Self { home, free, slot_bytes, made: 0, most };
        for _ in 0..first.min(most) {
            ring.make();
        }
        ring
    }

    fn make(&mut self) {
        self.made += 1;
        let mut slot = Slot::unowned(self.slot_bytes);
        slot.home = Some(self.home.clone());
        drop(slot);
    }

    /// Makes another slot where all are outside and the budget allows one; returns whether it did.
    pub(super) fn grow(&mut self) -> bool {
        let grows = self.home.inside.load(Ordering::Acquire) == 0 && self.made < self.most;
        if grows {
            self.make();
        }
        grows
    }

    /// Counts the slot of a batch that is handed out as outside. A slot that was dropped before is counted twice
    /// until then, so that a batch that waits to be handed out never looks like one that is outside.
    pub(super) fn hand_out(&self) {
        self.home.inside.fetch_sub(1, Ordering::AcqRel);
    }

    /// Where fetchers take slots from.
    pub(super) fn source(&self) -> SlotSource {
        SlotSource { home: self.home.clone(), free: self.free.clone() }
    }

    /// Slots that exist, and how many of them are outside of the ring.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.made, self.made.saturating_sub(self.home.inside.load(Ordering::Acquire)))
    }
}

/// The fetchers' side of a ring.
#[derive(Debug, Clone)]
pub(super) struct SlotSource {
    home: Home,
    pub(super) free: Receiver<Slot>,
}

impl SlotSource {
    /// Binds memory out of `free` to the ring, so that it comes back.
    pub(super) fn bind(&self, mut slot: Slot) -> Slot {
        slot.home = Some(self.home.clone());
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_grows_only_while_every_slot_is_outside_and_the_budget_allows() {
        let mut ring = Ring::new(8, 1, 2);
        let source = ring.source();
        assert!(!ring.grow(), "a slot is free");
        let first = source.bind(source.free.try_recv().expect("a slot"));
        assert!(!ring.grow(), "its batch waits to be handed out");
        ring.hand_out();
        assert_eq!(ring.count(), (1, 1));
        assert!(ring.grow());
        let second = source.bind(source.free.try_recv().expect("the new slot"));
        ring.hand_out();
        assert!(!ring.grow(), "the budget is two");
        assert_eq!(ring.count(), (2, 2));
        drop(first);
        assert_eq!(ring.count(), (2, 1));
        drop(second);
        assert_eq!((ring.count(), source.free.len()), ((2, 0), 2));
    }

    #[test]
    fn a_slot_outlives_its_ring() {
        let ring = Ring::new(3, 1, 1);
        let source = ring.source();
        let mut slot = source.bind(source.free.try_recv().expect("a slot"));
        slot.prepare(3).copy_from_slice(&[1, 2, 3]);
        drop((ring, source));
        assert_eq!(slot.bytes(), [1, 2, 3]);
        assert_eq!(slot.bytes().as_ptr().align_offset(align_of::<Lane>()), 0);
    }
}
