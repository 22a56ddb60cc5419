//! What a scanner and its reconstruction make of a patient: blur, noise, whole Hounsfield units.

use super::grid::Grid;
use crate::draws::Draws;

/// A reconstruction of a scan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reconstruction {
    /// Name of the kernel in the metadata.
    pub(super) kernel: &'static str,
    /// Share of a voxel that each neighbour along an axis gets.
    blur: f32,
    /// Standard deviation of the noise in HU.
    noise: f32,
}

impl Reconstruction {
    /// A soft kernel, or the sharp one that shows edges and noise.
    pub(super) fn draw(sharp: bool, draws: &mut Draws) -> Self {
        if sharp {
            Self {
                kernel: "B60f",
                blur: draws.between(0.02, 0.06),
                noise: draws.between(24.0, 40.0),
            }
        } else {
            Self {
                kernel: "B30f",
                blur: draws.between(0.10, 0.18),
                noise: draws.between(8.0, 20.0),
            }
        }
    }

    /// The voxels as they are stored.
    pub(super) fn apply(&self, grid: &Grid, draws: &mut Draws) -> Vec<i16> {
        let mut values = grid.hounsfield.clone();
        let [width, height, _] = grid.size;
        for (axis, stride) in [1, width, width * height].into_iter().enumerate() {
            blur(&mut values, stride, grid.size[axis], self.blur);
        }
        // A sum of four uniform numbers has the standard deviation 1/sqrt(3) of their range.
        let scale = self.noise * 3.0_f32.sqrt() / f32::from(u16::MAX);
        values
            .into_iter()
            .map(|value| {
                let bits = draws.bits();
                let sum: i32 =
                    (0..4).map(|part| (bits >> (16 * part) & 0xFFFF) as i32).sum::<i32>();
                let noise = (sum - 2 * i32::from(u16::MAX)) as f32 * scale;
                (value + noise).round().clamp(-1024.0, 3071.0) as i16
            })
            .collect()
    }
}

/// Smooths along one axis of `count` values that lie `stride` apart; the ends keep their neighbours' share.
fn blur(values: &mut [f32], stride: usize, count: usize, share: f32) {
    let block = stride * count;
    for start in (0..values.len()).step_by(block) {
        for offset in start..start + stride {
            let mut before = values[offset];
            for step in 0..count {
                let at = offset + step * stride;
                let here = values[at];
                let after = if step + 1 < count { values[at + stride] } else { here };
                values[at] = here + share * (before + after - 2.0 * here);
                before = here;
            }
        }
    }
}
