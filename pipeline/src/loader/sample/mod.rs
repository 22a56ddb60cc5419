//! What a sample is made of when it is loaded: the stored blocks, or boxes drawn out of them, changed where asked for.
//!
//! [`InputSection`] says what. All that is drawn is a function of seed, epoch and sample.

mod augment;
mod crop;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use schemas::manifest::train::{AugmentSection, CropDraw, Damaged, InputSection, Verify};
use schemas::study::{BatchSeries, BatchStudy, Block, StudyRecord};

use augment::{change, mirror, runs_sideways};
use crop::{Source, drawn, spread};

use super::config::LoaderError;
use super::dataset::{Dataset, StoredSeries, StoredStudy};
use super::mirror::mirrored;
use super::order::Place;
use super::ring::Slot;
use crate::draws::Draws;
use crate::files::{copy_hashed, xxh3_64};
use crate::shard::VoxelReaderError;

/// What it took to fill one slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FillCost {
    /// Bytes of the shards that were read for the samples.
    pub(super) read: u64,
    /// Time for all of it.
    pub(super) filling: Duration,
    /// Time for hashing.
    pub(super) hashing: Duration,
    /// Shards that the samples lie in.
    pub(super) shards: usize,
    /// Series that were left out because they are not what was written.
    pub(super) damaged: usize,
}

/// How the samples of a data set are made.
#[derive(Debug)]
pub(super) struct Sampler {
    input: InputSection,
    seed: u64,
    /// The series of all studies before each study.
    series_before: Vec<u32>,
    /// One more than the epoch in which each series was compared with its hash last; 0 where it was not.
    compared: Vec<AtomicU32>,
    /// Each study as its mirror image has it, once it was asked for.
    mirrored: Vec<OnceLock<Option<Arc<StudyRecord>>>>,
}

impl Sampler {
    /// The samples of `dataset` as `input` says.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Input`] where that cannot be made, or boxes are to be drawn out of boxes.
    pub(super) fn new(
        dataset: &Dataset,
        input: InputSection,
        seed: u64,
    ) -> Result<Self, LoaderError> {
        if let Some((field, problem)) = input.problem() {
            return Err(LoaderError::Input { field, problem });
        }
        let mut all = dataset.studies.iter().flat_map(|study| &study.series);
        if let Some(series) = all.find(|series| series.record.blocks.len() != 1)
            && input.crops.is_some()
        {
            let problem = format!(
                "needs one stored volume a series, and `{}` has {}: take a view without `crops`",
                series.record.sample_id,
                series.record.blocks.len()
            );
            return Err(LoaderError::Input { field: "crops", problem });
        }
        let mut series = 0;
        let before = |study: &StoredStudy| {
            let before = series;
            series += study.series.len() as u32;
            before
        };
        let series_before = dataset.studies.iter().map(before).collect();
        let compared = (0..series).map(|_| AtomicU32::new(0)).collect();
        let mirrored = dataset.studies.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { input, seed, series_before, compared, mirrored })
    }

    /// Bytes of a series in a batch.
    fn bytes(&self, series: &StoredSeries) -> usize {
        let Some(draw) = self.input.crops else { return series.length as usize };
        let blocks = series.record.blocks.iter().take(1);
        blocks.map(|block| draw.count as usize * cropped(block, draw).bytes()).sum()
    }

    /// Bytes of the largest sample: of a series, or of all series of a study where they stand `together`.
    pub(super) fn largest(&self, dataset: &Dataset, together: bool) -> usize {
        let of_study = |study: &StoredStudy| {
            let bytes = study.series.iter().map(|series| self.bytes(series));
            if together { bytes.sum() } else { bytes.max().unwrap_or(0) }
        };
        dataset.studies.iter().map(of_study).max().unwrap_or(0)
    }

    /// Writes the samples at `places` into `slot`, one after another, and returns what they are of and what it took.
    /// The one copy that a voxel goes through on its way from the shard to the device. A study all of whose
    /// series are damaged is left out where those are to be skipped.
    pub(super) fn fill(
        &self,
        dataset: &Dataset,
        places: &[Place],
        slot: &mut Slot,
    ) -> Result<(Vec<BatchStudy>, FillCost), VoxelReaderError> {
        let series = |place: &Place| &dataset.studies[place.study].series[place.series.clone()];
        let total = places.iter().flat_map(series).map(|series| self.bytes(series)).sum();
        let target = slot.prepare(total);
        let mut studies = Vec::with_capacity(places.len());
        let mut offset = 0;
        let mut cost = FillCost::default();
        let mut shards = BTreeSet::new();
        for place in places {
            let study = &dataset.studies[place.study];
            let mirror = self.mirror(dataset, place);
            let mut read = Vec::with_capacity(place.series.len());
            for number in place.series.clone() {
                let stored = &study.series[number];
                let bytes = self.bytes(stored);
                let target = &mut target[offset..offset + bytes];
                let blocks =
                    match self.write(dataset, (place, number), mirror.is_some(), target, &mut cost)
                    {
                        Ok(blocks) => blocks,
                        Err(error) if error.is_damage() && self.input.damaged == Damaged::Skip => {
                            cost.damaged += 1;
                            continue;
                        }
                        Err(error) => return Err(error),
                    };
                shards.insert(stored.shard);
                read.push(BatchSeries { record: Arc::clone(&stored.record), blocks, offset });
                offset += bytes;
            }
            if !read.is_empty() {
                let record = mirror.unwrap_or(&study.record);
                let epoch = place.epoch.unwrap_or(0);
                studies.push(BatchStudy { record: Arc::clone(record), epoch, series: read });
            }
        }
        slot.truncate(offset);
        cost.shards = shards.len();
        Ok((studies, cost))
    }

    /// Writes one series and returns its blocks, where they are others than the stored ones.
    fn write(
        &self,
        dataset: &Dataset,
        (place, number): (&Place, usize),
        mirrored: bool,
        target: &mut [u8],
        cost: &mut FillCost,
    ) -> Result<Option<Vec<Block>>, VoxelReaderError> {
        let study = &dataset.studies[place.study];
        let series = &study.series[number];
        let start = Instant::now();
        let voxels = dataset.voxels(series)?;
        let due = self.due(place, number);
        let mut found = 0;
        let mut blocks = None;
        if let (Some(draw), [block]) = (self.input.crops, series.record.blocks.as_slice()) {
            if due.is_some() {
                let start = Instant::now();
                found = xxh3_64(&voxels);
                cost.hashing += start.elapsed();
            }
            let source = Source { block, voxels: &voxels };
            let starts = match place.epoch {
                Some(epoch) => {
                    let mut draws = self.draws("crops", series, epoch);
                    drawn(draw, source, dataset.body_level, &mut draws)
                }
                None => spread(draw, source),
            };
            blocks = Some(copy_boxes(draw, source, &starts, target, cost));
        } else {
            cost.read += voxels.len() as u64;
            if due.is_some() {
                let hashing;
                (found, hashing) = copy_hashed(&voxels, target);
                cost.hashing += hashing;
            } else {
                target.copy_from_slice(&voxels);
            }
        }
        if let Some((compared, mark)) = due {
            dataset.compare(series, found)?;
            compared.store(mark, Ordering::Relaxed);
        }
        if let Some(epoch) = place.epoch
            && !self.input.augment.is_none()
        {
            let changed = blocks.get_or_insert_with(|| series.record.blocks.clone());
            let mut draws = self.draws("augment", series, epoch);
            self.change(changed, target, mirrored, &mut draws);
        }
        cost.filling += start.elapsed();
        Ok(blocks)
    }

    /// The record of the study at `place` where its image is mirrored this time. All its series are, or none: one text
    /// speaks of all.
    fn mirror(&self, dataset: &Dataset, place: &Place) -> Option<&Arc<StudyRecord>> {
        let epoch = place.epoch.filter(|_| self.input.augment.flip)?;
        let study = &dataset.studies[place.study];
        let name = format!("flip {}", study.record.study_id);
        let mut blocks =
            study.series[place.series.clone()].iter().flat_map(|series| &series.record.blocks);
        if Draws::new(&name, self.seed, epoch).below(2) == 0 || !blocks.all(runs_sideways) {
            return None;
        }
        let record =
            self.mirrored[place.study].get_or_init(|| mirrored(&study.record).map(Arc::new));
        record.as_ref()
    }

    /// What is drawn of a series in an epoch.
    fn draws(&self, purpose: &str, series: &StoredSeries, epoch: u64) -> Draws {
        Draws::new(&format!("{purpose} {}", series.record.sample_id), self.seed, epoch)
    }

    /// Changes the voxels of blocks that follow each other in `voxels`.
    fn change(&self, blocks: &mut [Block], voxels: &mut [u8], mirrored: bool, draws: &mut Draws) {
        let section = self.input.augment;
        let values_change = !AugmentSection { flip: false, ..section }.is_none();
        let mut rest = voxels;
        for block in blocks {
            let (voxels, after) = rest.split_at_mut(block.bytes());
            if mirrored {
                mirror(voxels, block);
            }
            if values_change {
                change(voxels, block.format, section, draws);
            }
            rest = after;
        }
    }

    /// What marks a tensor whose hash was compared in this epoch; none where it was, or where none ever is.
    fn due(&self, place: &Place, number: usize) -> Option<(&AtomicU32, u32)> {
        let mark = match self.input.verify() {
            Verify::Never => return None,
            Verify::Once => 1,
            Verify::EveryEpoch => place.epoch.unwrap_or(0) as u32 + 1,
        };
        let compared = &self.compared[self.series_before[place.study] as usize + number];
        (compared.load(Ordering::Relaxed) != mark).then_some((compared, mark))
    }
}

/// Copies the boxes of `source` that begin at `starts` into `target`, one after another.
fn copy_boxes(
    draw: CropDraw,
    source: Source<'_>,
    starts: &[[i64; 3]],
    target: &mut [u8],
    cost: &mut FillCost,
) -> Vec<Block> {
    let cropped = cropped(source.block, draw);
    let boxes = starts.iter().zip(target.chunks_exact_mut(cropped.bytes()));
    boxes
        .map(|(&start, target)| {
            let (validity, read) = source.copy(start, draw.shape(), target);
            cost.read += read;
            let position = source.block.position.moved(start);
            Block { position, validity, ..cropped.clone() }
        })
        .collect()
}

/// A drawn box of `block`, but for its place.
fn cropped(block: &Block, draw: CropDraw) -> Block {
    let [depth, height, width] = draw.shape();
    Block { shape: [block.shape[0], depth, height, width], ..block.clone() }
}

#[cfg(test)]
mod tests;
