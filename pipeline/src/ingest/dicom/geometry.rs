//! Frames into a stack: order along the normal, measures, and the verdict.
//!
//! Order and steps come from positions and orientation alone, never from instance numbers, file
//! names, `SliceThickness` or the tilt tag. Steps may differ by 1 % of the median step, the normal by
//! 0.01, as in the volume geometry index of the Imaging Data Commons and in highdicom.

use std::sync::Arc;

use schemas::reason::{GeometryVerdict, Reason};

use super::super::error::IngestError;
use super::super::geometry::GeometryFacts;
use super::codec::check;
use super::header::{SliceHeader, file_name};
use super::plane::Plane;
use crate::volume::{Affine, cross, dot, norm};

/// Share of the median step by which steps may differ.
const STEP_TOLERANCE: f64 = 0.01;
/// Steps may always differ by this much, in mm: positions are written with few decimals.
const STEP_ROUNDING: f64 = 0.01;
/// Slices nearer to each other than this along the normal, in mm, lie at one position.
const SAME_POSITION: f64 = 1e-3;
/// Slices may wander off their line by this much, in mm.
const WANDER: f64 = 0.1;
/// Largest tangent of the angle between normal and stacking direction that is no tilt.
const UNTILTED: f64 = 0.01;
/// Largest difference of two directions, as a vector, that counts as none.
const DIRECTION: f64 = 0.01;

/// One frame of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its file.
    pub header: Arc<SliceHeader>,
    /// Its number in the file, from 0.
    pub number: usize,
}

impl Frame {
    pub(super) fn plane(&self) -> &Plane {
        &self.header.planes[self.number]
    }

    /// The frame by name, for messages.
    pub(super) fn name(&self) -> String {
        let name = file_name(&self.header.path);
        match self.header.frames() {
            1 => format!("`{name}`"),
            _ => format!("`{name}` frame {}", self.number + 1),
        }
    }

    /// What decides between frames at one position.
    fn rank(&self) -> (i64, &std::path::Path, usize) {
        (self.header.instance.unwrap_or(i64::MAX), &self.header.path, self.number)
    }
}

/// Where a stack lies: in-plane directions, normal and pixel spacing, LPS, mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Basis {
    pub(super) along_columns: [f64; 3],
    pub(super) along_rows: [f64; 3],
    pub(super) normal: [f64; 3],
    /// Between rows, between columns.
    spacing: [f64; 2],
}

/// Frames that belong together, in order, with the verdict on them.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// By position along the normal; by instance number and path where there is none.
    pub frames: Vec<Frame>,
    /// The verdict.
    pub verdict: GeometryVerdict,
    /// The reason code and words of a verdict other than regular.
    pub refusal: Option<IngestError>,
    /// Measures; those that cannot be taken are 0.
    pub facts: GeometryFacts,
    pub(super) basis: Option<Basis>,
    /// Position along the normal of each frame, in mm.
    pub(super) positions: Vec<f64>,
}

pub(super) fn subtract(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

pub(super) fn same_direction(a: [[f64; 3]; 2], b: [[f64; 3]; 2]) -> bool {
    norm(subtract(a[0], b[0])).max(norm(subtract(a[1], b[1]))) <= DIRECTION
}

pub(super) fn same_spacing(a: [f64; 2], b: [f64; 2]) -> bool {
    (0..2).all(|axis| (a[axis] - b[axis]).abs() <= 1e-3 * a[axis].abs().max(b[axis].abs()))
}

/// Whether a step counts as the median step.
pub(super) fn is_even(step: f64, median: f64) -> bool {
    (step - median).abs() <= (STEP_TOLERANCE * median).max(STEP_ROUNDING)
}

fn median(mut steps: Vec<f64>) -> f64 {
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 2).copied().unwrap_or(0.0)
}

/// Steps between neighbouring positions that are not one position.
pub(super) fn steps(positions: &[f64]) -> Vec<f64> {
    positions
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .filter(|step| *step > SAME_POSITION)
        .collect()
}

impl Stack {
    /// Orders `frames`, which are of one size, orientation and pixel spacing, and judges them.
    pub(super) fn new(mut frames: Vec<Frame>) -> Self {
        frames.sort_by(|a, b| a.rank().cmp(&b.rank()));
        let mut stack = Self {
            frames,
            verdict: GeometryVerdict::Regular,
            refusal: None,
            facts: GeometryFacts::default(),
            basis: None,
            positions: Vec::new(),
        };
        stack.facts.slices = stack.frames.len();
        if let Err((verdict, refusal)) = stack.judge() {
            stack.verdict = verdict;
            stack.refusal = Some(refusal);
        }
        stack
    }

    /// The modality of its first frame.
    pub fn modality(&self) -> &str {
        self.frames.first().map_or("", |frame| &frame.header.modality)
    }

    /// Whether its frames are pixels that make at least a thin volume.
    pub fn is_candidate(&self) -> bool {
        !matches!(
            self.verdict,
            GeometryVerdict::NotAVolume | GeometryVerdict::Localizer | GeometryVerdict::MultiStack
        )
    }

    /// Whether its slices are cut across the body's long axis.
    pub fn is_axial(&self) -> bool {
        self.basis.is_some_and(|basis| basis.normal[2].abs() > 0.8)
    }

    /// Length along the normal that its slices cover, in mm.
    pub fn extent(&self) -> f64 {
        match (self.positions.first(), self.positions.last()) {
            (Some(first), Some(last)) => last - first,
            _ => 0.0,
        }
    }

    fn judge(&mut self) -> Result<(), (GeometryVerdict, IngestError)> {
        let refuse = |verdict: GeometryVerdict, detail: String| {
            let reason = verdict.reason().unwrap_or(Reason::IrregularGeometry);
            Err((verdict, IngestError::new(reason, detail)))
        };
        if self.frames.iter().any(|frame| frame.header.is_localizer()) {
            return refuse(GeometryVerdict::Localizer, "ImageType says LOCALIZER".into());
        }
        let mut unreadable = None;
        let mut last: Option<&Arc<SliceHeader>> = None;
        for frame in &self.frames {
            if last.is_some_and(|last| Arc::ptr_eq(last, &frame.header)) {
                continue;
            }
            last = Some(&frame.header);
            if let Err(error) = check(&frame.header) {
                unreadable = Some(error);
                break;
            }
        }
        if let Some(error) = &unreadable
            && error.reason == Reason::NotAVolume
        {
            return Err((GeometryVerdict::NotAVolume, error.clone()));
        }
        self.order();
        if let Some(error) = unreadable {
            return Err((GeometryVerdict::Unsupported, error));
        }
        if self.frames.len() < 3 {
            return refuse(
                GeometryVerdict::NotAVolume,
                format!("{} slices do not make a volume", self.frames.len()),
            );
        }
        let Some(basis) = self.basis else {
            return refuse(GeometryVerdict::Irregular, self.why_no_basis());
        };
        if self.facts.duplicate_slices > 0 {
            let at = self.positions.windows(2).position(|pair| pair[1] - pair[0] <= SAME_POSITION);
            let at = at.unwrap_or(0);
            return refuse(
                GeometryVerdict::DuplicatePositions,
                format!(
                    "{} and {} lie at one position",
                    self.frames[at].name(),
                    self.frames[at + 1].name()
                ),
            );
        }
        if !self.facts.uniform_slice_spacing {
            let median = self.facts.step_mm;
            return if self.facts.missing_slices > 0 {
                refuse(
                    GeometryVerdict::MissingSlices,
                    format!(
                        "{} slices are missing; the widest gap is {:.3} mm at a step of {median:.3} mm",
                        self.facts.missing_slices, self.facts.step_max_mm
                    ),
                )
            } else {
                refuse(
                    GeometryVerdict::Irregular,
                    format!(
                        "slice steps run from {:.3} to {:.3} mm",
                        self.facts.step_min_mm, self.facts.step_max_mm
                    ),
                )
            };
        }
        if let Some((frame, distance)) = self.wanderer(basis) {
            return refuse(
                GeometryVerdict::Irregular,
                format!("{} lies {distance:.2} mm beside the line of the others", frame.name()),
            );
        }
        if self.shear(basis) > UNTILTED {
            return refuse(
                GeometryVerdict::Tilted,
                format!("slices are sheared by {:.2}° (gantry tilt)", self.facts.tilt_degrees),
            );
        }
        Ok(())
    }

    fn why_no_basis(&self) -> String {
        for frame in &self.frames {
            let plane = frame.plane();
            let missing = if plane.position.is_none() {
                "ImagePositionPatient"
            } else if plane.orientation.is_none() {
                "ImageOrientationPatient"
            } else if plane.pixel_spacing.is_none() {
                "PixelSpacing"
            } else {
                continue;
            };
            return format!("{} has no {missing}", frame.name());
        }
        "orientation or pixel spacing is impossible".into()
    }

    /// Sorts along the normal and takes the measures, where every frame has a place.
    fn order(&mut self) {
        let Some(first) = self.frames.first() else { return };
        let (orientation, spacing) = (first.plane().orientation, first.plane().pixel_spacing);
        let (Some([along_columns, along_rows]), Some(spacing)) = (orientation, spacing) else {
            return;
        };
        let facts = &mut self.facts;
        facts.orthogonal_orientation = (norm(along_columns) - 1.0).abs() <= DIRECTION
            && (norm(along_rows) - 1.0).abs() <= DIRECTION
            && dot(along_columns, along_rows).abs() <= DIRECTION;
        let possible = spacing.iter().all(|step| *step > 0.0 && step.is_finite());
        if !facts.orthogonal_orientation || !possible {
            return;
        }
        let normal = cross(along_columns, along_rows);
        let placed: Option<Vec<(f64, Frame)>> = self
            .frames
            .iter()
            .map(|frame| {
                let plane = frame.plane();
                plane.orientation.zip(plane.pixel_spacing)?;
                Some((dot(plane.position?, normal), frame.clone()))
            })
            .collect();
        let Some(mut placed) = placed else { return };
        placed.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.rank().cmp(&b.1.rank())));
        (self.positions, self.frames) = placed.into_iter().unzip();
        // Frames at one position may differ by a rounding: their order is that of their rank.
        let mut start = 0;
        for at in 1..=self.positions.len() {
            if at == self.positions.len()
                || self.positions[at] - self.positions[start] > SAME_POSITION
            {
                self.frames[start..at].sort_by(|a, b| a.rank().cmp(&b.rank()));
                start = at;
            }
        }
        let basis = Basis { along_columns, along_rows, normal, spacing };
        self.basis = Some(basis);
        self.measure(basis);
    }

    fn measure(&mut self, basis: Basis) {
        let steps = steps(&self.positions);
        let step = median(steps.clone());
        let count = self.frames.len();
        let [rows, columns] = [self.frames[0].header.rows, self.frames[0].header.columns];
        let same = |test: &dyn Fn(&Frame) -> bool| self.frames.iter().all(test);
        let first = self.frames[0].plane().clone();
        let single_orientation = same(&|frame| frame.plane().orientation == first.orientation);
        let consistent_pixel_spacing =
            same(&|frame| frame.plane().pixel_spacing == first.pixel_spacing);
        let consistent_image_dimensions =
            same(&|frame| frame.header.rows == rows && frame.header.columns == columns);
        let spread = |direction: [f64; 3]| {
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for frame in &self.frames {
                let at = frame.plane().position.map_or(0.0, |position| dot(position, direction));
                low = low.min(at);
                high = high.max(at);
            }
            high - low
        };
        let consistent_in_plane_row = spread(basis.along_columns) < WANDER;
        let consistent_in_plane_col = spread(basis.along_rows) < WANDER;
        let shear = self.shear(basis);
        let obliquity = self.affine(basis).map_or(0.0, |affine| affine.obliquity());
        let facts = &mut self.facts;
        facts.step_mm = step;
        facts.step_min_mm = steps.iter().copied().fold(f64::INFINITY, f64::min);
        facts.step_max_mm = steps.iter().copied().fold(0.0, f64::max);
        if steps.is_empty() {
            facts.step_min_mm = 0.0;
        }
        facts.duplicate_slices = (count - 1 - steps.len()) as u32;
        facts.uniform_slice_spacing = steps.iter().all(|other| is_even(*other, step));
        if !facts.uniform_slice_spacing {
            facts.max_gap_mm = facts.step_max_mm - step;
            let whole = |other: &f64| {
                let ratio = (other / step).round().max(1.0);
                (other - ratio * step).abs() <= (STEP_TOLERANCE * ratio * step).max(STEP_ROUNDING)
            };
            if steps.iter().all(whole) {
                facts.missing_slices =
                    steps.iter().map(|other| (other / step).round() as u32 - 1).sum();
            }
        }
        facts.tilt_degrees = shear.atan().to_degrees();
        facts.obliquity_degrees = obliquity;
        facts.single_orientation = single_orientation;
        facts.unique_slice_positions = facts.duplicate_slices == 0;
        facts.consistent_in_plane_row = consistent_in_plane_row;
        facts.consistent_in_plane_col = consistent_in_plane_col;
        facts.consistent_pixel_spacing = consistent_pixel_spacing;
        facts.consistent_image_dimensions = consistent_image_dimensions;
    }

    /// From the first slice to the last, per mm along the normal: the normal, plus the shear.
    fn direction(&self) -> Option<[f64; 3]> {
        let (first, last) = (self.frames.first()?, self.frames.last()?);
        let length = self.extent();
        if length <= SAME_POSITION {
            return None;
        }
        let way = subtract(last.plane().position?, first.plane().position?);
        Some(way.map(|value| value / length))
    }

    /// Tangent of the angle between normal and stacking direction.
    fn shear(&self, basis: Basis) -> f64 {
        self.direction().map_or(0.0, |direction| norm(subtract(direction, basis.normal)))
    }

    /// The frame that lies farthest beside the line from the first to the last, where it is too far.
    fn wanderer(&self, basis: Basis) -> Option<(&Frame, f64)> {
        let direction = self.direction().unwrap_or(basis.normal);
        let origin = self.frames.first()?.plane().position?;
        let mut worst: Option<(&Frame, f64)> = None;
        for (frame, position) in self.frames.iter().zip(&self.positions) {
            let along = position - self.positions[0];
            let way = subtract(frame.plane().position?, origin);
            let beside = norm(subtract(way, direction.map(|value| value * along)));
            if beside > WANDER && worst.is_none_or(|(_, other)| beside > other) {
                worst = Some((frame, beside));
            }
        }
        worst
    }

    /// Column, row, slice index to world (RAS, mm) where the slices were evenly spaced; with a step
    /// of 1 mm where all lie at one position.
    fn affine(&self, basis: Basis) -> Option<Affine> {
        let count = self.frames.len();
        let extent = self.extent();
        let step = if extent > SAME_POSITION { extent / (count.max(2) - 1) as f64 } else { 1.0 };
        let direction = self.direction().unwrap_or(basis.normal);
        let origin = self.frames.first()?.plane().position?;
        Some(affine_of(basis, direction.map(|value| value * step), origin))
    }
}

/// DICOM patient space is LPS; the world here is RAS.
fn affine_of(basis: Basis, slice_step: [f64; 3], origin: [f64; 3]) -> Affine {
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

/// The grid that a stack is read onto.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grid {
    /// Frames to read, by position.
    pub(super) frames: Vec<Frame>,
    /// Where the slices of the grid lie between those frames, in frames: 0.5 is half way between
    /// the first and the second. None where they are the frames.
    pub(super) targets: Option<Vec<f64>>,
    /// Affine of the grid, sheared where the stack is.
    pub(super) affine: Affine,
    /// Whether the shear is to be resampled out.
    pub(super) unshear: bool,
    pub(super) repaired: Vec<String>,
    pub(super) warnings: Vec<String>,
}

mod grid;

#[cfg(test)]
mod tests;
