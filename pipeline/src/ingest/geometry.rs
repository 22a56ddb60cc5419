//! The geometry of a grid, and what the policy wants done with a sheared one.

use schemas::manifest::{GeometryPolicy, Remedy};
use schemas::reason::{GeometryVerdict, Reason};

use super::error::IngestError;
use super::series::{GeometryFacts, SeriesGeometry, SeriesImage};
use crate::volume::{Affine, cross, dot, norm, repair};

/// Air, in Hounsfield units.
pub(crate) const AIR_HU: f64 = -1000.0;
/// Largest tangent of the angle between normal and third axis that is no tilt.
pub(crate) const MAX_UNTILTED_TANGENT: f64 = 0.01;

/// Measures of a grid, which is even by its making.
pub(crate) fn grid_geometry(affine: &Affine, dims: [usize; 3]) -> SeriesGeometry {
    let normal = cross(affine.column(0), affine.column(1));
    let step = (dot(affine.column(2), normal) / norm(normal)).abs();
    let tilt_degrees = repair::tilt_degrees(affine);
    let square = repair::has_square_planes(affine);
    let tilted = tilt_degrees.to_radians().tan() > MAX_UNTILTED_TANGENT;
    SeriesGeometry {
        verdict: if tilted { GeometryVerdict::Tilted } else { GeometryVerdict::Regular },
        facts: GeometryFacts {
            slices: dims[2],
            step_mm: step,
            step_min_mm: step,
            step_max_mm: step,
            tilt_degrees,
            obliquity_degrees: affine.obliquity(),
            single_orientation: true,
            orthogonal_orientation: square,
            unique_slice_positions: true,
            consistent_in_plane_row: !tilted,
            consistent_in_plane_col: !tilted,
            consistent_pixel_spacing: true,
            consistent_image_dimensions: true,
            uniform_slice_spacing: true,
            ..GeometryFacts::default()
        },
        ..SeriesGeometry::default()
    }
}

/// That slices are sheared, in words.
pub(crate) fn sheared(degrees: f64) -> String {
    format!("slices are sheared by {degrees:.2}° (gantry tilt)")
}

/// What the policy wants done with a sheared affine.
pub(crate) fn remedy_tilt(
    mut image: SeriesImage,
    policy: GeometryPolicy,
) -> Result<SeriesImage, IngestError> {
    let text = sheared(image.facts.geometry.facts.tilt_degrees);
    if image.facts.geometry.verdict != GeometryVerdict::Tilted {
        return Ok(image);
    }
    let square = image.facts.geometry.facts.orthogonal_orientation;
    match policy.tilt {
        Remedy::Repair if square => {
            let (volume, done) = repair::remove_shear(image.volume, AIR_HU as f32);
            image.volume = volume;
            image.facts.geometry.repaired.push(done.clone());
            image.facts.warnings.push(done);
        }
        Remedy::Accept => {
            image.facts.warnings.push(format!("{text}; the affine keeps it"));
        }
        Remedy::Reject | Remedy::Repair => {
            return Err(IngestError::new(Reason::Tilted, text));
        }
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use schemas::manifest::{IntensityPolicy, LimitsSection};

    use super::*;
    use crate::ingest::{Acquisition, ReadOptions, SeriesSource, nifti, read_series};
    use crate::volume::Voxels;

    #[test]
    fn a_sheared_nifti_file_is_refused_mended_or_kept_as_the_policy_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tilted.nii.gz");
        // Half a voxel of shear along y for each slice.
        let affine = Affine::from_columns(
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.5, 2.0]],
            [0.0, 0.0, 0.0],
        );
        let dims = [3, 4, 5];
        // Value is the world's y coordinate in half mm.
        let values: Vec<i16> =
            (0..3 * 4 * 5).map(|index: i16| 2 * (index / 3 % 4) + index / 12).collect();
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        nifti::write(&path, &bytes, 4, [3, 4, 5, 1], affine).expect("is written");
        let read = |tilt| {
            let geometry = GeometryPolicy { tilt, ..GeometryPolicy::default() };
            let options = ReadOptions {
                intensity: IntensityPolicy::Hounsfield,
                geometry,
                ..ReadOptions::with_limits(&LimitsSection::default())
            };
            read_series(&SeriesSource::Nifti(path.clone()), &Acquisition::default(), &options)
        };
        assert_eq!(read(Remedy::Reject).expect_err("is tilted").reason, Reason::Tilted);
        let kept = read(Remedy::Accept).expect("is kept");
        assert_eq!((kept.volume.dims, kept.volume.affine), (dims, affine));
        let mended = read(Remedy::Repair).expect("is mended");
        assert_eq!(mended.volume.dims, [3, 6, 5]);
        assert_eq!(mended.facts.geometry.verdict, GeometryVerdict::Tilted);
        assert_eq!(mended.facts.geometry.repaired.len(), 1);
        assert!(
            (mended.facts.geometry.facts.tilt_degrees - 0.25_f64.atan().to_degrees()).abs() < 1e-6
        );
        let Voxels::I16(found) = &mended.volume.voxels else { panic!("integers stay integers") };
        let mut inside = 0;
        for (index, value) in found.iter().enumerate() {
            let (y, z) = (index / 3 % 6, index / 18);
            let world = mended.volume.affine.apply([0.0, y as f64, z as f64])[1];
            // The source's rows of this slice lie from z / 2 to z / 2 + 3.
            let source = world - z as f64 / 2.0;
            if (0.0..=3.0).contains(&source) {
                assert!((f64::from(*value) - 2.0 * world).abs() <= 0.5, "{value} at {world}");
                inside += 1;
            } else if !(-1.0..=4.0).contains(&source) {
                assert_eq!(*value, -1000);
            }
        }
        // Four rows in even slices, three between them in odd ones.
        assert_eq!(inside, 3 * (4 * 3 + 3 * 2));
    }
}
