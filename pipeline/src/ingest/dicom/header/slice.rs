//! The part of one DICOM file that grouping, geometry and intensity need.

use std::path::{Path, PathBuf};

use dicom::core::Tag;
use dicom::dictionary_std::tags;
use schemas::reason::Reason;

use super::pixel_layout::{Cell, PixelLocation};
use super::plane::{Plane, planes};
use crate::ingest::IngestError;
use crate::ingest::archive::Files;
use crate::ingest::dicom::format::{DataSet, Opened, PIXEL_DATA, file_name, number, open};

/// Tags of one instance. Missing tags stay missing: what needs them says so.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceHeader {
    /// The file; a path through an archive where it lies in one.
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
    /// `ConvolutionKernel` (0018,1210).
    pub kernel: String,
    /// Values of ImageType (0008,0008).
    pub image_type: Vec<String>,
    /// TransferSyntaxUID of the file; where it has none, the one it is read by.
    pub transfer_syntax: String,
    /// Rows (0028,0010), 0 where missing.
    pub rows: usize,
    /// Columns (0028,0011), 0 where missing.
    pub columns: usize,
    /// SamplesPerPixel (0028,0002), 1 where missing.
    pub samples: u16,
    /// InstanceNumber (0020,0013).
    pub instance: Option<i64>,
    /// `PhotometricInterpretation` (0028,0004).
    pub photometric: String,
    /// Whether the file is a directory of other files (DICOMDIR), under whatever name.
    pub is_directory: bool,
    /// What was odd but was read.
    pub warnings: Vec<String>,
    pub(crate) cell: Cell,
    pub(crate) pixels: Option<PixelLocation>,
    /// One for each frame.
    pub(crate) planes: Vec<Plane>,
}

/// Tags of what names a patient or a visit.
#[expect(deprecated, reason = "files of older archives hold tags that are retired now")]
const IDENTIFYING: [Tag; 7] = [
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::OTHER_PATIENT_I_DS,
    tags::PATIENT_BIRTH_DATE,
    tags::ACCESSION_NUMBER,
    tags::STUDY_DATE,
    tags::STUDY_ID,
];
/// Transfer syntaxes that always lose. Decoders may differ by one stored value in them.
const LOSSY: [&str; 2] = ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"];
/// More frames than this are damage: each takes memory before a pixel is read.
const MAX_FRAMES: i64 = 1 << 20;

impl SliceHeader {
    /// Reads the header of the file at `path`, which may lead through a zip archive.
    ///
    /// # Errors
    ///
    /// [`Reason::VolumeCorrupt`] where the file is no readable DICOM.
    pub fn read(path: &Path) -> Result<Self, IngestError> {
        Self::read_from(&Files::new(std::iter::once(path)), path)
    }

    /// What the file at `path` names the patient and the visit by: `PatientName`, PatientID,
    /// `OtherPatientIDs`, `PatientBirthDate`, `AccessionNumber`, `StudyDate`, `StudyID`, as stored and
    /// where not empty; nothing of a file that cannot be read. Not held with every header, since one
    /// slice speaks for its series.
    pub fn identifiers(path: &Path) -> Vec<String> {
        let Ok(opened) = open(&Files::new(std::iter::once(path)), path) else {
            return Vec::new();
        };
        let set = opened.data_set();
        let values = IDENTIFYING.iter().filter_map(|&tag| set.text(number(tag)));
        values.filter(|value| !value.is_empty()).collect()
    }

    pub(crate) fn read_from(files: &Files<'_>, path: &Path) -> Result<Self, IngestError> {
        let opened = open(files, path)?;
        let set = opened.data_set();
        if set.len() == 0 {
            return Err(IngestError::new(
                Reason::VolumeCorrupt,
                format!("`{}` holds no readable element", file_name(path)),
            ));
        }
        Ok(Self::from_set(path, &opened, &set))
    }

    fn from_set(path: &Path, opened: &Opened, set: &DataSet<'_>) -> Self {
        let text = |tag| set.text(tag).unwrap_or_default();
        let size = |tag| set.integer(tag).unwrap_or(0).clamp(0, 65_535) as usize;
        let mut warnings: Vec<String> = opened.warning.clone().into_iter().collect();
        if set.cut {
            warnings.push("the header ends inside an element".into());
        }
        let lossy = set.text(number(tags::LOSSY_IMAGE_COMPRESSION)).as_deref() == Some("01");
        if lossy || LOSSY.contains(&opened.transfer_syntax.as_str()) {
            warnings.push("pixels were compressed with loss".into());
        }
        let allocated = set.integer(number(tags::BITS_ALLOCATED)).unwrap_or(16).clamp(0, 64) as u16;
        let stored = set.integer(number(tags::BITS_STORED)).unwrap_or(i64::from(allocated));
        let stored = stored.clamp(0, 64) as u16;
        let high_bit = set.integer(number(tags::HIGH_BIT)).unwrap_or(i64::from(stored) - 1);
        let cell = Cell {
            allocated,
            stored,
            high_bit: high_bit.clamp(0, 64) as u16,
            signed: set.integer(number(tags::PIXEL_REPRESENTATION)) == Some(1),
        };
        let frames =
            set.integer_text(number(tags::NUMBER_OF_FRAMES)).unwrap_or(1).clamp(1, MAX_FRAMES);
        let planes = planes(set, cell, frames as usize, &mut warnings);
        let pixels = set.pixels.as_ref().map(|element| PixelLocation {
            offset: element.value.start as u64,
            length: element.value.len() as u64,
            encapsulated: element.undefined_length,
            floats: element.tag != PIXEL_DATA,
            deflated: opened.deflated,
            big_endian: opened.encoding.big_endian,
        });
        Self {
            path: path.to_owned(),
            patient_id: text(number(tags::PATIENT_ID)),
            study_uid: text(number(tags::STUDY_INSTANCE_UID)),
            series_uid: text(number(tags::SERIES_INSTANCE_UID)),
            description: text(number(tags::SERIES_DESCRIPTION)),
            modality: text(number(tags::MODALITY)),
            kernel: text(number(tags::CONVOLUTION_KERNEL)),
            image_type: text(number(tags::IMAGE_TYPE))
                .split('\\')
                .map(|value| value.trim().to_owned())
                .collect(),
            transfer_syntax: opened.transfer_syntax.clone(),
            rows: size(number(tags::ROWS)),
            columns: size(number(tags::COLUMNS)),
            samples: set.integer(number(tags::SAMPLES_PER_PIXEL)).unwrap_or(1).clamp(0, 65_535)
                as u16,
            instance: set.integer_text(number(tags::INSTANCE_NUMBER)),
            photometric: text(number(tags::PHOTOMETRIC_INTERPRETATION)),
            is_directory: set.raw(number(tags::DIRECTORY_RECORD_SEQUENCE)).is_some(),
            warnings,
            cell,
            pixels,
            planes,
        }
    }

    /// Number of frames, 1 for a classic image.
    pub fn frames(&self) -> usize {
        self.planes.len()
    }

    /// Whether the instance calls itself a localizer (scout, topogram).
    pub fn is_localizer(&self) -> bool {
        self.image_type.iter().any(|value| value.eq_ignore_ascii_case("LOCALIZER"))
    }

    /// Whether the instance is as the scanner made it: ImageType begins `ORIGINAL\PRIMARY`.
    pub fn is_original(&self) -> bool {
        let starts = |index: usize, name: &str| {
            self.image_type.get(index).is_some_and(|value| value.eq_ignore_ascii_case(name))
        };
        starts(0, "ORIGINAL") && starts(1, "PRIMARY")
    }
}
