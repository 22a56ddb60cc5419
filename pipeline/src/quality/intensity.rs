//! Whether Hounsfield units look like Hounsfield units.

use schemas::rescale::Rescale;

use crate::volume::{Scan, Statistics, Volume, Voxels};

/// Widest range looked at, in Hounsfield units: twice what a scanner gives, so that a double rescale
/// still shows.
const RANGE: std::ops::Range<f32> = -8192.0..16384.0;
const BIN: f32 = 8.0;
/// Voxels looked at: enough for a percentile, few enough to cost nothing beside reading them.
const SAMPLE: usize = 1 << 18;
/// The highest value 12 bits hold with the usual intercept of −1024; scanners clip there.
const CEILING: f32 = 3071.0;

/// What the intensities of a volume look like.
#[derive(Debug, Clone, PartialEq)]
pub struct Intensities {
    /// Lowest, highest and mean value.
    pub statistics: Statistics,
    /// Commonest value below −500 HU, to 8 HU: air, which is −1000 in a sound CT.
    pub air_peak: Option<f64>,
    /// First percentile, to 8 HU.
    pub first_percentile: f64,
    /// Share of voxels at 3071 HU or above, where 12 bits end.
    pub saturated_fraction: f64,
    /// Doubts, in words; empty where there is none.
    pub warnings: Vec<String>,
}

/// Looks at the intensities of a volume whose values are in this unit, `HU` or another.
///
/// After a double rescale air lies near −2000; after a missing one nothing lies below zero.
pub fn assess(volume: &Volume, unit: &str) -> Intensities {
    let mut survey = Survey::new(volume.voxels.len());
    survey.take(&volume.voxels);
    survey.finish(volume.rescale, unit)
}

/// The same for voxels that come in parts.
pub(crate) struct Survey {
    scan: Scan,
    /// Every n-th voxel as stored; n is odd, so that it falls out of step with rows.
    sample: Vec<f32>,
    step: usize,
    /// Voxels of the next part to pass over.
    skip: usize,
}

impl Survey {
    /// For a volume of this many voxels.
    pub(crate) fn new(voxels: usize) -> Self {
        let step = (voxels / SAMPLE).max(1) | 1;
        Self { scan: Scan::new(), sample: Vec::with_capacity(voxels / step + 1), step, skip: 0 }
    }

    pub(crate) fn take(&mut self, voxels: &Voxels) {
        self.scan.take(voxels);
        let before = self.sample.len();
        match voxels {
            Voxels::I16(values) => {
                let part = values.iter().skip(self.skip).step_by(self.step);
                self.sample.extend(part.map(|&value| f32::from(value)));
            }
            Voxels::F32(values) => {
                self.sample.extend(values.iter().skip(self.skip).step_by(self.step));
            }
        }
        let taken = self.sample.len() - before;
        self.skip = (self.skip + taken * self.step).saturating_sub(voxels.len());
    }

    /// Whether every voxel taken was stored as the same value.
    pub(crate) fn is_constant(&self) -> bool {
        self.scan.is_constant()
    }

    pub(crate) fn finish(self, rescale: Rescale, unit: &str) -> Intensities {
        let statistics = self.scan.statistics(rescale);
        let distinct = distinct(&self.sample);
        let mut values = self.sample;
        for value in &mut values {
            *value = *value * rescale.slope + rescale.intercept;
        }
        let bins = ((RANGE.end - RANGE.start) / BIN) as usize;
        let mut histogram = vec![0_u64; bins];
        for value in &values {
            let bin = ((value - RANGE.start) / BIN).clamp(0.0, bins as f32 - 1.0);
            histogram[bin as usize] += 1;
        }
        let edge = |bin: usize| f64::from(RANGE.start + bin as f32 * BIN);
        let air_bins = ((-500.0 - RANGE.start) / BIN) as usize;
        let peak = (0..air_bins).rev().max_by_key(|&bin| histogram[bin]);
        let mut below = 0;
        let first = histogram.iter().position(|count| {
            below += count;
            below * 100 >= values.len() as u64
        });
        let saturated = values.iter().filter(|value| **value >= CEILING).count();
        let mut result = Intensities {
            statistics,
            air_peak: peak.filter(|&bin| histogram[bin] > 0).map(edge),
            first_percentile: first.map_or(statistics.min, edge),
            saturated_fraction: saturated as f64 / values.len().max(1) as f64,
            warnings: Vec::new(),
        };
        result.warnings = doubts(&result, unit, distinct);
        result
    }
}

/// Few values, none of them negative, are those of a mask or of labels: an image has more than this.
const FEW_VALUES: usize = 12;

/// The number of distinct values, counted up to [`FEW_VALUES`].
fn distinct(values: &[f32]) -> usize {
    let mut seen: Vec<u32> = Vec::with_capacity(FEW_VALUES);
    for value in values {
        let bits = value.to_bits();
        if !seen.contains(&bits) {
            seen.push(bits);
            if seen.len() == FEW_VALUES {
                break;
            }
        }
    }
    seen.len()
}

fn doubts(found: &Intensities, unit: &str, distinct: usize) -> Vec<String> {
    let Statistics { min, max, mean } = found.statistics;
    let mut warnings = Vec::new();
    let few = (distinct < FEW_VALUES && min >= 0.0)
        .then(|| format!("only {distinct} different values: a mask or a label map, not an image?"));
    if unit != "HU" {
        let unit = if unit.is_empty() { "is not named" } else { unit };
        warnings.push(format!("unit {unit}: intensities are not Hounsfield units"));
        warnings.extend(few);
        return warnings;
    }
    if found.first_percentile > -500.0 {
        warnings.push(format!(
            "lowest value is {min:.0} HU and 99 % lie above {:.0}: no air, or rescale is missing",
            found.first_percentile
        ));
    }
    let double = found.air_peak.is_some_and(|peak| peak < -1500.0) && max < 2100.0;
    if max < 100.0 || mean < -1100.0 || double {
        warnings.push(format!(
            "values end at {max:.0} HU with mean {mean:.0}: rescale may have been applied twice"
        ));
    }
    if max - min > 8000.0 {
        warnings
            .push(format!("values run from {min:.0} to {max:.0} HU: padding or metal, or no CT"));
    }
    if found.saturated_fraction > 0.001 {
        warnings.push(format!(
            "{:.2} % of voxels are at 3071 HU or above, where 12 bits end",
            100.0 * found.saturated_fraction
        ));
    }
    warnings.extend(few);
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Affine;

    /// Air, lung, tissue and bone of a chest as stored units with intercept −1024.
    fn volume(intercept: f32) -> Volume {
        let mut values = vec![24_i16; 4000];
        values.extend(vec![174; 2000]);
        values.extend(vec![1064; 3900]);
        values.extend(vec![1724; 100]);
        Volume {
            voxels: Voxels::I16(values),
            dims: [100, 100, 1],
            affine: Affine::from_columns(
                [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
                [0.0; 3],
            ),
            rescale: Rescale { slope: 1.0, intercept },
        }
    }

    fn found(intercept: f32) -> Intensities {
        assess(&volume(intercept), "HU")
    }

    #[test]
    fn a_missing_and_a_double_rescale_are_told_apart_from_a_right_one() {
        let right = found(-1024.0);
        assert!(right.warnings.is_empty(), "{:?}", right.warnings);
        assert!((right.air_peak.expect("air") + 1000.0).abs() <= 8.0);
        assert!((right.first_percentile + 1000.0).abs() <= 8.0);
        assert!(found(0.0).warnings[0].contains("missing"));
        assert!(found(-2048.0).warnings[0].contains("twice"));
    }

    #[test]
    fn parts_give_what_the_whole_gives() {
        let whole = volume(-1024.0);
        let Voxels::I16(values) = &whole.voxels else { unreachable!("made of integers") };
        for (thickness, step) in [(1, 1), (7, 3), (999, 5), (10_000, 3)] {
            let mut survey = Survey { step, ..Survey::new(values.len()) };
            for part in values.chunks(thickness) {
                survey.take(&Voxels::I16(part.to_vec()));
            }
            let sampled = survey.sample.clone();
            let expected: Vec<f32> =
                values.iter().step_by(step).map(|&value| f32::from(value)).collect();
            assert_eq!(sampled, expected, "{thickness} {step}");
            assert_eq!(survey.finish(whole.rescale, "HU").statistics, whole.statistics());
        }
    }

    #[test]
    fn clipped_voxels_are_counted() {
        let high = found(-1024.0 + 2400.0);
        assert!((high.saturated_fraction - 0.01).abs() < 1e-9, "the bone");
    }
}
