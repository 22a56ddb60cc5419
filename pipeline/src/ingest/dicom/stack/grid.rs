//! The policy's remedies: from a stack and its faults to the grid it is read onto.

use schemas::manifest::{GeometryPolicy, Remedy};
use schemas::reason::{GeometryVerdict, Reason};

use super::frame::{Basis, Frame, affine_of, subtract};
use super::geometry::Stack;
use super::steps::{SAME_POSITION, is_even, median, steps};
use crate::ingest::IngestError;
use crate::ingest::geometry::sheared;
use crate::volume::{Affine, norm};

/// A grid may have at most this many times the slices that were found.
const MAX_INTERPOLATION_FACTOR: usize = 4;
/// A volume has at least this many slices.
const MIN_SLICES: usize = 3;
/// Frames at one position may lie this far from each other, in mm.
const POSITION_TOLERANCE_MM: f64 = 0.01;

/// The grid that a stack is read onto.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grid {
    /// Frames to read, by position.
    pub(crate) frames: Vec<Frame>,
    /// Where the slices of the grid lie between those frames, in frames: 0.5 is half way between
    /// the first and the second. None where they are the frames.
    pub(crate) targets: Option<Vec<f64>>,
    /// Affine of the grid, sheared where the stack is.
    pub(crate) affine: Affine,
    /// Whether the shear is to be resampled out.
    pub(crate) unshear: bool,
    pub(crate) repaired: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl Stack {
    /// What to read and onto which grid, under `policy`.
    ///
    /// # Errors
    ///
    /// The refusal of the first fault that the policy does not remedy.
    pub(crate) fn grid(&self, policy: GeometryPolicy) -> Result<Grid, IngestError> {
        let Some(basis) = self.basis.filter(|_| self.may_be_remedied()) else {
            return Err(self.own_refusal());
        };
        let mut stack = self.clone();
        let mut done = Done::default();
        self.remedy_duplicates(&mut stack, basis, policy.duplicates, &mut done)?;
        let targets = self.remedy_gaps(&mut stack, basis, policy.gaps, &mut done)?;
        stack.check_line(basis)?;
        let unshear = stack.remedy_shear(basis, policy.tilt, &mut done)?;
        let affine = match (&targets, stack.direction()) {
            (Some(_), Some(direction)) => {
                let origin = stack.frames[0].plane().position.unwrap_or_default();
                affine_of(basis, direction.map(|value| value * stack.facts.step_mm), origin)
            }
            _ => stack.affine(basis).ok_or_else(|| self.own_refusal())?,
        };
        if !affine.is_valid() {
            return Err(IngestError::new(Reason::IrregularGeometry, "the slices span no volume"));
        }
        Ok(Grid {
            frames: stack.frames,
            targets,
            affine,
            unshear,
            repaired: done.repaired,
            warnings: done.warnings,
        })
    }

    /// Whether the verdict is one that a policy may remedy.
    pub(crate) fn may_be_remedied(&self) -> bool {
        matches!(
            self.verdict,
            GeometryVerdict::Regular
                | GeometryVerdict::Tilted
                | GeometryVerdict::MissingSlices
                | GeometryVerdict::Irregular
                | GeometryVerdict::DuplicatePositions
        )
    }

    /// The refusal that the verdict came with.
    fn own_refusal(&self) -> IngestError {
        self.refusal.clone().unwrap_or_else(|| {
            IngestError::new(Reason::IrregularGeometry, "the slices form no grid")
        })
    }

    /// First step: of `stack`, a copy of this one, one frame for each position is kept.
    fn remedy_duplicates(
        &self,
        stack: &mut Self,
        basis: Basis,
        remedy: Remedy,
        done: &mut Done,
    ) -> Result<(), IngestError> {
        if stack.facts.duplicate_slices == 0 {
            return Ok(());
        }
        if remedy == Remedy::Reject {
            return Err(self.own_refusal());
        }
        let dropped = stack.drop_duplicates(basis)?;
        done.note(remedy, format!("{dropped} slices at one position with another were left out"));
        Ok(())
    }

    /// Second step: even steps, by places between the frames of `stack` or by fewer frames. Gives the places.
    fn remedy_gaps(
        &self,
        stack: &mut Self,
        basis: Basis,
        remedy: Remedy,
        done: &mut Done,
    ) -> Result<Option<Vec<f64>>, IngestError> {
        if stack.facts.uniform_slice_spacing {
            return Ok(None);
        }
        let uneven = stack.uneven();
        let count = stack.frames.len();
        match remedy {
            Remedy::Reject if self.facts.duplicate_slices > 0 => {
                let reason = if stack.facts.missing_slices > 0 {
                    Reason::MissingSlices
                } else {
                    Reason::IrregularGeometry
                };
                Err(IngestError::new(reason, uneven).remedied_by("gaps"))
            }
            Remedy::Reject => Err(self.own_refusal()),
            Remedy::Repair => {
                let targets = stack.even_targets()?;
                let (slices, step) = (targets.len(), stack.facts.step_mm);
                done.note(
                    remedy,
                    format!(
                        "{uneven}: interpolated from {count} slices to {slices} at {step:.4} mm"
                    ),
                );
                Ok(Some(targets))
            }
            Remedy::Accept => {
                stack.keep_longest_run(basis);
                let kept = stack.frames.len();
                done.note(
                    remedy,
                    format!("{uneven}: the {kept} evenly spaced of {count} are used"),
                );
                Ok(None)
            }
        }
    }

    /// Third step: what is left must be a volume whose frames lie on one line.
    fn check_line(&self, basis: Basis) -> Result<(), IngestError> {
        let left = self.frames.len();
        if left < MIN_SLICES {
            return Err(IngestError::new(
                Reason::NotAVolume,
                format!("{left} slices are left; they do not make a volume"),
            ));
        }
        self.beside_the_line(basis)
            .map_or(Ok(()), |detail| Err(IngestError::new(Reason::IrregularGeometry, detail)))
    }

    /// Fourth step: whether the shear is to be resampled out.
    fn remedy_shear(
        &self,
        basis: Basis,
        remedy: Remedy,
        done: &mut Done,
    ) -> Result<bool, IngestError> {
        if self.shear(basis) <= self.max_shear() {
            return Ok(false);
        }
        let text = sheared(self.facts.tilt_degrees);
        match remedy {
            Remedy::Reject => Err(IngestError::new(Reason::Tilted, text).remedied_by("tilt")),
            // The repair itself is noted where it is done.
            Remedy::Repair => Ok(true),
            Remedy::Accept => {
                done.note(remedy, format!("{text}; the affine keeps it"));
                Ok(false)
            }
        }
    }

    /// Keeps the first frame at each position; gives the number of the others.
    fn drop_duplicates(&mut self, basis: Basis) -> Result<usize, IngestError> {
        let before = self.frames.len();
        let mut frames: Vec<Frame> = Vec::with_capacity(before);
        let mut positions: Vec<f64> = Vec::with_capacity(before);
        for (frame, position) in std::mem::take(&mut self.frames).into_iter().zip(&self.positions) {
            let here = positions.last().is_some_and(|last| *position - *last <= SAME_POSITION);
            let Some(kept) = frames.last().filter(|_| here) else {
                positions.push(*position);
                frames.push(frame);
                continue;
            };
            let apart = kept.plane().position.zip(frame.plane().position);
            if apart.is_none_or(|(a, b)| norm(subtract(a, b)) > POSITION_TOLERANCE_MM) {
                return Err(IngestError::new(Reason::IrregularGeometry, {
                    let [kept, other] = Frame::names(kept, &frame);
                    format!("{kept} and {other} lie beside each other at one height")
                }));
            }
        }
        (self.frames, self.positions) = (frames, positions);
        self.facts.slices = self.frames.len();
        self.facts.missing_slices = 0;
        self.facts.max_gap_mm = 0.0;
        self.measure(basis);
        Ok(before - self.frames.len())
    }

    /// Where slices of the median step lie between the frames, from the first to the last.
    fn even_targets(&self) -> Result<Vec<f64>, IngestError> {
        let step = self.facts.step_mm;
        let count = (self.extent() / step + 0.01).floor() as usize + 1;
        if count > MAX_INTERPOLATION_FACTOR * self.frames.len() {
            return Err(IngestError::new(
                Reason::IrregularGeometry,
                format!("{}: {count} slices of {step:.3} mm would be needed", self.uneven()),
            ));
        }
        let first = self.positions[0];
        let last = self.positions.len() - 1;
        let mut at = 0;
        Ok((0..count)
            .map(|index| {
                let position = first + index as f64 * step;
                while at + 1 < last && self.positions[at + 1] <= position {
                    at += 1;
                }
                let width = self.positions[at + 1] - self.positions[at];
                at as f64 + ((position - self.positions[at]) / width).clamp(0.0, 1.0)
            })
            .collect())
    }

    /// Keeps the longest run of even steps; of several, the first.
    fn keep_longest_run(&mut self, basis: Basis) {
        let step = median(steps(&self.positions));
        let even: Vec<bool> = self
            .positions
            .windows(2)
            .map(|pair| is_even(pair[1] - pair[0], step, self.rounding))
            .collect();
        let (mut best, mut start) = (0..1, 0);
        for at in 0..=even.len() {
            if at == even.len() || !even[at] {
                if at + 1 - start > best.len() {
                    best = start..at + 1;
                }
                start = at + 1;
            }
        }
        self.frames = self.frames[best.clone()].to_vec();
        self.positions = self.positions[best].to_vec();
        self.facts.slices = self.frames.len();
        self.facts.missing_slices = 0;
        self.facts.max_gap_mm = 0.0;
        self.measure(basis);
    }
}

/// What a grid differs in from its stack.
#[derive(Default)]
struct Done {
    repaired: Vec<String>,
    warnings: Vec<String>,
}

impl Done {
    fn note(&mut self, remedy: Remedy, text: String) {
        if remedy == Remedy::Repair {
            self.repaired.push(text.clone());
        }
        self.warnings.push(text);
    }
}
