//! Slices into a stack: order along the normal, and the verdict.
//!
//! Checks and tolerances follow the volume geometry index of the Imaging Data Commons: slice steps
//! may differ by 1 % of the spacing, the normal by 0.01.

use schemas::reason::Reason;

use super::super::error::IngestError;
use super::header::{SliceHeader, file_name};
use crate::volume::{Affine, cross, dot, norm};

/// Share of the spacing by which slice steps may differ.
const STEP_TOLERANCE: f64 = 0.01;

/// Slices in order with the affine of their grid.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderedSeries {
    /// Slices by increasing position along the normal.
    pub slices: Vec<SliceHeader>,
    /// Column, row, slice index to world (RAS, mm).
    pub affine: Affine,
}

fn subtract(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

/// Puts the slices of one series in order and makes sure that they form one regular grid.
///
/// # Errors
///
/// An [`IngestError`] whose reason is the geometry verdict.
pub fn order_slices(mut slices: Vec<SliceHeader>) -> Result<OrderedSeries, IngestError> {
    let refuse = |reason, detail: String| Err(IngestError::new(reason, detail));
    let Some(first) = slices.first().cloned() else {
        return refuse(Reason::NotAVolume, "the series has no image".into());
    };
    if slices.iter().any(SliceHeader::is_localizer) {
        return refuse(Reason::Localizer, "ImageType says LOCALIZER".into());
    }
    if first.rows == 0 || first.columns == 0 {
        return refuse(Reason::NotAVolume, "Rows and Columns are missing: no image".into());
    }
    if slices.len() == 1 && first.frames > 1 {
        return refuse(
            Reason::VolumeUnsupported,
            "enhanced multi-frame images are not read yet".into(),
        );
    }
    if slices.len() < 3 {
        return refuse(Reason::NotAVolume, format!("{} slices do not make a volume", slices.len()));
    }
    for slice in &slices {
        if (slice.rows, slice.columns) != (first.rows, first.columns) {
            return refuse(
                Reason::IrregularGeometry,
                format!(
                    "slices of {} × {} and {} × {} pixels",
                    first.rows, first.columns, slice.rows, slice.columns
                ),
            );
        }
        if slice.samples != 1 {
            return refuse(Reason::NotAVolume, "pixels are colours, not one number".into());
        }
        if slice.frames != 1 {
            return refuse(Reason::VolumeUnsupported, "multi-frame images are not read yet".into());
        }
    }
    let missing = |tag: &str, slice: &SliceHeader| {
        IngestError::new(
            Reason::IrregularGeometry,
            format!("`{}` has no {tag}", file_name(&slice.path)),
        )
    };
    let [along_columns, along_rows] =
        first.orientation.ok_or_else(|| missing("ImageOrientationPatient", &first))?;
    let spacing = first.pixel_spacing.ok_or_else(|| missing("PixelSpacing", &first))?;
    if (norm(along_columns) - 1.0).abs() > 0.01
        || (norm(along_rows) - 1.0).abs() > 0.01
        || dot(along_columns, along_rows).abs() > 0.01
        || spacing.iter().any(|step| !(*step > 0.0 && step.is_finite()))
    {
        return refuse(
            Reason::IrregularGeometry,
            format!(
                "impossible orientation {along_columns:?} {along_rows:?} or spacing {spacing:?}"
            ),
        );
    }
    let normal = cross(along_columns, along_rows);
    let mut keyed = Vec::with_capacity(slices.len());
    for slice in slices.drain(..) {
        let orientation =
            slice.orientation.ok_or_else(|| missing("ImageOrientationPatient", &slice))?;
        let position = slice.position.ok_or_else(|| missing("ImagePositionPatient", &slice))?;
        let turned = norm(subtract(orientation[0], along_columns))
            .max(norm(subtract(orientation[1], along_rows)));
        if turned > 0.01 {
            return refuse(
                Reason::IrregularGeometry,
                format!("`{}` is turned against the other slices", file_name(&slice.path)),
            );
        }
        if slice.pixel_spacing.is_some_and(|other| {
            (other[0] - spacing[0]).abs().max((other[1] - spacing[1]).abs()) > 1e-3
        }) {
            return refuse(
                Reason::IrregularGeometry,
                format!("`{}` has another PixelSpacing", file_name(&slice.path)),
            );
        }
        keyed.push((dot(position, normal), position, slice));
    }
    // Ties are broken by path so that a duplicate is reported the same way every time.
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.2.path.cmp(&b.2.path)));
    let count = keyed.len();
    let (start, end) = (&keyed[0], &keyed[count - 1]);
    let mut steps: Vec<f64> = keyed.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    if let Some(at) = steps.iter().position(|step| step.abs() < 1e-3) {
        return refuse(
            Reason::DuplicatePositions,
            format!(
                "`{}` and `{}` lie at one position",
                file_name(&keyed[at].2.path),
                file_name(&keyed[at + 1].2.path)
            ),
        );
    }
    let mean_step = (end.0 - start.0) / (count - 1) as f64;
    let uneven = |step: &f64, reference: f64| (step - reference).abs() > STEP_TOLERANCE * reference;
    if steps.iter().any(|step| uneven(step, mean_step)) {
        steps.sort_by(f64::total_cmp);
        let median = steps[steps.len() / 2];
        let whole = |step: &f64| {
            let ratio = step / median;
            (ratio - ratio.round()).abs() <= STEP_TOLERANCE * ratio.max(1.0) && ratio.round() >= 1.0
        };
        let missing_count: f64 = steps.iter().map(|step| (step / median).round() - 1.0).sum();
        let widest = steps[steps.len() - 1];
        return if steps.iter().all(whole) {
            refuse(
                Reason::MissingSlices,
                format!(
                    "{missing_count} slices are missing; the widest gap is {widest:.3} mm at a step of {median:.3} mm"
                ),
            )
        } else {
            refuse(
                Reason::IrregularGeometry,
                format!("slice steps run from {:.3} to {widest:.3} mm", steps[0]),
            )
        };
    }
    let slice_step = subtract(end.1, start.1).map(|value| value / (count - 1) as f64);
    let shear = norm(subtract(slice_step, normal.map(|value| value * mean_step)));
    if shear > 0.01 * mean_step {
        let angle = (shear / mean_step).atan().to_degrees();
        return refuse(Reason::Tilted, format!("slices are sheared by {angle:.2}° (gantry tilt)"));
    }
    // DICOM patient space is LPS; the world here is RAS.
    let to_ras =
        |vector: [f64; 3], step: f64| [-vector[0] * step, -vector[1] * step, vector[2] * step];
    let affine = Affine::from_columns(
        [
            to_ras(along_columns, spacing[1]),
            to_ras(along_rows, spacing[0]),
            to_ras(slice_step, 1.0),
        ],
        to_ras(start.1, 1.0),
    );
    Ok(OrderedSeries { slices: keyed.into_iter().map(|(_, _, slice)| slice).collect(), affine })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Rescale;

    fn slice(index: usize, z: f64) -> SliceHeader {
        SliceHeader {
            path: format!("{index}.dcm").into(),
            patient_id: String::new(),
            study_uid: String::new(),
            series_uid: String::new(),
            description: String::new(),
            modality: "CT".into(),
            image_type: Vec::new(),
            transfer_syntax: String::new(),
            rows: 4,
            columns: 5,
            frames: 1,
            samples: 1,
            position: Some([-10.0, -20.0, z]),
            orientation: Some([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
            pixel_spacing: Some([0.8, 0.7]),
            rescale: Rescale::IDENTITY,
            padding: None,
            instance: None,
        }
    }

    fn stack(positions: &[f64]) -> Vec<SliceHeader> {
        positions.iter().enumerate().map(|(index, &z)| slice(index, z)).collect()
    }

    fn verdict(slices: Vec<SliceHeader>) -> Reason {
        order_slices(slices).expect_err("refused").reason
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these decimals come through without rounding")]
    fn shuffled_slices_come_into_order_with_the_spacing_of_their_positions() {
        let ordered = order_slices(stack(&[4.0, 0.0, 6.0, 2.0])).expect("regular");
        let names: Vec<_> = ordered.slices.iter().map(|slice| file_name(&slice.path)).collect();
        assert_eq!(names, ["1.dcm", "3.dcm", "0.dcm", "2.dcm"]);
        assert_eq!(ordered.affine.spacing(), [0.7, 0.8, 2.0]);
        assert_eq!(ordered.affine.axis_codes(), "LPS");
        assert_eq!(ordered.affine.origin(), [10.0, 20.0, 0.0]);
    }

    #[test]
    fn every_bad_stack_has_its_verdict() {
        assert_eq!(verdict(stack(&[0.0, 2.0, 2.0, 4.0])), Reason::DuplicatePositions);
        assert_eq!(verdict(stack(&[0.0, 2.0, 6.0, 8.0])), Reason::MissingSlices);
        assert_eq!(verdict(stack(&[0.0, 2.0, 4.7, 6.0])), Reason::IrregularGeometry);
        assert_eq!(verdict(stack(&[0.0, 2.0])), Reason::NotAVolume);
        let mut sheared = stack(&[0.0, 2.0, 4.0]);
        for (index, slice) in sheared.iter_mut().enumerate() {
            slice.position = Some([-10.0, -20.0 + index as f64 * 0.5, index as f64 * 2.0]);
        }
        assert_eq!(verdict(sheared), Reason::Tilted);
        let mut scout = stack(&[0.0, 2.0, 4.0]);
        scout[0].image_type = vec!["ORIGINAL".into(), "LOCALIZER".into()];
        assert_eq!(verdict(scout), Reason::Localizer);
    }
}
