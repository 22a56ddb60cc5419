//! Loops over the numbers of channels-last volumes, a register's worth of channels at a time.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the wide registers of its caller"
)]

use super::conv3d::LANES;

/// One number for each of a register's channels.
pub(super) type Lanes = [f32; LANES];

/// The registers of one volume `[N, C]` that hold the channels from `LANES * block` on.
fn registers(volume: &[f32], channels: usize, block: usize) -> impl Iterator<Item = &Lanes> {
    let blocks = channels / LANES;
    volume.as_chunks::<LANES>().0.iter().skip(block).step_by(blocks)
}

fn registers_mut(
    volume: &mut [f32],
    channels: usize,
    block: usize,
) -> impl Iterator<Item = &mut Lanes> {
    let blocks = channels / LANES;
    volume.as_chunks_mut::<LANES>().0.iter_mut().skip(block).step_by(blocks)
}

/// The numbers of a block of channels.
fn of_block(values: &[f32], block: usize) -> &Lanes {
    values[block * LANES..].first_chunk().expect("a multiple of a register")
}

/// Sums in double precision of what comes in single precision: exact to single precision at any length.
#[derive(Debug, Clone, Copy)]
struct Sum {
    part: Lanes,
    total: [f64; LANES],
    count: u32,
}

impl Sum {
    const ZERO: Self = Self { part: [0.0; LANES], total: [0.0; LANES], count: 0 };
    /// Numbers that are added in single precision.
    const STRETCH: u32 = 64;

    #[inline(always)]
    fn add(&mut self, values: Lanes) {
        for (part, value) in self.part.iter_mut().zip(values) {
            *part += value;
        }
        self.count += 1;
        if self.count == Self::STRETCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        for (total, part) in self.total.iter_mut().zip(&mut self.part) {
            *total += f64::from(std::mem::take(part));
        }
        self.count = 0;
    }

    fn total(mut self) -> [f64; LANES] {
        self.flush();
        self.total
    }
}

/// Sums over all voxels of each channel, and of the squared deviations from their mean.
pub(super) fn mean_and_squares(volume: &[f32], channels: usize) -> [Vec<f64>; 2] {
    let count = (volume.len() / channels) as f64;
    let (mut means, mut squares) = (Vec::with_capacity(channels), Vec::with_capacity(channels));
    for block in 0..channels / LANES {
        let mut sum = Sum::ZERO;
        registers(volume, channels, block).for_each(|values| sum.add(*values));
        let mean = sum.total().map(|sum| sum / count);
        let centre = mean.map(|mean| mean as f32);
        let mut sum = Sum::ZERO;
        for values in registers(volume, channels, block) {
            let mut square = [0.0; LANES];
            for lane in 0..LANES {
                let apart = values[lane] - centre[lane];
                square[lane] = apart * apart;
            }
            sum.add(square);
        }
        means.extend(mean);
        squares.extend(sum.total());
    }
    [means, squares]
}

/// `relu(values * scale + shift [+ residual])` in place, channel by channel.
pub(super) fn activate(values: &mut [f32], [scale, shift]: [&[f32]; 2], residual: Option<&[f32]>) {
    let channels = scale.len();
    for block in 0..channels / LANES {
        let (scale, shift) = (of_block(scale, block), of_block(shift, block));
        let write = |values: &mut Lanes, residual: &Lanes| {
            for lane in 0..LANES {
                let line = values[lane] * scale[lane] + shift[lane];
                values[lane] = (line + residual[lane]).max(0.0);
            }
        };
        let all = registers_mut(values, channels, block);
        match residual {
            Some(residual) => {
                let residual = registers(residual, channels, block);
                all.zip(residual).for_each(|(values, residual)| write(values, residual));
            }
            None => all.for_each(|values| write(values, &[0.0; LANES])),
        }
    }
}

/// What the backward pass of a normed and rectified volume reads of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rectified<'a> {
    /// Gradient of the output.
    pub gradient: &'a [f32],
    /// Output, which is 0 where the rectifier cut.
    pub output: &'a [f32],
    /// What was normed.
    pub input: &'a [f32],
    /// Mean that was taken off each channel.
    pub mean: &'a [f32],
    /// What each channel was multiplied with, before the learned scale.
    pub inverse: &'a [f32],
}

impl Rectified<'_> {
    /// Calls back with the gradient before the rectifier and the normed value of each voxel of a block of channels.
    #[inline(always)]
    fn each(&self, block: usize, mut call: impl FnMut(Lanes, Lanes)) {
        let channels = self.mean.len();
        let (mean, inverse) = (of_block(self.mean, block), of_block(self.inverse, block));
        let all = registers(self.gradient, channels, block)
            .zip(registers(self.output, channels, block))
            .zip(registers(self.input, channels, block));
        for ((gradient, output), input) in all {
            let (mut before, mut normed) = ([0.0; LANES], [0.0; LANES]);
            for lane in 0..LANES {
                before[lane] = if output[lane] > 0.0 { gradient[lane] } else { 0.0 };
                normed[lane] = (input[lane] - mean[lane]) * inverse[lane];
            }
            call(before, normed);
        }
    }

    /// Sums over the voxels of the gradient before the rectifier, and of that times the normed value.
    pub(super) fn sums(&self) -> [Vec<f64>; 2] {
        let mut sums = [Vec::new(), Vec::new()];
        for block in 0..self.mean.len() / LANES {
            let (mut plain, mut sloped) = (Sum::ZERO, Sum::ZERO);
            self.each(block, |before, normed| {
                let mut product = [0.0; LANES];
                for lane in 0..LANES {
                    product[lane] = before[lane] * normed[lane];
                }
                plain.add(before);
                sloped.add(product);
            });
            sums[0].extend(plain.total());
            sums[1].extend(sloped.total());
        }
        sums
    }

    /// Writes `scale * (before - mean - normed * slope)`, the gradient of what was normed, with `mean` and `slope` over
    /// all volumes of the batch.
    pub(super) fn write(&self, target: &mut [f32], [scale, mean, slope]: [&[f32]; 3]) {
        let channels = scale.len();
        for block in 0..channels / LANES {
            let (scale, mean, slope) =
                (of_block(scale, block), of_block(mean, block), of_block(slope, block));
            let mut targets = registers_mut(target, channels, block);
            self.each(block, |before, normed| {
                let Some(target) = targets.next() else { return };
                for lane in 0..LANES {
                    target[lane] =
                        scale[lane] * (before[lane] - mean[lane] - normed[lane] * slope[lane]);
                }
            });
        }
    }

    /// Adds the gradient before the rectifier, which is that of a residual.
    pub(super) fn add_residual(&self, target: &mut [f32]) {
        for ((target, gradient), output) in target.iter_mut().zip(self.gradient).zip(self.output) {
            *target += if *output > 0.0 { *gradient } else { 0.0 };
        }
    }
}
