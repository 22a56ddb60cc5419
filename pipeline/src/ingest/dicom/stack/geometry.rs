//! Frames into a stack, and the verdict on it.

use std::sync::Arc;

use schemas::manifest::{GeometryPolicy, Remedy};
use schemas::reason::{GeometryVerdict, Reason};

use super::frame::{Basis, Frame};
use super::intensity::fault;
use super::steps::SAME_POSITION;
use crate::ingest::dicom::header::SliceHeader;
use crate::ingest::dicom::pixels::check;
use crate::ingest::geometry::sheared;
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
    /// What is odd about the frames as they are together.
    pub notes: Vec<String>,
    /// Why the values are not those of an image, or cannot be known, whatever the geometry.
    pub(crate) fault: Option<IngestError>,
    /// Which files of its series cannot be read, in words.
    pub(crate) incomplete: Option<String>,
    pub(crate) basis: Option<Basis>,
    /// Position along the normal of each frame, in mm.
    pub(crate) positions: Vec<f64>,
    /// How far rounding moves a position along the normal, in mm; 0 where positions are written in full.
    pub(crate) rounding: f64,
    /// Whether directions are written with two decimals.
    pub(crate) is_coarse: bool,
    /// First position and step of the even grid that rounded positions lie on.
    pub(crate) fitted: Option<[f64; 2]>,
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
            notes: Vec::new(),
            fault: None,
            incomplete: None,
            basis: None,
            positions: Vec::new(),
            rounding: 0.0,
            is_coarse: false,
            fitted: None,
        };
        stack.facts.slices = stack.frames.len();
        if let Err((verdict, refusal)) = stack.judge() {
            stack.verdict = verdict;
            stack.refusal = Some(refusal);
        }
        stack.fault = fault(&stack.frames);
        stack
    }

    /// Why it is not read under `policy`, as far as headers tell.
    pub fn refused(&self, policy: GeometryPolicy) -> Option<IngestError> {
        if self.may_be_remedied() {
            if let Some(fault) = &self.fault {
                return Some(fault.clone());
            }
            if let (Some(detail), Remedy::Reject) = (&self.incomplete, policy.gaps) {
                return Some(
                    IngestError::new(Reason::MissingSlices, detail.clone()).remedied_by("gaps"),
                );
            }
        }
        self.grid(policy).err()
    }

    /// Says that files of the series cannot be read; a stack that is no volume lacks none.
    pub(crate) fn is_incomplete(&mut self, detail: &str) {
        if self.is_candidate() {
            self.incomplete = Some(detail.to_owned());
        }
    }

    /// Whether files of its series cannot be read.
    pub fn lacks_files(&self) -> bool {
        self.incomplete.is_some()
    }

    /// What is odd about it and was accepted.
    pub fn warnings(&self) -> impl Iterator<Item = &String> {
        self.notes.iter().chain(&self.incomplete)
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
            Err((verdict, IngestError::new(reason, detail).remedied_by(remedy(verdict))))
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
                match self.frames.len() {
                    1 => "1 slice does not make a volume".to_owned(),
                    count => format!("{count} slices do not make a volume"),
                },
            );
        }
        let Some(basis) = self.basis else {
            let refusal = IngestError::new(Reason::IrregularGeometry, self.why_no_basis());
            return Err((GeometryVerdict::Irregular, refusal));
        };
        if self.facts.duplicate_slices > 0 {
            let at = self.positions.windows(2).position(|pair| pair[1] - pair[0] <= SAME_POSITION);
            let at = at.unwrap_or(0);
            let [a, b] = Frame::names(&self.frames[at], &self.frames[at + 1]);
            return refuse(
                GeometryVerdict::DuplicatePositions,
                format!("{a} and {b} lie at one position"),
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
            let refusal = IngestError::new(Reason::IrregularGeometry, detail);
            return Err((GeometryVerdict::Irregular, refusal));
        }
        if self.shear(basis) > self.max_shear() {
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

/// The key of the policy that may lift a verdict.
const fn remedy(verdict: GeometryVerdict) -> Option<&'static str> {
    match verdict {
        GeometryVerdict::Tilted => Some("tilt"),
        GeometryVerdict::MissingSlices | GeometryVerdict::Irregular => Some("gaps"),
        GeometryVerdict::DuplicatePositions => Some("duplicates"),
        _ => None,
    }
}
