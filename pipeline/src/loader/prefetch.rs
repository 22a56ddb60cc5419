//! Shuffled batches, fetched ahead by threads into a ring of slots.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded, select};
use schemas::manifest::train::SeriesPerEpoch;
use schemas::study::BatchStudy;

use super::batch::Batch;
use super::config::{DEADLINE, LoaderConfig, LoaderError, Metrics};
use super::data_order::data_order;
use super::dataset::Dataset;
use super::order::{Order, Place};
use super::ring::{Ring, Slot, SlotSource};
use super::sample::{FillCost, Sampler};
use super::token::{ResumeToken, made_of};
use crate::files::xxh3_64;
use crate::shard::VoxelReaderError;

type Filled = (Vec<BatchStudy>, FillCost, Slot);
type Fetched = (u64, Result<Filled, VoxelReaderError>);

/// Hands out batches in order while threads fetch ahead.
#[derive(Debug)]
pub struct Loader {
    dataset: Arc<Dataset>,
    config: LoaderConfig,
    order: Arc<Mutex<Order>>,
    ring: Ring,
    ready: Receiver<Fetched>,
    early: BTreeMap<u64, Fetched>,
    next: u64,
    committed: u64,
    metrics: Metrics,
    /// Dropped to end the threads.
    stop: Option<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
    activities: Vec<Arc<Mutex<Activity>>>,
    /// How long a wait may take before it is an error.
    pub(super) deadline: Duration,
}

/// What a fetching thread does.
#[derive(Debug, Clone, Copy)]
enum Activity {
    AwaitsSlot,
    Reads { batch: u64, since: Instant },
    AwaitsRoom { batch: u64 },
}

impl fmt::Display for Activity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AwaitsSlot => write!(formatter, "waits for a slot"),
            Self::Reads { batch, since } => {
                let seconds = since.elapsed().as_secs();
                write!(formatter, "has been reading batch {batch} for {seconds} s")
            }
            Self::AwaitsRoom { batch } => write!(formatter, "waits to hand over batch {batch}"),
        }
    }
}

impl Loader {
    /// Allocates the ring and starts the threads.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Ranks`] and [`LoaderError::Memory`], at once rather than as a stall later.
    pub fn start(dataset: Arc<Dataset>, config: LoaderConfig) -> Result<Self, LoaderError> {
        let world_size = config.share.world_size;
        if config.plan.batch == 0
            || world_size == 0
            || !config.plan.batch.is_multiple_of(world_size)
        {
            return Err(LoaderError::Ranks { batch: config.plan.batch, world_size });
        }
        let sampler = Sampler::new(&dataset, config.input, config.plan.seed)?;
        let together = config.plan.rules.series == SeriesPerEpoch::Together;
        let (batch, sample) = (config.local(), sampler.largest(&dataset, together));
        let slot_bytes = batch * sample;
        let most = config.ring_bytes / slot_bytes.max(1);
        if most < 2 {
            let (needed, given) = (2 * slot_bytes, config.ring_bytes);
            return Err(LoaderError::Memory { batch, sample, needed, given });
        }
        let threads = config.threads.max(1);
        // More slots than can be in flight would never be touched.
        let first = most.min(2 * threads + 2);
        let ring = Ring::new(slot_bytes, first, most);
        let order = Arc::new(Mutex::new(data_order(&dataset, config.plan)?));
        let (to_consumer, ready) = bounded(first);
        let (stop, stopped) = bounded(0);
        let sampler = Arc::new(sampler);
        let next = Arc::new(AtomicU64::new(0));
        let activities: Vec<Arc<Mutex<Activity>>> =
            (0..threads).map(|_| Arc::new(Mutex::new(Activity::AwaitsSlot))).collect();
        let threads = activities
            .iter()
            .map(|activity| {
                let fetcher = Fetcher {
                    dataset: Arc::clone(&dataset),
                    sampler: Arc::clone(&sampler),
                    config: config.clone(),
                    order: Arc::clone(&order),
                    slots: ring.source(),
                    ready: to_consumer.clone(),
                    next: Arc::clone(&next),
                    activity: Arc::clone(activity),
                    stopped: stopped.clone(),
                };
                std::thread::spawn(move || fetcher.run())
            })
            .collect();
        Ok(Self {
            dataset,
            order,
            ring,
            ready,
            early: BTreeMap::new(),
            next: 0,
            committed: config.position,
            metrics: Metrics::default(),
            stop: Some(stop),
            threads,
            activities,
            deadline: DEADLINE,
            config,
        })
    }

    /// The next batch; none after the last one asked for.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Shard`] where a tensor is damaged, [`LoaderError::Stalled`] at the deadline.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, LoaderError> {
        if self.config.batches.is_some_and(|batches| self.next >= batches) {
            return Ok(None);
        }
        let start = Instant::now();
        let (studies, cost, slot) = loop {
            if let Some((_, fetched)) = self.early.remove(&self.next) {
                self.ring.hand_out();
                break fetched?;
            }
            // Without a slot in the ring no thread can fetch, and the batch would never come.
            self.ring.grow();
            match self.ready.recv_timeout(self.deadline.saturating_sub(start.elapsed())) {
                Ok(fetched) => {
                    self.early.insert(fetched.0, fetched);
                }
                Err(RecvTimeoutError::Timeout) => {
                    let (slots, held) = self.ring.count();
                    let (waited, threads) = (start.elapsed(), self.activity());
                    return Err(LoaderError::Stalled { waited, threads, held, slots });
                }
                Err(RecvTimeoutError::Disconnected) => return Err(LoaderError::Ended),
            }
        };
        let (number, waited) = (self.next, start.elapsed());
        self.next += 1;
        self.count(&studies, cost, slot.bytes().len());
        self.metrics.waited += waited;
        Ok(Some(Batch { number, studies, slot, damaged: cost.damaged, waited }))
    }

    /// What the threads do, in words.
    fn activity(&self) -> String {
        let each = self.activities.iter().enumerate().map(|(number, activity)| {
            let activity = activity.lock().unwrap_or_else(PoisonError::into_inner);
            format!("thread {number} {activity}")
        });
        each.collect::<Vec<_>>().join(", ")
    }

    fn count(&mut self, studies: &[BatchStudy], cost: FillCost, bytes: usize) {
        self.metrics.bytes += bytes as u64;
        self.metrics.bytes_read += cost.read;
        self.metrics.batches += 1;
        let slices: Vec<u64> = studies
            .iter()
            .flat_map(BatchStudy::blocks)
            .map(|(block, _)| block.shape[1] as u64)
            .collect();
        let empty = self.config.local().saturating_sub(studies.len());
        let longest = slices.iter().max().copied().unwrap_or(0);
        self.metrics.slices += slices.iter().sum::<u64>();
        self.metrics.padded_slices += longest * (slices.len() + empty) as u64;
        self.metrics.hashing += cost.hashing;
        self.metrics.copying += cost.filling.saturating_sub(cost.hashing);
        self.metrics.shards += cost.shards as u64;
        self.metrics.damaged += cost.damaged as u64;
        for series in studies.iter().flat_map(|study| &study.series) {
            self.metrics.samples += 1;
            let hash = self.metrics.order_hash;
            self.metrics.order_hash = rolling_hash(hash, series.record.sample_id.as_str());
        }
    }

    /// Records that the optimizer consumed one more batch.
    pub fn commit(&mut self) {
        self.committed += self.config.plan.batch as u64;
    }

    /// The position that the optimizer consumed.
    pub fn token(&self) -> ResumeToken {
        let (dataset, position) = (&self.dataset, self.committed);
        let before = position.saturating_sub(RECENT)..position;
        let recent = places(&self.order, before)
            .into_iter()
            .flat_map(|place| &dataset.studies[place.study].series[place.series])
            .fold(0, |recent, series| rolling_hash(recent, series.record.sample_id.as_str()));
        let plan = lock(&self.order).plan_hash();
        ResumeToken {
            made_of: Some(made_of(self.config.plan, self.config.input)),
            recent: Some(recent),
            ..ResumeToken::new(&dataset.release_id, &dataset.fingerprint, plan, position)
        }
    }

    /// Counters so far.
    pub fn metrics(&self) -> Metrics {
        self.metrics
    }

    /// What is loaded.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }
}

/// The order, which all threads share: a permutation is made once an epoch.
fn lock(order: &Mutex<Order>) -> MutexGuard<'_, Order> {
    order.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What stands at each of the positions that hold a sample.
fn places(order: &Mutex<Order>, positions: Range<u64>) -> Vec<Place> {
    let mut order = lock(order);
    positions.filter_map(|position| order.at(position)).collect()
}

/// Samples before a position that a token is checked by.
const RECENT: u64 = 64;

/// The hash `before` with one more id.
fn rolling_hash(before: u64, id: &str) -> u64 {
    xxh3_64(&[&before.to_le_bytes(), id.as_bytes()].concat())
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.stop = None;
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

struct Fetcher {
    dataset: Arc<Dataset>,
    sampler: Arc<Sampler>,
    config: LoaderConfig,
    order: Arc<Mutex<Order>>,
    slots: SlotSource,
    ready: Sender<Fetched>,
    next: Arc<AtomicU64>,
    activity: Arc<Mutex<Activity>>,
    stopped: Receiver<()>,
}

impl Fetcher {
    fn now(&self, activity: Activity) {
        *self.activity.lock().unwrap_or_else(PoisonError::into_inner) = activity;
    }

    fn run(self) {
        loop {
            self.now(Activity::AwaitsSlot);
            // The slot comes first and the number second, so that the lowest number always has a slot.
            let slot = select! {
                recv(self.slots.free) -> slot => match slot {
                    Ok(slot) => self.slots.bind(slot),
                    Err(_) => return,
                },
                recv(self.stopped) -> _ => return,
            };
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if self.config.batches.is_some_and(|batches| number >= batches) {
                return;
            }
            self.now(Activity::Reads { batch: number, since: Instant::now() });
            let fetched = (number, self.fetch(number, slot));
            self.now(Activity::AwaitsRoom { batch: number });
            select! {
                send(self.ready, fetched) -> sent => if sent.is_err() { return },
                recv(self.stopped) -> _ => return,
            }
        }
    }

    fn fetch(&self, number: u64, mut slot: Slot) -> Result<Filled, VoxelReaderError> {
        let places = places(&self.order, self.config.positions(number));
        let (studies, cost) = self.sampler.fill(&self.dataset, &places, &mut slot)?;
        Ok((studies, cost, slot))
    }
}
