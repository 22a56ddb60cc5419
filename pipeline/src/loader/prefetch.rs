//! Shuffled batches, fetched ahead by threads into a ring of slots.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded, select};
use schemas::study::BatchStudy;

use super::batch::{Batch, fill};
use super::config::{DEADLINE, LoaderConfig, LoaderError, Metrics};
use super::dataset::Dataset;
use super::order::Order;
use super::ring::{Ring, Slot, SlotSource};
use super::token::ResumeToken;
use crate::shard::VoxelReaderError;

type Fetched = (u64, Result<(Vec<BatchStudy>, Slot), VoxelReaderError>);

/// Hands out batches in order while threads fetch ahead.
#[derive(Debug)]
pub struct Loader {
    dataset: Arc<Dataset>,
    config: LoaderConfig,
    plan: u64,
    ring: Ring,
    ready: Receiver<Fetched>,
    early: BTreeMap<u64, Fetched>,
    next: u64,
    committed: u64,
    metrics: Metrics,
    /// Dropped to end the threads.
    stop: Option<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Loader {
    /// Allocates the ring and starts the threads.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Ranks`] and [`LoaderError::Memory`], at once rather than as a stall later.
    pub fn start(dataset: Arc<Dataset>, config: LoaderConfig) -> Result<Self, LoaderError> {
        let world_size = config.share.world_size;
        if config.batch == 0 || world_size == 0 || !config.batch.is_multiple_of(world_size) {
            return Err(LoaderError::Ranks { batch: config.batch, world_size });
        }
        let (batch, sample) = (config.local(), dataset.max_sample_bytes());
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
        let counts = dataset.studies.iter().map(|study| study.series.len() as u32).collect();
        let order = Order::new(config.seed, counts);
        let plan = order.plan_hash(config.batch);
        let (to_consumer, ready) = bounded(first);
        let (stop, stopped) = bounded(0);
        let next = Arc::new(AtomicU64::new(0));
        let threads = (0..threads)
            .map(|_| {
                let fetcher = Fetcher {
                    dataset: Arc::clone(&dataset),
                    config: config.clone(),
                    order: order.clone(),
                    slots: ring.source(),
                    ready: to_consumer.clone(),
                    next: Arc::clone(&next),
                    stopped: stopped.clone(),
                };
                std::thread::spawn(move || fetcher.run())
            })
            .collect();
        Ok(Self {
            dataset,
            plan,
            ring,
            ready,
            early: BTreeMap::new(),
            next: 0,
            committed: config.position,
            metrics: Metrics::default(),
            stop: Some(stop),
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
        let (studies, slot) = loop {
            if let Some((_, fetched)) = self.early.remove(&self.next) {
                self.ring.hand_out();
                break fetched?;
            }
            // Without a slot in the ring no thread can fetch, and the batch would never come.
            self.ring.grow();
            match self.ready.recv_timeout(DEADLINE.saturating_sub(start.elapsed())) {
                Ok(fetched) => {
                    self.early.insert(fetched.0, fetched);
                }
                Err(RecvTimeoutError::Timeout) => {
                    let (slots, held) = self.ring.count();
                    return Err(LoaderError::Stalled { held, slots });
                }
                Err(RecvTimeoutError::Disconnected) => return Err(LoaderError::Ended),
            }
        };
        let (number, waited) = (self.next, start.elapsed());
        self.next += 1;
        self.count(&studies, slot.bytes().len(), waited);
        Ok(Some(Batch { number, studies, slot, waited }))
    }

    fn count(&mut self, studies: &[BatchStudy], bytes: usize, waited: std::time::Duration) {
        self.metrics.bytes += bytes as u64;
        self.metrics.waited += waited;
        for series in studies.iter().flat_map(|study| &study.series) {
            self.metrics.samples += 1;
            let mut text = self.metrics.order_hash.to_le_bytes().to_vec();
            text.extend(series.record.sample_id.as_str().as_bytes());
            self.metrics.order_hash = xxhash_rust::xxh3::xxh3_64(&text);
        }
    }

    /// Records that the optimizer consumed one more batch.
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
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }
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
    config: LoaderConfig,
    order: Order,
    slots: SlotSource,
    ready: Sender<Fetched>,
    next: Arc<AtomicU64>,
    stopped: Receiver<()>,
}

impl Fetcher {
    fn run(mut self) {
        loop {
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
            let fetched = (number, self.fetch(number, slot));
            select! {
                send(self.ready, fetched) -> sent => if sent.is_err() { return },
                recv(self.stopped) -> _ => return,
            }
        }
    }

    fn fetch(
        &mut self,
        number: u64,
        mut slot: Slot,
    ) -> Result<(Vec<BatchStudy>, Slot), VoxelReaderError> {
        let places: Vec<_> =
            self.config.positions(number).map(|position| self.order.at(position)).collect();
        let studies = fill(&self.dataset, &places, &mut slot)?;
        Ok((studies, slot))
    }
}
