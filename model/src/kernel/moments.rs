//! Mean and variance of the channels of channels-last volumes.

use super::conv3d::LANES;
use super::lanes::mean_and_squares;

/// Mean and sum of squared deviations of each channel.
#[derive(Debug, Clone)]
pub(super) struct Moments {
    count: f64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    /// Those of one volume `[N, C]`, with a multiple of [`LANES`] channels. Two passes, so that a mean that is large
    /// beside the deviation costs no digits.
    pub(super) fn new(volume: &[f32], channels: usize) -> Self {
        let [mean, squares] = mean_and_squares(volume, channels);
        Self { count: (volume.len() / channels) as f64, mean, squares }
    }

    /// Those of the numbers of a single channel.
    pub(super) fn of_channel(values: &[f32]) -> Self {
        let (registers, rest) = values.as_chunks::<LANES>();
        let lanes = Self::new(registers.as_flattened(), LANES);
        let lane = |(&mean, &squares)| Self {
            count: lanes.count,
            mean: vec![mean],
            squares: vec![squares],
        };
        let lanes = lanes.mean.iter().zip(&lanes.squares).map(lane).filter(|lane| lane.count > 0.0);
        let rest = rest.iter().map(|&value| Self {
            count: 1.0,
            mean: vec![f64::from(value)],
            squares: vec![0.0],
        });
        let nothing = Self { count: 0.0, mean: vec![0.0], squares: vec![0.0] };
        Self::join(lanes.chain(rest)).unwrap_or(nothing)
    }

    /// Those of all volumes together (Chan et al., 1979), in the order given.
    pub(super) fn join(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        parts.into_iter().reduce(|mut all, part| {
            let count = all.count + part.count;
            for channel in 0..all.mean.len() {
                let apart = part.mean[channel] - all.mean[channel];
                all.mean[channel] += apart * part.count / count;
                all.squares[channel] +=
                    part.squares[channel] + apart * apart * all.count * part.count / count;
            }
            all.count = count;
            all
        })
    }

    /// Mean of each channel.
    pub(super) fn mean(&self) -> Vec<f32> {
        self.mean.iter().map(|&mean| mean as f32).collect()
    }

    /// Variance of each channel, over the number of voxels.
    pub(super) fn variance(&self) -> Vec<f32> {
        self.squares.iter().map(|squares| (squares / self.count) as f32).collect()
    }
}

/// What a channel of this variance is multiplied with to have the variance 1.
pub(super) fn inverse(variance: f32, epsilon: f64) -> f32 {
    (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_give_what_the_whole_gives() {
        let volume: Vec<f32> =
            (0..1600).map(|index| 1e4 + ((index * 37) % 101) as f32 / 7.0).collect();
        let whole = Moments::new(&volume, 16);
        let parts = volume.chunks(400).map(|part| Moments::new(part, 16));
        let joined = Moments::join(parts).expect("parts");
        for channel in 0..16 {
            let values: Vec<f32> = volume.iter().skip(channel).step_by(16).copied().collect();
            let exact: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
            let mean = exact.iter().sum::<f64>() / exact.len() as f64;
            let variance =
                exact.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / exact.len() as f64;
            let alone = Moments::of_channel(&values);
            for (moments, channel) in [(&whole, channel), (&joined, channel), (&alone, 0)] {
                assert!((f64::from(moments.mean()[channel]) - mean).abs() < 1e-2);
                assert!((f64::from(moments.variance()[channel]) / variance - 1.0).abs() < 1e-3);
            }
        }
        assert_eq!(Moments::of_channel(&[3.0, 5.0]).variance(), [1.0]);
    }
}
