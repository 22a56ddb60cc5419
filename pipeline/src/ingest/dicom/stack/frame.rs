//! One frame of one file, and where a stack of frames lies.

use std::sync::Arc;

use crate::ingest::dicom::format::{file_name, pair_of_names};
use crate::ingest::dicom::header::{Plane, SliceHeader};
use crate::volume::{Affine, dot, norm};

/// Largest difference of two directions, as a vector, that counts as none.
pub(crate) const DIRECTION: f64 = 0.01;

/// One frame of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its file.
    pub header: Arc<SliceHeader>,
    /// Its number in the file, from 0.
    pub number: usize,
}

impl Frame {
    pub(crate) fn plane(&self) -> &Plane {
        &self.header.planes[self.number]
    }

    /// The frame by name, for messages.
    pub(crate) fn name(&self) -> String {
        let name = file_name(&self.header.path);
        match self.header.frames() {
            1 => format!("`{name}`"),
            _ => format!("`{name}` frame {}", self.number + 1),
        }
    }

    /// Two frames for one message, with the folders that their files do not share.
    pub(crate) fn names(a: &Self, b: &Self) -> [String; 2] {
        let (first, second) = pair_of_names(&a.header.path, &b.header.path);
        let name = |frame: &Self, name: String| match frame.header.frames() {
            1 => format!("`{name}`"),
            _ => format!("`{name}` frame {}", frame.number + 1),
        };
        [name(a, first), name(b, second)]
    }

    /// What decides between frames at one position.
    pub(crate) fn rank(&self) -> (i64, &std::path::Path, usize) {
        (self.header.instance.unwrap_or(i64::MAX), &self.header.path, self.number)
    }
}

/// Where a stack lies: in-plane directions, normal and pixel spacing, LPS, mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Basis {
    pub(crate) along_columns: [f64; 3],
    pub(crate) along_rows: [f64; 3],
    pub(crate) normal: [f64; 3],
    /// Between rows, between columns.
    pub(crate) spacing: [f64; 2],
}

/// DICOM patient space is LPS; the world here is RAS.
pub(crate) fn affine_of(basis: Basis, slice_step: [f64; 3], origin: [f64; 3]) -> Affine {
    let to_ras = |vector: [f64; 3], step: f64| {
        [0.0 - vector[0] * step, 0.0 - vector[1] * step, vector[2] * step]
    };
    Affine::from_columns(
        [
            to_ras(basis.along_columns, basis.spacing[1]),
            to_ras(basis.along_rows, basis.spacing[0]),
            to_ras(slice_step, 1.0),
        ],
        to_ras(origin, 1.0),
    )
}

/// Largest deviation of a direction's length from 1, and of two directions from a right angle, that rounding leaves: one
/// decimal less than the two that some writers give.
const MAX_ROUNDING: f64 = 0.05;
/// Deviations below this are those of numbers written in full: the directions are taken as they stand.
const EXACT: f64 = 1e-4;

/// Orthogonal unit vectors out of ImageOrientationPatient, whose numbers may be rounded; none where it is no orientation.
pub(crate) fn unit_vectors(orientation: [[f64; 3]; 2]) -> Option<[[f64; 3]; 2]> {
    let lengths = orientation.map(norm);
    let deviation = lengths.map(|length| (length - 1.0).abs());
    if deviation.iter().any(|deviation| deviation.is_nan() || *deviation > MAX_ROUNDING) {
        return None;
    }
    let unit = |vector: [f64; 3]| {
        let length = norm(vector);
        vector.map(|value| value / length)
    };
    let [row, column] = orientation.map(unit);
    let cosine = dot(row, column);
    if cosine.abs() > MAX_ROUNDING {
        return None;
    }
    if deviation.iter().all(|deviation| *deviation <= EXACT) && cosine.abs() <= EXACT {
        return Some(orientation);
    }
    // Each gives way by half.
    let away = |vector: [f64; 3], other: [f64; 3]| -> [f64; 3] {
        std::array::from_fn(|axis| vector[axis] - other[axis] * cosine / 2.0)
    };
    let row_unit = unit(away(row, column));
    let column = unit(away(column, row));
    let rest = dot(row_unit, column);
    let column = unit(std::array::from_fn(|axis| column[axis] - row_unit[axis] * rest));
    Some([row_unit, column])
}

/// Whether directions are written with two decimals or fewer, so that a normal made of them is off by up to a hundredth.
pub(crate) fn is_coarse(orientation: [[f64; 3]; 2]) -> bool {
    let whole = |value: &f64, scale: f64| (value * scale - (value * scale).round()).abs() < 1e-9;
    let mut values = orientation.iter().flatten();
    values.clone().any(|value| !whole(value, 1.0)) && values.all(|value| whole(value, 100.0))
}

pub(crate) fn subtract(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

pub(crate) fn same_direction(a: [[f64; 3]; 2], b: [[f64; 3]; 2]) -> bool {
    norm(subtract(a[0], b[0])).max(norm(subtract(a[1], b[1]))) <= DIRECTION
}

pub(crate) fn same_spacing(a: [f64; 2], b: [f64; 2]) -> bool {
    (0..2).all(|axis| (a[axis] - b[axis]).abs() <= 1e-3 * a[axis].abs().max(b[axis].abs()))
}
