//! Whether Hounsfield units look like Hounsfield units.

use crate::ingest::SeriesImage;

/// Doubts about the intensity of a CT, in words; empty where there is none.
///
/// After a double rescale air lies near −2048 and nothing else reaches up; after a missing one
/// nothing lies below zero.
pub fn hounsfield_warnings(image: &SeriesImage) -> Vec<String> {
    let statistics = image.volume.statistics();
    let mut warnings = Vec::new();
    if image.modality == "MR" || image.modality == "PT" {
        warnings
            .push(format!("modality is {}: intensities are not Hounsfield units", image.modality));
        return warnings;
    }
    if statistics.min > -200.0 {
        warnings.push(format!(
            "lowest value is {:.0} HU: no air, or rescale is missing",
            statistics.min
        ));
    }
    if statistics.max < 100.0 || statistics.mean < -1100.0 {
        warnings.push(format!(
            "values end at {:.0} HU with mean {:.0}: rescale may have been applied twice",
            statistics.max, statistics.mean
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Rescale, Volume, Voxels};

    fn image(intercept: f32) -> SeriesImage {
        SeriesImage {
            volume: Volume {
                voxels: Voxels::I16(vec![0, 24, 1024, 1400]),
                dims: [4, 1, 1],
                affine: Affine::from_columns(
                    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
                    [0.0; 3],
                ),
                rescale: Rescale { slope: 1.0, intercept },
            },
            modality: "CT".into(),
            rescale_source: "header",
            nan_fraction: 0.0,
            warnings: Vec::new(),
            geometry: crate::ingest::SeriesGeometry::default(),
        }
    }

    #[test]
    fn a_missing_and_a_double_rescale_are_told_apart_from_a_right_one() {
        assert!(hounsfield_warnings(&image(-1024.0)).is_empty());
        assert!(hounsfield_warnings(&image(0.0))[0].contains("missing"));
        assert!(hounsfield_warnings(&image(-2048.0))[0].contains("twice"));
    }
}
