//! Boxes drawn out of a stored block: where they begin, and the copy of their rows.

use std::ops::Range;

use half::f16;
use schemas::manifest::train::{CropDraw, CropPlace};
use schemas::manifest::{Crops, VoxelType};
use schemas::study::{Block, Validity, VoxelFormat};

use crate::draws::Draws;
use crate::volume::spread_crops;

/// Draws of a box with too little body before the best of them is taken.
const TRIES: usize = 16;
/// Share of a box that is to be body.
const BODY_SHARE: f64 = 0.25;
/// Places along each axis of a box at which it is looked up.
const PROBES: usize = 8;
/// A mapped file is read in pages of this many bytes.
const PAGE: usize = 4096;

/// A stored block with its voxels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'s> {
    pub(super) block: &'s Block,
    pub(super) voxels: &'s [u8],
}

/// Where the boxes begin, x, y, z; negative where a box is larger than the block. `body` is the stored value above
/// which a voxel is body.
pub(super) fn drawn(
    draw: CropDraw,
    source: Source<'_>,
    body: f64,
    draws: &mut Draws,
) -> Vec<[i64; 3]> {
    let sizes = source.sizes();
    let mut start = || -> [i64; 3] {
        std::array::from_fn(|axis| {
            let free = sizes[axis] as i64 - i64::from(draw.size[axis]);
            if free < 0 { free.div_euclid(2) } else { i64::from(draws.below(free as u32 + 1)) }
        })
    };
    let mut one = || {
        let mut best = start();
        if draw.place == CropPlace::Anywhere {
            return best;
        }
        let mut most = source.body_share(best, draw.size, body);
        for _ in 1..TRIES {
            if most >= BODY_SHARE {
                break;
            }
            let other = start();
            let share = source.body_share(other, draw.size, body);
            if share > most {
                (best, most) = (other, share);
            }
        }
        best
    };
    (0..draw.count).map(|_| one()).collect()
}

/// Where the boxes begin when nothing is drawn, as in evaluation: evenly spread.
pub(super) fn spread(draw: CropDraw, source: Source<'_>) -> Vec<[i64; 3]> {
    spread_crops(Crops { count: draw.count, size: draw.size, seed: 0 }, source.sizes())
}

impl Source<'_> {
    /// Voxels along x, y and z.
    fn sizes(&self) -> [usize; 3] {
        let [_, depth, height, width] = self.block.shape;
        [width, height, depth]
    }

    /// The part of a box whose voxels of the first channel are above `body`, from a few places of it.
    fn body_share(&self, start: [i64; 3], size: [u32; 3], body: f64) -> f64 {
        let sizes = self.sizes();
        // Stored index of each place along an axis; none outside of the block.
        let places: [[Option<usize>; PROBES]; 3] = std::array::from_fn(|axis| {
            std::array::from_fn(|probe| {
                let within = (2 * probe + 1) * size[axis] as usize / (2 * PROBES);
                let index = usize::try_from(start[axis] + within as i64).ok()?;
                (index < sizes[axis]).then_some(index)
            })
        });
        let mut above = 0;
        for z in places[2].into_iter().flatten() {
            for y in places[1].into_iter().flatten() {
                let row = (z * sizes[1] + y) * sizes[0];
                let values = places[0].into_iter().flatten().map(|x| self.value(row + x));
                above += values.filter(|value| *value > body).count();
            }
        }
        above as f64 / PROBES.pow(3) as f64
    }

    fn value(&self, voxel: usize) -> f64 {
        let pair = |at: usize| [self.voxels[at], self.voxels[at + 1]];
        match self.block.format.dtype {
            VoxelType::U8 => f64::from(self.voxels[voxel]),
            VoxelType::I16 => f64::from(i16::from_le_bytes(pair(2 * voxel))),
            VoxelType::F16 => f64::from(f16::from_le_bytes(pair(2 * voxel))),
        }
    }

    /// Copies the box of `size` (depth, height, width) that begins at `start` (x, y, z) into `target`, all channels.
    /// What lies outside of the block becomes the window's low end. Returns which voxels are of the block and the
    /// bytes of the file's pages that were read.
    pub(super) fn copy(
        &self,
        start: [i64; 3],
        size: [usize; 3],
        target: &mut [u8],
    ) -> (Validity, u64) {
        let [channels, depth, height, width] = self.block.shape;
        let [tall, high, wide] = size;
        let (zs, ys, xs) = (
            within(start[2], tall, depth),
            within(start[1], high, height),
            within(start[0], wide, width),
        );
        let validity = if [&zs, &ys, &xs] == [&(0..tall), &(0..high), &(0..wide)] {
            Validity::Whole
        } else {
            fill_low(target, self.block.format);
            Validity::Within([zs.clone(), ys.clone(), xs.clone()])
        };
        if zs.is_empty() || ys.is_empty() || xs.is_empty() {
            return (validity, 0);
        }
        let bytes = self.block.format.dtype.size();
        let stored = |index: usize, axis: usize| (index as i64 + start[axis]) as usize;
        // Rows of the whole width follow each other: those of a slice are one run.
        let (runs, length) = if xs.len() == width && wide == width {
            (ys.start..ys.start + 1, ys.len() * width * bytes)
        } else {
            (ys, xs.len() * bytes)
        };
        let mut pages = Pages::default();
        for channel in 0..channels {
            for z in zs.clone() {
                for y in runs.clone() {
                    let row = (channel * depth + stored(z, 2)) * height + stored(y, 1);
                    let from = (row * width + stored(xs.start, 0)) * bytes;
                    let to = (((channel * tall + z) * high + y) * wide + xs.start) * bytes;
                    target[to..to + length].copy_from_slice(&self.voxels[from..from + length]);
                    pages.read(from..from + length);
                }
            }
        }
        (validity, pages.bytes)
    }
}

/// The indices of a box of `size` voxels whose places from `start` on lie in a block of `length`.
fn within(start: i64, size: usize, length: usize) -> Range<usize> {
    let first = usize::try_from(-start).unwrap_or(0).min(size);
    let end = usize::try_from(length as i64 - start).unwrap_or(0).min(size);
    first..end.max(first)
}

/// Fills `target` with the stored value of the window's low end.
fn fill_low(target: &mut [u8], format: VoxelFormat) {
    let low = -format.offset / format.scale;
    let pair = match format.dtype {
        VoxelType::U8 => return target.fill(low.round() as u8),
        VoxelType::I16 => (low.round() as i16).to_le_bytes(),
        VoxelType::F16 => f16::from_f32(low).to_le_bytes(),
    };
    target.as_chunks_mut::<2>().0.fill(pair);
}

/// Bytes of the pages that ranges in ascending order lie in.
#[derive(Debug, Default)]
struct Pages {
    bytes: u64,
    /// The first page that was not counted.
    next: usize,
}

impl Pages {
    fn read(&mut self, range: Range<usize>) {
        let first = (range.start / PAGE).max(self.next);
        let end = range.end.div_ceil(PAGE).max(first);
        self.bytes += ((end - first) * PAGE) as u64;
        self.next = end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemas::study::BlockPosition;

    use super::*;

    /// A block whose voxels differ, and its bytes.
    fn block(shape: [usize; 4], dtype: VoxelType) -> (Block, Vec<u8>) {
        let format = VoxelFormat { dtype, scale: 0.5, offset: 0.0 };
        let position = BlockPosition::new(&[0.0; 16], [0; 3]);
        let block = Block { shape, format, position, validity: Validity::Whole };
        let voxels = (0..block.bytes()).map(|at| (at * 7 % 251) as u8 + 1).collect();
        (block, voxels)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Voxel by voxel, by the index alone.
        #[test]
        fn a_box_holds_the_voxels_of_its_place_and_the_low_end_outside(
            shape in [1_usize..3, 1..6, 1..6, 1..6],
            size in [1_usize..8, 1..8, 1..8],
            start in [-3_i64..6, -3..6, -3..6],
            wide in any::<bool>(),
        ) {
            let dtype = if wide { VoxelType::I16 } else { VoxelType::U8 };
            let (block, voxels) = block(shape, dtype);
            let source = Source { block: &block, voxels: &voxels };
            let bytes = dtype.size();
            let [channels, depth, height, width] = shape;
            let [tall, high, wide] = size;
            let mut target = vec![99; channels * tall * high * wide * bytes];
            let (validity, read) = source.copy(start, size, &mut target);
            prop_assert_eq!(read % PAGE as u64, 0);
            let inside = |at: usize, axis: usize, length: usize| {
                usize::try_from(at as i64 + start[axis]).ok().filter(|&index| index < length)
            };
            for (at, found) in target.chunks(bytes).enumerate() {
                let (x, y, z) = (at % wide, at / wide % high, at / (wide * high) % tall);
                let channel = at / (wide * high * tall);
                let place = inside(x, 0, width)
                    .zip(inside(y, 1, height))
                    .zip(inside(z, 2, depth))
                    .map(|((x, y), z)| ((channel * depth + z) * height + y) * width + x);
                let expected = place.map_or(vec![0; bytes], |voxel| {
                    voxels[voxel * bytes..(voxel + 1) * bytes].to_vec()
                });
                prop_assert_eq!(found, expected);
                if let Validity::Within([zs, ys, xs]) = &validity {
                    let valid = zs.contains(&z) && ys.contains(&y) && xs.contains(&x);
                    prop_assert_eq!(valid, place.is_some());
                } else {
                    prop_assert!(place.is_some());
                }
            }
        }
    }

    #[test]
    fn pages_are_counted_once() {
        // Rows of 1024 bytes, of which 256 are read: four rows lie in a page.
        let (block, voxels) = block([1, 4, 512, 512], VoxelType::I16);
        let source = Source { block: &block, voxels: &voxels };
        let mut target = vec![0; 2 * 128 * 128 * 2];
        let (_, read) = source.copy([100, 8, 1], [2, 128, 128], &mut target);
        assert_eq!(read, 2 * 32 * 4096);
    }

    #[test]
    fn boxes_of_the_body_hold_body() {
        let (block, mut voxels) = block([1, 8, 64, 64], VoxelType::U8);
        voxels.fill(0);
        // The body is the second half along y.
        voxels.chunks_mut(64 * 64).for_each(|slice| slice[32 * 64..].fill(200));
        let source = Source { block: &block, voxels: &voxels };
        let draw = CropDraw { count: 50, size: [16, 16, 8], place: CropPlace::Body };
        let starts = drawn(draw, source, 100.0, &mut Draws::new("test", 1, 2));
        // Two of eight probes, at 1, 3, … 15 voxels from the start.
        assert!(starts.iter().all(|start| start[1] + 13 >= 32), "{starts:?}");
        let anywhere = CropDraw { place: CropPlace::Anywhere, ..draw };
        let starts = drawn(anywhere, source, 100.0, &mut Draws::new("test", 1, 2));
        assert!(
            starts.iter().any(|start| start[1] + 13 < 32),
            "the draw without it goes elsewhere"
        );
        let ends = starts.iter().map(|start| start[0]).max().expect("fifty");
        assert!(starts.iter().all(|start| (0..=48).contains(&start[0])) && ends > 40);
    }

    #[test]
    fn a_box_larger_than_the_block_is_centred_on_it() {
        let (block, voxels) = block([1, 3, 4, 5], VoxelType::U8);
        let source = Source { block: &block, voxels: &voxels };
        let draw = CropDraw { count: 1, size: [8, 4, 2], place: CropPlace::Anywhere };
        let starts = drawn(draw, source, 0.0, &mut Draws::new("test", 1, 2));
        assert_eq!((starts[0][0], starts[0][1]), (-2, 0));
        assert_eq!(spread(draw, source)[0][..2], [-2, 0]);
    }
}
