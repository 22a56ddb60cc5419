//! Padding of a CT's slices, which is set to air.

use super::header::Transform;
use super::stack::Frame;
use crate::ingest::geometry::AIR_HU;

/// Padding at or above this, in Hounsfield units, is air already, or a mistake of the writer that
/// must not erase tissue.
const PADDING_CEILING_HU: f64 = -1024.0;

/// Sets padding voxels to air before anything is interpolated, so that the rim of the
/// reconstruction circle does not bleed into the body. Gives the number of padding voxels and of
/// those that were changed.
pub(crate) fn replace_padding(values: &mut [i16], frame: &Frame) -> (usize, usize) {
    let plane = frame.plane();
    let Some([low, high]) = plane.padding else { return (0, 0) };
    let signed = frame.header.cell.signed;
    let bounds = if signed { [-32_768, 32_767] } else { [0, 65_535] };
    let [low, high] = [low, high].map(|value| value.clamp(bounds[0], bounds[1]));
    // Only a CT's padding that lies wholly below air is replaced.
    let air = match plane.transform {
        Transform::Linear { slope, intercept } if frame.header.is_hounsfield() => {
            let unit = |value: i32| f64::from(value) * slope + intercept;
            let air = ((AIR_HU - intercept) / slope).round();
            let air = air.clamp(f64::from(bounds[0]), f64::from(bounds[1])) as i32;
            (unit(low).max(unit(high)) < PADDING_CEILING_HU).then_some(air)
        }
        _ => None,
    };
    // An unsigned word is moved by half its range, so that words of either sign compare as one.
    let move_by = if signed { 0 } else { i16::MIN };
    let word = |value: i32| value as i16 ^ move_by;
    let (low, high) = (word(low), word(high));
    let air = air.map(|air| air as i16);
    let mut padded = 0_usize;
    // Runs short enough for a narrow counter, which the compiler can widen into vectors.
    for run in values.chunks_mut(1 << 12) {
        let mut count = 0_u16;
        for value in run.iter() {
            let moved = *value ^ move_by;
            count += u16::from(moved >= low && moved <= high);
        }
        padded += usize::from(count);
        if let (Some(air), true) = (air, count > 0) {
            for value in run {
                let moved = *value ^ move_by;
                *value = if moved >= low && moved <= high { air } else { *value };
            }
        }
    }
    (padded, if air.is_some() { padded } else { 0 })
}
