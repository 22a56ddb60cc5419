//! Frames into a stack, and the verdict on it.

use std::sync::Arc;

use schemas::reason::{GeometryVerdict, Reason};

use super::frame::{Basis, Frame};
use super::steps::SAME_POSITION;
use crate::ingest::dicom::header::SliceHeader;
use crate::ingest::dicom::pixels::check;
use crate::ingest::geometry::{MAX_UNTILTED_TANGENT, sheared};
use crate::ingest::{GeometryFacts, IngestError};

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
    pub(crate) basis: Option<Basis>,
    /// Position along the normal of each frame, in mm.
    pub(crate) positions: Vec<f64>,
}

impl Stack {
    /// Orders `frames`, which are of one size, orientation and pixel spacing, and judges them.
    pub(crate) fn new(mut frames: Vec<Frame>) -> Self {
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
                refuse(GeometryVerdict::Irregular, self.uneven())
            };
        }
        if let Some(detail) = self.beside_the_line(basis) {
            return refuse(GeometryVerdict::Irregular, detail);
        }
        if self.shear(basis) > MAX_UNTILTED_TANGENT {
            return refuse(GeometryVerdict::Tilted, sheared(self.facts.tilt_degrees));
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
}
