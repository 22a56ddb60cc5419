//! Measures of a stack: order and steps along the normal, shear, and what lies beside the line.
//!
//! Order and steps come from positions and orientation alone, never from instance numbers, file
//! names, `SliceThickness` or the tilt tag. Steps may differ by 1 % of the median step, the normal by
//! 0.01, as in the volume geometry index of the Imaging Data Commons and in highdicom.

use super::frame::{Basis, Frame, affine_of, is_coarse, subtract, unit_vectors};
use super::geometry::Stack;
use super::steps::{
    SAME_POSITION, STEP_ROUNDING, STEP_TOLERANCE, fit, is_even, median, rounding, steps,
};
use crate::ingest::geometry::MAX_UNTILTED_TANGENT;
use crate::volume::{Affine, cross, dot, norm};

/// Slices may lie off their line by this much, in mm.
const MAX_OFF_AXIS_MM: f64 = 0.1;
/// The tangent that directions of two decimals may give to a stack without tilt.
const COARSE_TANGENT: f64 = 0.015;

impl Stack {
    /// Sorts along the normal and takes the measures, where every frame has a place.
    pub(crate) fn order(&mut self) {
        let Some(first) = self.frames.first() else { return };
        let (orientation, spacing) = (first.plane().orientation, first.plane().pixel_spacing);
        let (Some(orientation), Some(spacing)) = (orientation, spacing) else {
            return;
        };
        let facts = &mut self.facts;
        let vectors = unit_vectors(orientation);
        facts.orthogonal_orientation = vectors.is_some();
        let Some([along_columns, along_rows]) = vectors else { return };
        let possible = spacing.iter().all(|step| *step > 0.0 && step.is_finite());
        if !possible {
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
        let places = self.frames.iter().filter_map(|frame| frame.plane().position);
        // Each coordinate is rounded by itself.
        let sides: f64 = normal.iter().map(|side| side.abs()).sum();
        self.rounding = sides * rounding(&places.flatten().collect::<Vec<_>>());
        self.is_coarse = is_coarse(orientation);
        let basis = Basis { along_columns, along_rows, normal, spacing };
        self.basis = Some(basis);
        self.measure(basis);
    }

    pub(crate) fn measure(&mut self, basis: Basis) {
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
        let consistent_in_plane_row = spread(basis.along_columns) < MAX_OFF_AXIS_MM;
        let consistent_in_plane_col = spread(basis.along_rows) < MAX_OFF_AXIS_MM;
        let shear = self.shear(basis);
        let rounding = self.rounding;
        let is_uniform = steps.iter().all(|other| is_even(*other, step, 0.0));
        self.fitted = None;
        let mut median_step = step;
        if !is_uniform
            && steps.len() + 1 == count
            && steps.iter().all(|other| is_even(*other, step, rounding))
        {
            self.fitted = fit(&self.positions, rounding);
            median_step = self.fitted.map_or(step, |[_, step]| step);
        }
        let is_uniform = is_uniform || self.fitted.is_some();
        let step = median_step;
        let obliquity = self.affine(basis).map_or(0.0, |affine| affine.obliquity());
        let facts = &mut self.facts;
        facts.step_mm = step;
        facts.step_min_mm = steps.iter().copied().fold(f64::INFINITY, f64::min);
        facts.step_max_mm = steps.iter().copied().fold(0.0, f64::max);
        if steps.is_empty() {
            facts.step_min_mm = 0.0;
        }
        facts.duplicate_slices = (count - 1 - steps.len()) as u32;
        facts.uniform_slice_spacing = is_uniform;
        if !facts.uniform_slice_spacing {
            facts.max_gap_mm = facts.step_max_mm - step;
            let whole = |other: &f64| {
                let ratio = (other / step).round().max(1.0);
                (other - ratio * step).abs()
                    <= (STEP_TOLERANCE * ratio * step).max(STEP_ROUNDING).max(2.0 * rounding)
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
    pub(crate) fn direction(&self) -> Option<[f64; 3]> {
        let (first, last) = (self.frames.first()?, self.frames.last()?);
        let length = self.extent();
        if length <= SAME_POSITION {
            return None;
        }
        let way = subtract(last.plane().position?, first.plane().position?);
        Some(way.map(|value| value / length))
    }

    /// Tangent of the angle between normal and stacking direction.
    pub(crate) fn shear(&self, basis: Basis) -> f64 {
        self.direction().map_or(0.0, |direction| norm(subtract(direction, basis.normal)))
    }

    /// The largest tangent between normal and stacking direction that is no tilt: rounded directions and places give one to
    /// a stack that has none.
    pub(crate) fn max_shear(&self) -> f64 {
        let directions = if self.is_coarse { COARSE_TANGENT } else { MAX_UNTILTED_TANGENT };
        directions + 2.0 * self.rounding / self.extent().max(f64::MIN_POSITIVE)
    }

    /// What is uneven about the steps, in words.
    pub(crate) fn uneven(&self) -> String {
        let facts = &self.facts;
        if facts.missing_slices > 0 {
            format!("{} slices are missing", facts.missing_slices)
        } else {
            format!("slice steps run from {:.3} to {:.3} mm", facts.step_min_mm, facts.step_max_mm)
        }
    }

    /// That a frame lies too far beside the line from the first to the last, in words, where one does.
    pub(crate) fn beside_the_line(&self, basis: Basis) -> Option<String> {
        let (frame, distance) = self.off_axis_frame(basis)?;
        Some(format!("{} lies {distance:.2} mm beside the line of the others", frame.name()))
    }

    /// The frame that lies farthest beside the line from the first to the last, where it is too far.
    fn off_axis_frame(&self, basis: Basis) -> Option<(&Frame, f64)> {
        let direction = self.direction().unwrap_or(basis.normal);
        let origin = self.frames.first()?.plane().position?;
        let mut worst: Option<(&Frame, f64)> = None;
        for (frame, position) in self.frames.iter().zip(&self.positions) {
            let along = position - self.positions[0];
            let way = subtract(frame.plane().position?, origin);
            let beside = norm(subtract(way, direction.map(|value| value * along)));
            if beside > MAX_OFF_AXIS_MM.max(3.0 * self.rounding)
                && worst.is_none_or(|(_, other)| beside > other)
            {
                worst = Some((frame, beside));
            }
        }
        worst
    }

    /// Column, row, slice index to world (RAS, mm) where the slices were evenly spaced; with a step
    /// of 1 mm where all lie at one position.
    pub(crate) fn affine(&self, basis: Basis) -> Option<Affine> {
        let count = self.frames.len();
        let extent = self.extent();
        let step = match self.fitted {
            Some([_, step]) => step,
            None if extent > SAME_POSITION => extent / (count.max(2) - 1) as f64,
            None => 1.0,
        };
        let direction = self.direction().unwrap_or(basis.normal);
        let origin = self.frames.first()?.plane().position?;
        Some(affine_of(basis, direction.map(|value| value * step), origin))
    }
}
