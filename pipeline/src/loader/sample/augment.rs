//! Light changes of the voxels of a block, in place and in the type they are stored in.

use half::f16;
use schemas::manifest::VoxelType;
use schemas::manifest::train::AugmentSection;
use schemas::study::{Block, Validity, VoxelFormat};

use crate::draws::Draws;

/// Changes contrast and brightness and adds noise, as `section` says. Values stay within the window.
pub(super) fn change(
    voxels: &mut [u8],
    format: VoxelFormat,
    section: AugmentSection,
    draws: &mut Draws,
) {
    let (scale, offset) = (f64::from(format.scale), f64::from(format.offset));
    let factor = 1.0 + draws.around_zero(section.scale);
    let added = draws.around_zero(section.shift);
    let mut noise = Noise { state: draws.bits(), deviation: (section.noise / scale) as f32 };
    // `stored * scale + offset` lies in 0..1 and becomes `factor` times itself plus `added`.
    let shift = ((offset * factor + added - offset) / scale) as f32;
    let (factor, low, high) =
        (factor as f32, (-offset / scale) as f32, ((1.0 - offset) / scale) as f32);
    let mut changed = |value: f32| (value * factor + shift + noise.next()).clamp(low, high);
    match format.dtype {
        VoxelType::U8 => {
            for voxel in voxels {
                // A cast rounds down, and nothing here is negative.
                *voxel = (changed(f32::from(*voxel)) + 0.5) as u8;
            }
        }
        VoxelType::I16 => {
            for pair in voxels.as_chunks_mut::<2>().0 {
                let value = changed(f32::from(i16::from_le_bytes(*pair)));
                *pair = (value.round() as i16).to_le_bytes();
            }
        }
        VoxelType::F16 => {
            for pair in voxels.as_chunks_mut::<2>().0 {
                *pair = f16::from_f32(changed(f16::from_le_bytes(*pair).to_f32())).to_le_bytes();
            }
        }
    }
}

/// Noise that is near enough to normal: the sum of four uniform numbers (Irwin–Hall), from `SplitMix64`.
struct Noise {
    state: u64,
    deviation: f32,
}

impl Noise {
    fn next(&mut self) -> f32 {
        if self.deviation == 0.0 {
            return 0.0;
        }
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        let sum: u32 = (0..4).map(|part| (bits >> (16 * part)) as u32 & 0xFFFF).sum();
        // A uniform number of width 1 has the variance 1 / 12: four have the deviation 1 / √3.
        let centred = sum as f32 / 65_536.0 - 2.0 + 2.0 / 65_536.0;
        centred * 3.0_f32.sqrt() * self.deviation
    }
}

/// Whether the x axis of a block runs along the patient's left and right.
pub(super) fn runs_sideways(block: &Block) -> bool {
    let [x, y, z] = block.position.steps_mm[0].map(f64::abs);
    x > y && x > z
}

/// Mirrors a block along x and says so in its position.
pub(super) fn mirror(voxels: &mut [u8], block: &mut Block) {
    let width = block.shape[3];
    match block.format.dtype.size() {
        1 => voxels.chunks_mut(width).for_each(<[u8]>::reverse),
        _ => voxels.as_chunks_mut::<2>().0.chunks_mut(width).for_each(<[[u8; 2]]>::reverse),
    }
    block.position = block.position.mirrored(width);
    if let Validity::Within([_, _, xs]) = &mut block.validity {
        *xs = width - xs.end..width - xs.start;
    }
}

#[cfg(test)]
mod tests {
    use schemas::study::BlockPosition;

    use super::*;

    const WINDOW: [f64; 2] = [-1000.0, 1000.0];

    fn format(dtype: VoxelType) -> VoxelFormat {
        let (scale, offset) = dtype.normalisation(WINDOW);
        VoxelFormat { dtype, scale: scale as f32, offset: offset as f32 }
    }

    /// Voxels of `hounsfield` in the stored type, and back.
    fn stored(dtype: VoxelType, hounsfield: f64, count: usize) -> Vec<u8> {
        let normalised = (hounsfield - WINDOW[0]) / (WINDOW[1] - WINDOW[0]);
        match dtype {
            VoxelType::U8 => vec![(normalised * 255.0).round() as u8; count],
            VoxelType::I16 => (hounsfield as i16).to_le_bytes().repeat(count),
            VoxelType::F16 => f16::from_f64(normalised).to_le_bytes().repeat(count),
        }
    }

    fn hounsfields(dtype: VoxelType, bytes: &[u8]) -> Vec<f64> {
        let format = format(dtype);
        let raw: Vec<f64> = match dtype {
            VoxelType::U8 => bytes.iter().map(|&value| f64::from(value)).collect(),
            VoxelType::I16 => {
                bytes.chunks(2).map(|c| f64::from(i16::from_le_bytes([c[0], c[1]]))).collect()
            }
            VoxelType::F16 => {
                bytes.chunks(2).map(|c| f64::from(f16::from_le_bytes([c[0], c[1]]))).collect()
            }
        };
        let window = |value: f64| value * f64::from(format.scale) + f64::from(format.offset);
        raw.into_iter().map(|value| window(value) * 2000.0 + WINDOW[0]).collect()
    }

    #[test]
    fn noise_has_the_deviation_asked_for_and_no_mean_in_every_type() {
        for dtype in [VoxelType::U8, VoxelType::I16, VoxelType::F16] {
            let mut voxels = stored(dtype, 0.0, 40_000);
            let section = AugmentSection { noise: 0.05, ..AugmentSection::default() };
            change(&mut voxels, format(dtype), section, &mut Draws::new("test", 1, 2));
            let values = hounsfields(dtype, &voxels);
            let mean = values.iter().sum::<f64>() / 40_000.0;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 40_000.0;
            // 0.05 of 2000 HU, and a step of `u8` is 8 HU.
            assert!(mean.abs() < 5.0, "{dtype:?} {mean}");
            assert!((variance.sqrt() - 100.0).abs() < 2.0, "{dtype:?} {}", variance.sqrt());
        }
    }

    #[test]
    fn contrast_and_brightness_are_one_line_within_the_window() {
        for dtype in [VoxelType::U8, VoxelType::I16, VoxelType::F16] {
            let levels = [-1000.0, -500.0, 0.0, 500.0, 1000.0];
            let mut voxels: Vec<u8> =
                levels.into_iter().flat_map(|level| stored(dtype, level, 1)).collect();
            let section = AugmentSection { scale: 0.2, shift: 0.1, ..AugmentSection::default() };
            change(&mut voxels, format(dtype), section, &mut Draws::new("test", 3, 4));
            let mut same = Draws::new("test", 3, 4);
            let (factor, added) = (1.0 + same.around_zero(0.2), same.around_zero(0.1));
            for (level, found) in levels.into_iter().zip(hounsfields(dtype, &voxels)) {
                let normalised = (level - WINDOW[0]) / 2000.0;
                let wanted = (normalised * factor + added).clamp(0.0, 1.0) * 2000.0 + WINDOW[0];
                assert!((found - wanted).abs() < 8.0, "{dtype:?} {level}: {found} {wanted}");
            }
        }
    }

    #[test]
    fn a_mirrored_block_lies_where_it_lay() {
        // 2 mm to the left a voxel, from x = 10 on.
        let affine =
            [-2.0, 0.0, 0.0, 10.0, 0.0, 3.0, 0.0, 20.0, 0.0, 0.0, 5.0, 30.0, 0.0, 0.0, 0.0, 1.0];
        let mut block = Block {
            shape: [1, 1, 2, 3],
            format: format(VoxelType::I16),
            position: BlockPosition::new(&affine, [0; 3]),
            validity: Validity::Within([0..1, 0..2, 1..3]),
        };
        let centre = block.position.centre_mm([1, 2, 3]);
        let mut voxels: Vec<u8> = (0..6_i16).flat_map(i16::to_le_bytes).collect();
        assert!(runs_sideways(&block));
        mirror(&mut voxels, &mut block);
        let values: Vec<u8> = voxels.iter().step_by(2).copied().collect();
        assert_eq!(values, [2, 1, 0, 5, 4, 3]);
        let moved = block.position.centre_mm([1, 2, 3]);
        assert!(moved.iter().zip(centre).all(|(a, b)| (a - b).abs() < 1e-12), "{moved:?}");
        assert!((block.position.origin_mm[0] - 6.0).abs() < 1e-12);
        assert_eq!(block.validity, Validity::Within([0..1, 0..2, 0..2]));
    }
}
