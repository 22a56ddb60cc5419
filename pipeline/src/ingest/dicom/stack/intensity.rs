//! Whether the values of a stack can be what its headers say.

use schemas::reason::Reason;

use super::frame::Frame;
use crate::ingest::IngestError;
use crate::ingest::dicom::header::Transform;

/// A CT whose values cannot reach below the first or above the second of these, in Hounsfield units, holds no air or no bone.
const REACH_OF_A_CT: [f64; 2] = [-500.0, 500.0];

/// Why the values of `frames` cannot be known, where headers show it.
pub(crate) fn fault(frames: &[Frame]) -> Option<IngestError> {
    let refuse = |detail: String| Some(IngestError::new(Reason::AmbiguousIntensity, detail));
    let first = frames.first()?;
    let is_ct = matches!(first.header.modality.as_str(), "" | "CT");
    for frame in frames {
        let fault = frame.plane().rescale_fault.as_ref();
        if let Some(fault) = fault.filter(|fault| is_ct || !fault.is_blank) {
            return refuse(format!("{}: {}", frame.name(), fault.text));
        }
    }
    let given = first.plane().rescale_given;
    if let Some(other) = frames.iter().find(|frame| frame.plane().rescale_given != given) {
        let field = if other.plane().rescale_given[1] == given[1] {
            "RescaleSlope"
        } else {
            "RescaleIntercept"
        };
        let (with, without) =
            if other.plane().rescale_given < given { (first, other) } else { (other, first) };
        let [with, without] = Frame::names(with, without);
        return refuse(format!("{field} stands in {with} and is missing in {without}"));
    }
    let cell = first.header.cell;
    if let Transform::Linear { slope, intercept } = first.plane().transform
        && cell.stored <= 8
        && first.header.is_hounsfield()
    {
        let (lowest, highest) = if cell.signed { (-128.0, 127.0) } else { (0.0, 255.0) };
        let ends = [lowest, highest].map(|value: f64| value * slope + intercept);
        let [low, high] = [ends[0].min(ends[1]), ends[0].max(ends[1])];
        if low > REACH_OF_A_CT[0] || high < REACH_OF_A_CT[1] {
            return refuse(format!(
                "BitsStored is {}, and values reach from {low} to {high} only: a windowed picture, not Hounsfield units",
                cell.stored
            ));
        }
    }
    None
}
