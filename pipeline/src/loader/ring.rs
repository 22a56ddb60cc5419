//! Batches fetched ahead by threads into a fixed ring of slots.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::dataset::{Dataset, Sample};
use super::order::{Order, Shard};
use super::token::ResumeToken;
use crate::shard::VoxelReaderError;

/// How long a wait may take before it is an error instead of a hang.
const DEADLINE: Duration = Duration::from_mins(5);

/// What to load and with how much of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoaderConfig {
    /// Seed of the order.
    pub seed: u64,
    /// Samples of a global batch, over all ranks.
    pub batch: usize,
    /// Part of each batch this loader takes.
    pub shard: Shard,
    /// Threads that fetch.
    pub threads: usize,
    /// Memory of the ring in bytes.
    pub ring_bytes: usize,
    /// First position to load.
    pub position: u64,
    /// Batches to load; none goes on for ever.
    pub batches: Option<u64>,
}

/// Loading that cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum LoaderError {
    /// The global batch does not divide among the ranks.
    #[error("a batch of {batch} does not divide among {ranks} ranks")]
    Ranks {
        /// Global batch.
        batch: usize,
        /// Ranks.
        ranks: usize,
    },
    /// The ring is too small for two batches.
    #[error(
        "two batches of {batch} × {sample} bytes need {needed} bytes, but `[limits] loader_mib` gives {given}: raise it or lower `[train] batch`"
    )]
    Memory {
        /// Samples a rank takes of a batch.
        batch: usize,
        /// Bytes of a sample.
        sample: usize,
        /// Bytes needed.
        needed: usize,
        /// Bytes given.
        given: usize,
    },
    /// A tensor cannot be read or is damaged.
    #[error(transparent)]
    Shard(#[from] VoxelReaderError),
    /// A wait took too long.
    #[error("no batch came within {} s: {free} of {slots} slots are free", DEADLINE.as_secs())]
    Stalled {
        /// Free slots.
        free: usize,
        /// Slots in all.
        slots: usize,
    },
    /// The threads are gone.
    #[error("the loader's threads ended: this is a defect in radloom")]
    Ended,
}

/// Memory of one batch; goes back to the ring when dropped.
#[derive(Debug)]
pub struct Slot {
    bytes: Vec<u8>,
    home: Sender<Vec<u8>>,
}

impl Slot {
    /// The voxels of the batch, sample after sample.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // The ring may be gone already; then the memory is simply freed.
        self.home.try_send(std::mem::take(&mut self.bytes)).ok();
    }
}

/// One rank's part of one global batch.
#[derive(Debug)]
pub struct Batch {
    /// Number of the batch, from the first position on.
    pub number: u64,
    /// Its samples in order.
    pub samples: Vec<Sample>,
    /// Their voxels.
    pub slot: Slot,
    /// How long the consumer waited for it.
    pub waited: Duration,
}

/// Counters of a loader.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Metrics {
    /// Bytes delivered.
    pub bytes: u64,
    /// Samples delivered.
    pub samples: u64,
    /// Time the consumer waited.
    pub waited: Duration,
    /// Rolling hash of the delivered sample ids: equal for equal orders.
    pub order_hash: u64,
}

type Fetched = (u64, Result<(Vec<Sample>, Vec<u8>), VoxelReaderError>);

/// Hands out batches in order while threads fetch ahead.
#[derive(Debug)]
pub struct Loader {
    dataset: Arc<Dataset>,
    config: LoaderConfig,
    plan: u64,
    free: (Sender<Vec<u8>>, Receiver<Vec<u8>>),
    slots: usize,
    ready: Receiver<Fetched>,
    early: BTreeMap<u64, Fetched>,
    next: u64,
    committed: u64,
    metrics: Metrics,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Loader {
    /// Allocates the ring and starts the threads.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Ranks`] and [`LoaderError::Memory`], at once rather than as a stall later.
    pub fn start(dataset: Arc<Dataset>, config: LoaderConfig) -> Result<Self, LoaderError> {
        let Shard { ranks, .. } = config.shard;
        if config.batch == 0 || ranks == 0 || !config.batch.is_multiple_of(ranks) {
            return Err(LoaderError::Ranks { batch: config.batch, ranks });
        }
        let local = config.batch / ranks;
        let slot_bytes = local * dataset.sample_bytes();
        let slots = config.ring_bytes / slot_bytes.max(1);
        if slots < 2 {
            return Err(LoaderError::Memory {
                batch: local,
                sample: dataset.sample_bytes(),
                needed: 2 * slot_bytes,
                given: config.ring_bytes,
            });
        }
        let threads = config.threads.max(1);
        // More slots than can be in flight would never be touched.
        let slots = slots.min(2 * threads + 2);
        let free = bounded(slots);
        for _ in 0..slots {
            free.0.try_send(vec![0; slot_bytes]).ok();
        }
        let counts = dataset.studies.iter().map(|samples| samples.len() as u32).collect();
        let order = Order::new(config.seed, counts);
        let plan = order.plan_hash(config.batch);
        let (to_consumer, ready) = bounded(slots);
        let stop = Arc::new(AtomicBool::new(false));
        let next = Arc::new(AtomicU64::new(0));
        let threads = (0..threads)
            .map(|_| {
                let fetcher = Fetcher {
                    dataset: Arc::clone(&dataset),
                    config: config.clone(),
                    order: order.clone(),
                    free: free.1.clone(),
                    ready: to_consumer.clone(),
                    next: Arc::clone(&next),
                    stop: Arc::clone(&stop),
                };
                std::thread::spawn(move || fetcher.run())
            })
            .collect();
        Ok(Self {
            dataset,
            plan,
            free,
            slots,
            ready,
            early: BTreeMap::new(),
            next: 0,
            committed: config.position,
            metrics: Metrics::default(),
            stop,
            threads,
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
        while !self.early.contains_key(&self.next) {
            match self.ready.recv_timeout(DEADLINE) {
                Ok(fetched) => {
                    self.early.insert(fetched.0, fetched);
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(LoaderError::Stalled {
                        free: self.free.1.len(),
                        slots: self.slots,
                    });
                }
                Err(RecvTimeoutError::Disconnected) => return Err(LoaderError::Ended),
            }
        }
        let waited = start.elapsed();
        let Some((number, fetched)) = self.early.remove(&self.next) else {
            return Err(LoaderError::Ended);
        };
        let (samples, bytes) = fetched?;
        self.next += 1;
        self.metrics.bytes += bytes.len() as u64;
        self.metrics.samples += samples.len() as u64;
        self.metrics.waited += waited;
        for sample in &samples {
            let mut text = self.metrics.order_hash.to_le_bytes().to_vec();
            text.extend(sample.sample_id.as_bytes());
            self.metrics.order_hash = xxhash_rust::xxh3::xxh3_64(&text);
        }
        let slot = Slot { bytes, home: self.free.0.clone() };
        Ok(Some(Batch { number, samples, slot, waited }))
    }

    /// Says that the optimizer consumed one more batch.
    pub fn commit(&mut self) {
        self.committed += self.config.batch as u64;
    }

    /// The position that the optimizer consumed.
    pub fn token(&self) -> ResumeToken {
        let dataset = &self.dataset;
        ResumeToken::new(&dataset.release_id, &dataset.fingerprint, self.plan, self.committed)
    }

    /// Counters so far.
    pub fn metrics(&self) -> Metrics {
        self.metrics
    }

    /// What is loaded.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Threads blocked on a full or empty channel wake up by these.
        while self.ready.try_recv().is_ok() {}
        for _ in &self.threads {
            self.free.0.try_send(Vec::new()).ok();
        }
        for thread in self.threads.drain(..) {
            while !thread.is_finished() {
                while self.ready.try_recv().is_ok() {}
                self.free.0.try_send(Vec::new()).ok();
                std::thread::yield_now();
            }
            thread.join().ok();
        }
    }
}

struct Fetcher {
    dataset: Arc<Dataset>,
    config: LoaderConfig,
    order: Order,
    free: Receiver<Vec<u8>>,
    ready: Sender<Fetched>,
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Fetcher {
    fn run(mut self) {
        // The slot comes first and the number second, so that the lowest number always has a slot.
        while let Ok(mut slot) = self.free.recv() {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if self.config.batches.is_some_and(|batches| number >= batches) {
                return;
            }
            let result = self.fetch(number, &mut slot).map(|samples| (samples, slot));
            if self.ready.send((number, result)).is_err() {
                return;
            }
        }
    }

    fn fetch(&mut self, number: u64, slot: &mut Vec<u8>) -> Result<Vec<Sample>, VoxelReaderError> {
        let local = self.config.batch / self.config.shard.ranks;
        let start = self.config.position
            + number * self.config.batch as u64
            + (self.config.shard.rank * local) as u64;
        let size = self.dataset.sample_bytes();
        slot.resize(local * size, 0);
        let mut samples = Vec::with_capacity(local);
        for (place, target) in slot.chunks_mut(size).enumerate() {
            let (study, sample) = self.order.at(start + place as u64);
            let sample = &self.dataset.studies[study][sample];
            let shard = &self.dataset.shards[sample.shard];
            target.copy_from_slice(shard.verified(sample.offset, sample.length, sample.xxh3)?);
            samples.push(sample.clone());
        }
        Ok(samples)
    }
}
