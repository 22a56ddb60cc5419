//! One frame of a file: where it lies, how its values become units, what tells it from others.
//!
//! A classic image says so at its top level, an enhanced multi-frame image in its functional groups:
//! those of the frame, else those shared by all frames (PS3.3 section C.7.6.16).

use std::sync::Arc;

use super::pixel_layout::Cell;
use crate::ingest::dicom::format::{DataSet, tag};

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
pub(crate) const KEYS: [&str; 13] = [
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
];

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
    /// Lowest and highest stored value that is padding.
    pub(crate) padding: Option<[i32; 2]>,
    /// Values of [`KEYS`], blank where missing.
    pub(crate) keys: Vec<String>,
}

const SHARED: u32 = tag(0x5200, 0x9229);
const PER_FRAME: u32 = tag(0x5200, 0x9230);

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
) -> Vec<Plane> {
    let shared = set.item(SHARED);
    let own = set.items(PER_FRAME);
    if frames > 1 && shared.is_none() && own.is_empty() {
        warnings.push("several frames without functional groups: their places are unknown".into());
    }
    if !own.is_empty() && own.len() != frames {
        warnings.push(format!("{frames} frames, but functional groups of {}", own.len()));
    }
    let table = lookup_table(set, cell).map(Arc::new);
    (0..frames)
        .map(|frame| {
            let scope = Scope { own: own.get(frame), shared: shared.as_ref(), top: set };
            let mut plane = plane(&scope, cell, table.as_ref(), warnings);
            if frames > 1 && shared.is_none() && own.is_empty() {
                plane.position = None;
            }
            plane
        })
        .collect()
}

fn plane(
    scope: &Scope<'_, '_>,
    cell: Cell,
    table: Option<&Arc<LookupTable>>,
    warnings: &mut Vec<String>,
) -> Plane {
    let position = scope.find(tag(0x0020, 0x9113), |set| three(&set.decimals(tag(0x0020, 0x0032))));
    let orientation = scope.find(tag(0x0020, 0x9116), |set| {
        let values = set.decimals(tag(0x0020, 0x0037));
        Some([three(&values)?, three(values.get(3..)?)?])
    });
    let pixel_spacing = scope.find(tag(0x0028, 0x9110), |set| {
        set.decimals(tag(0x0028, 0x0030)).get(..2)?.try_into().ok()
    });
    let transform = match table {
        Some(table) => Transform::Table(Arc::clone(table)),
        None => linear(scope, warnings),
    };
    let frame_type = [tag(0x0018, 0x9329), tag(0x0018, 0x9226), tag(0x0018, 0x9751)]
        .into_iter()
        .find_map(|group| {
            [scope.own, scope.shared].into_iter().flatten().find_map(|set| {
                let item = set.item(group)?;
                let kind = item.text(tag(0x0008, 0x9007))?;
                Some(kind + &item.text(tag(0x0008, 0x9208)).unwrap_or_default())
            })
        })
        .or_else(|| scope.top.text(tag(0x0008, 0x0008)))
        .unwrap_or_default();
    let content = tag(0x0020, 0x9111);
    let slope = match &transform {
        Transform::Linear { slope, .. } => format!("{slope:?}"),
        Transform::Table(_) => String::new(),
    };
    let either = |first: String, second: String| if first.is_empty() { second } else { first };
    let keys = vec![
        either(scope.raw(content, tag(0x0020, 0x9156)), scope.raw(content, tag(0x0020, 0x0012))),
        either(scope.raw(content, tag(0x0020, 0x9128)), scope.raw(content, tag(0x0020, 0x0100))),
        scope.raw(content, tag(0x0018, 0x0086)),
        either(
            scope.raw(tag(0x0018, 0x9114), tag(0x0018, 0x9082)),
            scope.raw(content, tag(0x0018, 0x0081)),
        ),
        frame_type,
        scope.raw(content, tag(0x0020, 0x9056)),
        scope.raw(tag(0x0018, 0x9117), tag(0x0018, 0x9087)),
        scope.raw(content, tag(0x0018, 0x1060)),
        scope.raw(tag(0x0018, 0x9314), tag(0x0018, 0x1210)),
        scope.raw(tag(0x0018, 0x9325), tag(0x0018, 0x0060)),
        scope.raw(content, tag(0x0008, 0x0032)),
        scope.raw(content, tag(0x0008, 0x0033)),
        slope,
    ];
    Plane {
        position,
        orientation,
        pixel_spacing,
        transform,
        padding: padding(scope.top, cell),
        keys,
    }
}

fn linear(scope: &Scope<'_, '_>, warnings: &mut Vec<String>) -> Transform {
    let group = tag(0x0028, 0x9145);
    let mut warn = |text: &str| {
        if !warnings.iter().any(|other| other == text) {
            warnings.push(text.into());
        }
    };
    let slope = scope.find(group, |set| set.decimal(tag(0x0028, 0x1053)));
    let intercept = scope.find(group, |set| set.decimal(tag(0x0028, 0x1052)));
    if slope == Some(0.0) {
        warn("RescaleSlope is 0; 1 is used");
    }
    if slope.is_none() && intercept.is_some_and(|value| value != 0.0) {
        warn("RescaleIntercept without RescaleSlope; slope 1 is used");
    }
    if intercept.is_none() && slope.is_some_and(|value| (value - 1.0).abs() > 0.0) {
        warn("RescaleSlope without RescaleIntercept; intercept 0 is used");
    }
    Transform::Linear {
        slope: slope.filter(|slope| *slope != 0.0).unwrap_or(1.0),
        intercept: intercept.unwrap_or(0.0),
    }
}

/// PixelPaddingValue and `PixelPaddingRangeLimit` as stored values. Both are written in the
/// representation of the pixels, whatever VR a writer chose for them.
fn padding(set: &DataSet<'_>, cell: Cell) -> Option<[i32; 2]> {
    let value = |tag: u32| {
        let word = set.integer(tag)? as u16;
        Some(if cell.signed { i32::from(word as i16) } else { i32::from(word) })
    };
    let first = value(tag(0x0028, 0x0120))?;
    let last = value(tag(0x0028, 0x0121)).unwrap_or(first);
    Some([first.min(last), first.max(last)])
}

/// The table of `ModalityLUTSequence` (0028,3000).
fn lookup_table(set: &DataSet<'_>, cell: Cell) -> Option<LookupTable> {
    let item = set.item(tag(0x0028, 0x3000))?;
    let descriptor = item.words(tag(0x0028, 0x3002));
    let (count, first, bits) = (*descriptor.first()?, *descriptor.get(1)?, *descriptor.get(2)?);
    let count = if count == 0 { 1 << 16 } else { usize::from(count) };
    let data = tag(0x0028, 0x3006);
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
