//! Hounsfield units to the stored type of a view.

use half::f16;
use schemas::manifest::VoxelType;

/// Windows and type of a view: one channel a window.
pub(super) struct Encoder {
    windows: Vec<[f32; 2]>,
    dtype: VoxelType,
}

impl Encoder {
    pub(super) fn new(windows: &[[f64; 2]], dtype: VoxelType) -> Self {
        Self { windows: windows.iter().map(|pair| pair.map(|edge| edge as f32)).collect(), dtype }
    }

    pub(super) fn dtype(&self) -> VoxelType {
        self.dtype
    }

    pub(super) fn channels(&self) -> usize {
        self.windows.len()
    }

    /// Whether voxels are integers and windows begin and end at one.
    pub(super) fn is_whole(&self) -> bool {
        let whole = |edge: &f32| f32::from(*edge as i16).to_bits() == edge.to_bits();
        self.dtype == VoxelType::I16 && self.windows.iter().flatten().all(whole)
    }

    /// Writes integers with `shift` added as voxels of channel `channel`, of which [`Self::is_whole`]
    /// holds, the last one first where they are `reversed`.
    pub(super) fn copy(
        &self,
        channel: usize,
        values: &[i16],
        shift: i16,
        reversed: bool,
        target: &mut [u8],
    ) {
        let [low, high] = self.windows[channel].map(|edge| edge as i16);
        let voxel = |value: &i16| value.saturating_add(shift).max(low).min(high).to_le_bytes();
        let pairs = target.as_chunks_mut::<2>().0.iter_mut();
        if reversed {
            pairs.zip(values.iter().rev()).for_each(|(pair, value)| *pair = voxel(value));
        } else {
            pairs.zip(values).for_each(|(pair, value)| *pair = voxel(value));
        }
    }

    /// Writes the low end of the window of channel `channel`, which is what padding holds.
    pub(super) fn fill(&self, channel: usize, target: &mut [u8]) {
        let size = self.dtype.size();
        let mut voxel = [0_u8; 2];
        self.encode(channel, &self.windows[channel][..1], &mut voxel[..size]);
        if size == 1 {
            target.fill(voxel[0]);
        } else {
            target.as_chunks_mut::<2>().0.fill(voxel);
        }
    }

    /// Writes `values` as little-endian voxels of channel `channel`.
    pub(super) fn encode(&self, channel: usize, values: &[f32], target: &mut [u8]) {
        let [low, high] = self.windows[channel];
        // Two comparisons vectorise; voxels are never NaN.
        let clip = |value: f32| {
            let value = if value < low { low } else { value };
            if value > high { high } else { value }
        };
        let scale = high - low;
        match self.dtype {
            VoxelType::U8 => {
                for (byte, value) in target.iter_mut().zip(values) {
                    *byte = rounded((clip(*value) - low) / scale * 255.0) as u8;
                }
            }
            VoxelType::I16 => {
                for (pair, value) in target.as_chunks_mut::<2>().0.iter_mut().zip(values) {
                    *pair = (rounded(clip(*value)) as u16).to_le_bytes();
                }
            }
            VoxelType::F16 => {
                for (pair, value) in target.as_chunks_mut::<2>().0.iter_mut().zip(values) {
                    *pair = f16::from_f32((clip(*value) - low) / scale).to_le_bytes();
                }
            }
        }
    }
}

/// The nearest integer, ties to even, as the low bits of a two's complement number: adding 1.5 × 2²³
/// leaves no bits for a fraction. For magnitudes below 2²²; the library's function is a call where
/// the processor has no instruction for it.
fn rounded(value: f32) -> u32 {
    (value + 12_582_912.0).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_rounded_to_the_nearest_even_and_clipped() {
        let encoder = Encoder::new(&[[-32768.0, 32767.0]], VoxelType::I16);
        let values: Vec<f32> = (-70_000..70_000).map(|step| step as f32 / 2.0).collect();
        let mut bytes = vec![0; values.len() * 2];
        encoder.encode(0, &values, &mut bytes);
        for (pair, value) in bytes.as_chunks::<2>().0.iter().zip(&values) {
            let expected = value.clamp(-32768.0, 32767.0).round_ties_even() as i16;
            assert_eq!(i16::from_le_bytes(*pair), expected, "{value}");
        }
    }

    #[test]
    fn integers_copied_are_those_that_went_through_floats() {
        let stored: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        for window in [[-32768.0, 32767.0], [-1000.0, 1000.0], [0.0, 3071.0]] {
            let encoder = Encoder::new(&[window], VoxelType::I16);
            assert!(encoder.is_whole());
            for shift in [0, -1024, 1024, i16::MAX, i16::MIN] {
                let sums: Vec<f32> =
                    stored.iter().map(|&value| f32::from(value) + f32::from(shift)).collect();
                let mut expected = vec![0; 2 * stored.len()];
                encoder.encode(0, &sums, &mut expected);
                let mut copied = vec![0; expected.len()];
                encoder.copy(0, &stored, shift, false, &mut copied);
                assert!(copied == expected, "{window:?} {shift}");
                let backwards: Vec<i16> = stored.iter().rev().copied().collect();
                encoder.copy(0, &backwards, shift, true, &mut copied);
                assert!(copied == expected, "{window:?} {shift}, reversed");
            }
        }
        assert!(!Encoder::new(&[[-0.5, 1.0]], VoxelType::I16).is_whole());
        assert!(!Encoder::new(&[[0.0, 40_000.0]], VoxelType::I16).is_whole());
    }

    #[test]
    fn windows_become_channels_of_the_full_range() {
        let encoder = Encoder::new(&[[-1000.0, 1000.0], [0.0, 100.0]], VoxelType::U8);
        let mut bytes = [0; 3];
        encoder.encode(1, &[-5.0, 50.0, 200.0], &mut bytes);
        assert_eq!(bytes, [0, 128, 255]);
        encoder.encode(0, &[-1000.0, 0.0, 1000.0], &mut bytes);
        assert_eq!(bytes, [0, 128, 255]);
        encoder.fill(1, &mut bytes);
        assert_eq!(bytes, [0; 3]);
        let mut bytes = [0; 4];
        Encoder::new(&[[-1000.0, 1000.0]], VoxelType::I16).fill(0, &mut bytes);
        assert_eq!(i16::from_le_bytes([bytes[2], bytes[3]]), -1000);
    }
}
