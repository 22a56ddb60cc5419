//! The part of one DICOM file that geometry and intensity need.

use std::path::{Path, PathBuf};

use dicom::dictionary_std::tags;
use dicom::object::{InMemDicomObject, OpenFileOptions, Tag};
use schemas::reason::Reason;

use super::super::error::IngestError;
use crate::volume::Rescale;

/// Tags of one instance. Missing tags stay missing: what needs them says so.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceHeader {
    /// The file.
    pub path: PathBuf,
    /// PatientID (0010,0020).
    pub patient_id: String,
    /// StudyInstanceUID (0020,000D).
    pub study_uid: String,
    /// SeriesInstanceUID (0020,000E).
    pub series_uid: String,
    /// SeriesDescription (0008,103E).
    pub description: String,
    /// Modality (0008,0060).
    pub modality: String,
    /// Values of ImageType (0008,0008).
    pub image_type: Vec<String>,
    /// TransferSyntaxUID of the file.
    pub transfer_syntax: String,
    /// Rows (0028,0010).
    pub rows: usize,
    /// Columns (0028,0011).
    pub columns: usize,
    /// NumberOfFrames (0028,0008), 1 where missing.
    pub frames: usize,
    /// SamplesPerPixel (0028,0002), 1 where missing.
    pub samples: u16,
    /// ImagePositionPatient (0020,0032), mm, LPS.
    pub position: Option<[f64; 3]>,
    /// ImageOrientationPatient (0020,0037): direction of increasing column index, then row index.
    pub orientation: Option<[[f64; 3]; 2]>,
    /// PixelSpacing (0028,0030): between rows, between columns, mm.
    pub pixel_spacing: Option<[f64; 2]>,
    /// RescaleSlope and RescaleIntercept (0028,1053 and 0028,1052).
    pub rescale: Rescale,
    /// PixelPaddingValue (0028,0120) as a stored value.
    pub padding: Option<i32>,
    /// InstanceNumber (0020,0013).
    pub instance: Option<i64>,
}

fn text(object: &InMemDicomObject, tag: Tag) -> String {
    object
        .element_opt(tag)
        .ok()
        .flatten()
        .and_then(|element| {
            element.to_str().ok().map(|value| value.trim_matches(['\0', ' ']).to_owned())
        })
        .unwrap_or_default()
}

/// Decimal strings, also where the file hides them under VR UN.
fn decimals(object: &InMemDicomObject, tag: Tag) -> Vec<f64> {
    let Ok(Some(element)) = object.element_opt(tag) else { return Vec::new() };
    if let Ok(bytes) = element.to_bytes()
        && element.vr() == dicom::core::VR::UN
    {
        return String::from_utf8_lossy(&bytes)
            .split('\\')
            .filter_map(|part| part.trim_matches(['\0', ' ']).parse().ok())
            .collect();
    }
    element.to_multi_float64().unwrap_or_default()
}

fn decimal(object: &InMemDicomObject, tag: Tag) -> Option<f64> {
    decimals(object, tag).first().copied().filter(|value| value.is_finite())
}

fn integer(object: &InMemDicomObject, tag: Tag) -> Option<i64> {
    object.element_opt(tag).ok().flatten().and_then(|element| element.to_int::<i64>().ok())
}

impl SliceHeader {
    /// Reads the header of the file at `path`.
    ///
    /// # Errors
    ///
    /// [`Reason::VolumeCorrupt`] where the file is no readable DICOM.
    pub fn read(path: &Path) -> Result<Self, IngestError> {
        let object = OpenFileOptions::new().read_until(tags::PIXEL_DATA).open_file(path).map_err(
            |error| {
                IngestError::new(
                    Reason::VolumeCorrupt,
                    format!("`{}` is no readable DICOM file: {error}", file_name(path)),
                )
            },
        )?;
        let three = |values: &[f64]| -> Option<[f64; 3]> { values.get(..3)?.try_into().ok() };
        let orientation = decimals(&object, tags::IMAGE_ORIENTATION_PATIENT);
        let spacing = decimals(&object, tags::PIXEL_SPACING);
        Ok(Self {
            path: path.to_owned(),
            patient_id: text(&object, tags::PATIENT_ID),
            study_uid: text(&object, tags::STUDY_INSTANCE_UID),
            series_uid: text(&object, tags::SERIES_INSTANCE_UID),
            description: text(&object, tags::SERIES_DESCRIPTION),
            modality: text(&object, tags::MODALITY),
            image_type: text(&object, tags::IMAGE_TYPE).split('\\').map(str::to_owned).collect(),
            transfer_syntax: object.meta().transfer_syntax().to_owned(),
            rows: integer(&object, tags::ROWS).unwrap_or(0).max(0) as usize,
            columns: integer(&object, tags::COLUMNS).unwrap_or(0).max(0) as usize,
            frames: integer(&object, tags::NUMBER_OF_FRAMES).unwrap_or(1).max(1) as usize,
            samples: integer(&object, tags::SAMPLES_PER_PIXEL).unwrap_or(1) as u16,
            position: three(&decimals(&object, tags::IMAGE_POSITION_PATIENT)),
            orientation: three(&orientation)
                .zip(orientation.get(3..).and_then(three))
                .map(Into::into),
            pixel_spacing: spacing.get(..2).and_then(|pair| pair.try_into().ok()),
            rescale: Rescale {
                slope: decimal(&object, tags::RESCALE_SLOPE)
                    .filter(|slope| *slope != 0.0)
                    .unwrap_or(1.0) as f32,
                intercept: decimal(&object, tags::RESCALE_INTERCEPT).unwrap_or(0.0) as f32,
            },
            padding: integer(&object, tags::PIXEL_PADDING_VALUE).map(|value| value as i32),
            instance: integer(&object, tags::INSTANCE_NUMBER),
        })
    }

    /// Whether the instance calls itself a localizer (scout, topogram).
    pub fn is_localizer(&self) -> bool {
        self.image_type.iter().any(|value| value.eq_ignore_ascii_case("LOCALIZER"))
    }
}

/// The last part of a path, for messages.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
