//! The policy's remedies: from a stack and its faults to the grid it is read onto.

use schemas::manifest::{GeometryPolicy, Remedy};
use schemas::reason::{GeometryVerdict, Reason};

use super::frame::{Basis, Frame, affine_of, subtract};
use super::geometry::Stack;
use super::steps::{SAME_POSITION, is_even, median, steps};
use crate::ingest::IngestError;
use crate::ingest::air::MAX_UNTILTED_TANGENT;
use crate::volume::{Affine, norm};

/// A grid may have at most this many times the slices that were found.
const MAX_INTERPOLATION_FACTOR: usize = 4;
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
        let refuse = |reason, detail: String| Err(IngestError::new(reason, detail));
        let refusal = || {
            self.refusal.clone().unwrap_or_else(|| {
                IngestError::new(Reason::IrregularGeometry, "the slices form no grid")
            })
        };
        let Some(basis) = self.basis else { return Err(refusal()) };
        if !matches!(
            self.verdict,
            GeometryVerdict::Regular
                | GeometryVerdict::Tilted
                | GeometryVerdict::MissingSlices
                | GeometryVerdict::Irregular
                | GeometryVerdict::DuplicatePositions
        ) {
            return Err(refusal());
        }
        let mut stack = self.clone();
        let mut done = Done::default();
        if stack.facts.duplicate_slices > 0 {
            if policy.duplicates == Remedy::Reject {
                return Err(refusal());
            }
            let dropped = stack.drop_duplicates(basis)?;
            done.note(
                policy.duplicates,
                format!("{dropped} slices at one position with another were left out"),
            );
        }
        let mut targets = None;
        if !stack.facts.uniform_slice_spacing {
            let reason = if stack.facts.missing_slices > 0 {
                Reason::MissingSlices
            } else {
                Reason::IrregularGeometry
            };
            match policy.gaps {
                Remedy::Reject if self.facts.duplicate_slices > 0 => {
                    return refuse(reason, stack.uneven());
                }
                Remedy::Reject => return Err(refusal()),
                Remedy::Repair => {
                    let found = stack.even_targets()?;
                    done.note(
                        Remedy::Repair,
                        format!(
                            "{}: interpolated from {} slices to {} at {:.4} mm",
                            stack.uneven(),
                            stack.frames.len(),
                            found.len(),
                            stack.facts.step_mm
                        ),
                    );
                    targets = Some(found);
                }
                Remedy::Accept => {
                    let uneven = stack.uneven();
                    let count = stack.frames.len();
                    stack.keep_longest_run(basis);
                    done.note(
                        Remedy::Accept,
                        format!(
                            "{uneven}: the {} evenly spaced of {count} are used",
                            stack.frames.len()
                        ),
                    );
                }
            }
        }
        if stack.frames.len() < 3 {
            return refuse(
                Reason::NotAVolume,
                format!("{} slices are left; they do not make a volume", stack.frames.len()),
            );
        }
        if let Some((frame, distance)) = stack.off_axis_frame(basis) {
            return refuse(
                Reason::IrregularGeometry,
                format!("{} lies {distance:.2} mm beside the line of the others", frame.name()),
            );
        }
        let tilted = stack.shear(basis) > MAX_UNTILTED_TANGENT;
        if tilted {
            let text =
                format!("slices are sheared by {:.2}° (gantry tilt)", stack.facts.tilt_degrees);
            match policy.tilt {
                Remedy::Reject => return refuse(Reason::Tilted, text),
                // The repair itself is noted where it is done.
                Remedy::Repair => {}
                Remedy::Accept => done.note(Remedy::Accept, format!("{text}; the affine keeps it")),
            }
        }
        let affine = match (&targets, stack.direction()) {
            (Some(_), Some(direction)) => {
                let origin = stack.frames[0].plane().position.unwrap_or_default();
                affine_of(basis, direction.map(|value| value * stack.facts.step_mm), origin)
            }
            _ => match stack.affine(basis) {
                Some(affine) => affine,
                None => return Err(refusal()),
            },
        };
        if !affine.is_valid() {
            return refuse(Reason::IrregularGeometry, "the slices span no volume".into());
        }
        Ok(Grid {
            frames: stack.frames,
            targets,
            affine,
            unshear: tilted && policy.tilt == Remedy::Repair,
            repaired: done.repaired,
            warnings: done.warnings,
        })
    }

    fn uneven(&self) -> String {
        let facts = &self.facts;
        if facts.missing_slices > 0 {
            format!("{} slices are missing", facts.missing_slices)
        } else {
            format!("slice steps run from {:.3} to {:.3} mm", facts.step_min_mm, facts.step_max_mm)
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
                return Err(IngestError::new(
                    Reason::IrregularGeometry,
                    format!(
                        "{} and {} lie beside each other at one height",
                        kept.name(),
                        frame.name()
                    ),
                ));
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
        let even: Vec<bool> =
            self.positions.windows(2).map(|pair| is_even(pair[1] - pair[0], step)).collect();
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
