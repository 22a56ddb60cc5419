//! One frame of a file: where it lies, how its values become units, what tells it from others.
//!
//! A classic image says so at its top level, an enhanced multi-frame image in its functional groups:
//! those of the frame, else those shared by all frames (PS3.3 section C.7.6.16).

use std::sync::Arc;

use dicom::dictionary_std::tags;

use super::pixel_layout::Cell;
use crate::ingest::dicom::format::{DataSet, Decimal, number};

/// Values of one modality lookup table (PS3.3 section C.11.1).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LookupTable {
    /// Stored value of the first entry; lower ones take it too.
    pub(crate) first: i32,
    pub(crate) entries: Vec<u16>,
}

/// How a stored value becomes a unit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Transform {
    Linear { slope: f64, intercept: f64 },
    Table(Arc<LookupTable>),
}

/// What tells frames at one position apart, in the order in which it is tried.
pub(crate) const KEYS: [&str; 33] = [
    "AcquisitionNumber",
    "TemporalPosition",
    "EchoNumber",
    "EchoTime",
    "ImageType",
    "StackID",
    "DiffusionBValue",
    "TriggerTime",
    "ConvolutionKernel",
    "KVP",
    "AcquisitionTime",
    "ContentTime",
    "RescaleSlope",
    "NominalPercentageOfCardiacPhase",
    "NominalCardiacTriggerDelayTime",
    "ScanOptions",
    "FrameReferenceTime",
    "ContrastBolusAgent",
    "FilterType",
    "ReconstructionDiameter",
    "SliceThickness",
    "SeriesDescription",
    "ProtocolName",
    "SeriesNumber",
    "SeriesTime",
    "ActualCardiacTriggerDelayTime",
    "CardiacCyclePosition",
    "RespiratoryCyclePosition",
    "ImageComments",
    "Exposure",
    "ExposureTime",
    "AcquisitionDate",
    "ContentDate",
];

/// Values of [`KEYS`] in one text: most are blank, and every slice of a corpus has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyValues(Box<str>);

/// What stands between the values, which hold no control characters.
const BETWEEN: char = '\u{1f}';

impl KeyValues {
    pub(crate) fn new(values: &[String]) -> Self {
        Self(values.join(BETWEEN.encode_utf8(&mut [0; 4])).into())
    }

    /// The value of the key of this number, blank where it is missing.
    pub(crate) fn get(&self, key: usize) -> &str {
        self.0.split(BETWEEN).nth(key).unwrap_or_default()
    }
}

/// Why slope or intercept are not known though the file holds them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RescaleFault {
    /// In words, naming the field.
    pub(crate) text: String,
    /// Whether the field is there and blank, which says something of a CT only.
    pub(crate) is_blank: bool,
}

/// One frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plane {
    /// ImagePositionPatient (0020,0032), mm, LPS.
    pub(crate) position: Option<[f64; 3]>,
    /// ImageOrientationPatient (0020,0037): direction of increasing column index, then row index.
    pub(crate) orientation: Option<[[f64; 3]; 2]>,
    /// PixelSpacing (0028,0030): between rows, between columns, mm.
    pub(crate) pixel_spacing: Option<[f64; 2]>,
    pub(crate) transform: Transform,
    /// Whether slope and intercept stand in the file.
    pub(crate) rescale_given: [bool; 2],
    /// What keeps the transform from being known.
    pub(crate) rescale_fault: Option<RescaleFault>,
    /// Lowest and highest stored value that is padding.
    pub(crate) padding: Option<[i32; 2]>,
    /// Values of [`KEYS`].
    pub(crate) keys: KeyValues,
}

const SHARED: u32 = number(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
const PER_FRAME: u32 = number(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);

/// The data sets to ask for one frame's values: its own groups, the shared ones, the top level.
struct Scope<'s, 'a> {
    own: Option<&'s DataSet<'a>>,
    shared: Option<&'s DataSet<'a>>,
    top: &'s DataSet<'a>,
}

impl<'a> Scope<'_, 'a> {
    /// `read` of the first item of the functional group `group`, else of the top level.
    fn find<T>(&self, group: u32, read: impl Fn(&DataSet<'a>) -> Option<T>) -> Option<T> {
        [self.own, self.shared]
            .into_iter()
            .flatten()
            .find_map(|set| set.item(group).and_then(|item| read(&item)))
            .or_else(|| read(self.top))
    }

    fn raw(&self, group: u32, tag: u32) -> String {
        self.find(group, |set| set.raw(tag).map(raw_text)).unwrap_or_default()
    }
}

fn raw_text(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let trimmed = text.trim_matches(['\0', ' ']);
    if trimmed.chars().all(|letter| !letter.is_control()) {
        trimmed.to_owned()
    } else {
        raw.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn three(values: &[f64]) -> Option<[f64; 3]> {
    values.get(..3)?.try_into().ok()
}

/// The frames of a data set.
pub(crate) fn planes(
    set: &DataSet<'_>,
    cell: Cell,
    frames: usize,
    warnings: &mut Vec<String>,
) -> Vec<Arc<Plane>> {
    let shared = set.item(SHARED);
    let own = set.items(PER_FRAME);
    if frames > 1 && shared.is_none() && own.is_empty() {
        warnings.push("several frames without functional groups: their places are unknown".into());
    }
    if !own.is_empty() && own.len() != frames {
        warnings.push(format!("{frames} frames, but functional groups of {}", own.len()));
    }
    let table = lookup_table(set, cell).map(Arc::new);
    let mut of_frame = |own: Option<&DataSet<'_>>| {
        let scope = Scope { own, shared: shared.as_ref(), top: set };
        plane(&scope, cell, table.as_ref(), warnings)
    };
    // Frames without groups of their own are one plane, however many a header claims.
    let mut other = None;
    (0..frames)
        .map(|frame| match own.get(frame) {
            Some(own) => Arc::new(of_frame(Some(own))),
            None => Arc::clone(other.get_or_insert_with(|| {
                let mut plane = of_frame(None);
                if frames > 1 && shared.is_none() && own.is_empty() {
                    plane.position = None;
                }
                Arc::new(plane)
            })),
        })
        .collect()
}

fn plane(
    scope: &Scope<'_, '_>,
    cell: Cell,
    table: Option<&Arc<LookupTable>>,
    warnings: &mut Vec<String>,
) -> Plane {
    let position = scope.find(number(tags::PLANE_POSITION_SEQUENCE), |set| {
        three(&set.decimals(number(tags::IMAGE_POSITION_PATIENT)))
    });
    let orientation = scope.find(number(tags::PLANE_ORIENTATION_SEQUENCE), |set| {
        let values = set.decimals(number(tags::IMAGE_ORIENTATION_PATIENT));
        Some([three(&values)?, three(values.get(3..)?)?])
    });
    let pixel_spacing = scope.find(number(tags::PIXEL_MEASURES_SEQUENCE), |set| {
        set.decimals(number(tags::PIXEL_SPACING)).get(..2)?.try_into().ok()
    });
    let (transform, rescale_given, rescale_fault) = match table {
        Some(table) => (Transform::Table(Arc::clone(table)), [true; 2], None),
        None => linear(scope, warnings),
    };
    let frame_type = [
        number(tags::CT_IMAGE_FRAME_TYPE_SEQUENCE),
        number(tags::MR_IMAGE_FRAME_TYPE_SEQUENCE),
        number(tags::PET_FRAME_TYPE_SEQUENCE),
    ]
    .into_iter()
    .find_map(|group| {
        [scope.own, scope.shared].into_iter().flatten().find_map(|set| {
            let item = set.item(group)?;
            let kind = item.text(number(tags::FRAME_TYPE))?;
            Some(kind + &item.text(number(tags::COMPLEX_IMAGE_COMPONENT)).unwrap_or_default())
        })
    })
    .or_else(|| scope.top.text(number(tags::IMAGE_TYPE)))
    .unwrap_or_default();
    let content = number(tags::FRAME_CONTENT_SEQUENCE);
    let synchronization = number(tags::CARDIAC_SYNCHRONIZATION_SEQUENCE);
    let slope = match &transform {
        Transform::Linear { slope, .. } => format!("{slope:?}"),
        Transform::Table(_) => String::new(),
    };
    let either = |first: String, second: String| if first.is_empty() { second } else { first };
    let keys: [String; KEYS.len()] = [
        either(
            scope.raw(content, number(tags::FRAME_ACQUISITION_NUMBER)),
            scope.raw(content, number(tags::ACQUISITION_NUMBER)),
        ),
        either(
            scope.raw(content, number(tags::TEMPORAL_POSITION_INDEX)),
            scope.raw(content, number(tags::TEMPORAL_POSITION_IDENTIFIER)),
        ),
        scope.raw(content, number(tags::ECHO_NUMBERS)),
        either(
            scope.raw(number(tags::MR_ECHO_SEQUENCE), number(tags::EFFECTIVE_ECHO_TIME)),
            scope.raw(content, number(tags::ECHO_TIME)),
        ),
        frame_type,
        scope.raw(content, number(tags::STACK_ID)),
        scope.raw(number(tags::MR_DIFFUSION_SEQUENCE), number(tags::DIFFUSION_B_VALUE)),
        scope.raw(content, number(tags::TRIGGER_TIME)),
        scope.raw(number(tags::CT_RECONSTRUCTION_SEQUENCE), number(tags::CONVOLUTION_KERNEL)),
        scope.raw(number(tags::CTX_RAY_DETAILS_SEQUENCE), number(tags::KVP)),
        scope.raw(content, number(tags::ACQUISITION_TIME)),
        scope.raw(content, number(tags::CONTENT_TIME)),
        slope,
        scope.raw(synchronization, number(tags::NOMINAL_PERCENTAGE_OF_CARDIAC_PHASE)),
        scope.raw(synchronization, number(tags::NOMINAL_CARDIAC_TRIGGER_DELAY_TIME)),
        scope.raw(content, number(tags::SCAN_OPTIONS)),
        scope.raw(content, number(tags::FRAME_REFERENCE_TIME)),
        scope.raw(content, number(tags::CONTRAST_BOLUS_AGENT)),
        scope.raw(content, number(tags::FILTER_TYPE)),
        scope.raw(number(tags::CT_RECONSTRUCTION_SEQUENCE), number(tags::RECONSTRUCTION_DIAMETER)),
        scope.raw(number(tags::PIXEL_MEASURES_SEQUENCE), number(tags::SLICE_THICKNESS)),
        scope.raw(content, number(tags::SERIES_DESCRIPTION)),
        scope.raw(content, number(tags::PROTOCOL_NAME)),
        scope.raw(content, number(tags::SERIES_NUMBER)),
        scope.raw(content, number(tags::SERIES_TIME)),
        scope.raw(synchronization, number(tags::ACTUAL_CARDIAC_TRIGGER_DELAY_TIME)),
        scope.raw(synchronization, number(tags::CARDIAC_CYCLE_POSITION)),
        scope.raw(content, number(tags::RESPIRATORY_CYCLE_POSITION)),
        scope.raw(content, number(tags::IMAGE_COMMENTS)),
        scope.raw(content, number(tags::EXPOSURE)),
        scope.raw(content, number(tags::EXPOSURE_TIME)),
        scope.raw(content, number(tags::ACQUISITION_DATE)),
        scope.raw(content, number(tags::CONTENT_DATE)),
    ];
    Plane {
        position,
        orientation,
        pixel_spacing,
        transform,
        rescale_given,
        rescale_fault,
        padding: padding(scope.top, cell),
        keys: KeyValues::new(&keys),
    }
}

/// Slope and intercept, which of them the file holds, and what keeps them from being known.
fn linear(
    scope: &Scope<'_, '_>,
    warnings: &mut Vec<String>,
) -> (Transform, [bool; 2], Option<RescaleFault>) {
    let group = number(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE);
    let mut warn = |text: &str| {
        if !warnings.iter().any(|other| other == text) {
            warnings.push(text.into());
        }
    };
    let read = |tag: u32| {
        let given = |set: &DataSet<'_>| {
            Some(set.given_decimal(tag)).filter(|given| *given != Decimal::Missing)
        };
        scope.find(group, given).unwrap_or(Decimal::Missing)
    };
    let (slope, intercept) =
        (read(number(tags::RESCALE_SLOPE)), read(number(tags::RESCALE_INTERCEPT)));
    let fault = [("RescaleSlope", &slope), ("RescaleIntercept", &intercept)].into_iter().find_map(
        |(name, given)| match given {
            Decimal::Blank => {
                Some(RescaleFault { text: format!("{name} is blank"), is_blank: true })
            }
            Decimal::Unreadable(text) => {
                let text = format!("{name} is `{text}`, not a number");
                Some(RescaleFault { text, is_blank: false })
            }
            Decimal::Missing | Decimal::Number(_) => None,
        },
    );
    let given = [&slope, &intercept].map(|given| given.number().is_some());
    let (slope, intercept) = (slope.number(), intercept.number());
    if slope == Some(0.0) {
        warn("RescaleSlope is 0; 1 is used");
    }
    if given == [false, true] {
        warn("RescaleIntercept without RescaleSlope; slope 1 is used");
    }
    if given == [true, false] {
        warn("RescaleSlope without RescaleIntercept; intercept 0 is used");
    }
    let transform = Transform::Linear {
        slope: slope.filter(|slope| *slope != 0.0).unwrap_or(1.0),
        intercept: intercept.unwrap_or(0.0),
    };
    (transform, given, fault)
}

/// PixelPaddingValue and `PixelPaddingRangeLimit` as stored values. Both are written in the
/// representation of the pixels, whatever VR a writer chose for them.
fn padding(set: &DataSet<'_>, cell: Cell) -> Option<[i32; 2]> {
    let value = |tag: u32| {
        let word = set.integer(tag)? as u16;
        Some(if cell.signed { i32::from(word as i16) } else { i32::from(word) })
    };
    let first = value(number(tags::PIXEL_PADDING_VALUE))?;
    let last = value(number(tags::PIXEL_PADDING_RANGE_LIMIT)).unwrap_or(first);
    Some([first.min(last), first.max(last)])
}

/// The table of `ModalityLUTSequence` (0028,3000).
fn lookup_table(set: &DataSet<'_>, cell: Cell) -> Option<LookupTable> {
    let item = set.item(number(tags::MODALITY_LUT_SEQUENCE))?;
    let descriptor = item.words(number(tags::LUT_DESCRIPTOR));
    let (count, first, bits) = (*descriptor.first()?, *descriptor.get(1)?, *descriptor.get(2)?);
    let count = if count == 0 { 1 << 16 } else { usize::from(count) };
    let data = number(tags::LUT_DATA);
    let words = item.words(data);
    // Eight-bit entries are packed two to a word by some writers and padded to words by others.
    let entries: Vec<u16> = if words.len() >= count {
        words.into_iter().take(count).collect()
    } else if bits <= 8 {
        item.raw(data)?.iter().take(count).map(|&byte| u16::from(byte)).collect()
    } else {
        words
    };
    let first = if cell.signed { i32::from(first as i16) } else { i32::from(first) };
    (!entries.is_empty()).then_some(LookupTable { first, entries })
}
