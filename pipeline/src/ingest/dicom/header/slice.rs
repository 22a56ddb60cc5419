//! The part of one DICOM file that grouping, geometry and intensity need.

use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// `SOPClassUID` (0008,0016).
    pub sop_class: String,
    /// `SOPInstanceUID` (0008,0018).
    pub sop_uid: String,
    /// `FrameOfReferenceUID` (0020,0052).
    pub frame_of_reference: String,
    /// `SeriesNumber` (0020,0011).
    pub series_number: Option<i64>,
    /// Modality (0008,0060).
    pub modality: String,
    /// `RescaleType` (0028,1054) or, of a PET, Units (0054,1001).
    pub unit: String,
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
    /// Number of images that the header says its acquisition or series has.
    pub(crate) counted_images: Option<i64>,
    /// Whether an overlay lies in bits of the pixels.
    pub(crate) has_overlay_bits: bool,
    /// Whether the file ends inside its header.
    pub(crate) cut: bool,
    /// One for each frame.
    pub(crate) planes: Vec<Arc<Plane>>,
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
const MAX_FRAMES: u64 = 1 << 20;
/// Bytes of the head of a fragment, which every encapsulated frame has at least one of.
const ITEM_HEAD_BYTES: u64 = 8;
/// Groups of overlays (PS3.3 section C.9.2).
const OVERLAY_GROUPS: std::ops::RangeInclusive<u32> = 0x6000..=0x601e;

/// Element of the bit in which an overlay lies; 0 where it lies in data of its own.
const OVERLAY_BIT_POSITION: u32 = 0x0102;
/// Values of ImageType that make a CT a map of something else than attenuation (PS3.3 section C.8.15.2.1.1).
const MATERIAL_MAPS: [&str; 8] = [
    "EFF_ATOMIC_NUM",
    "ELECTRON_DENSITY",
    "MATERIAL_SPECIFIC",
    "MATERIAL_FRACTIONAL",
    "MATERIAL_VISUALIZED",
    "Z_EFF",
    "IODINE",
    "IODINE_MAP",
];

/// `RescaleType` of an enhanced image, whose frames share it.
fn shared_rescale_type(set: &DataSet<'_>) -> Option<String> {
    let groups = [
        set.item(number(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)),
        set.item(number(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)),
    ];
    let transformation = number(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE);
    let mut groups = groups.into_iter().flatten();
    groups.find_map(|group| group.item(transformation)?.text(number(tags::RESCALE_TYPE)))
}

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
    /// `OtherPatientIDs`, `PatientBirthDate`, `AccessionNumber`, `StudyDate`, `StudyID`, where not empty. Not held with every
    /// header, since one slice speaks for its series.
    ///
    /// # Errors
    ///
    /// As [`SliceHeader::read`].
    pub fn identifiers(path: &Path) -> Result<Vec<String>, IngestError> {
        let opened = open(&Files::new(std::iter::once(path)), path)?;
        let set = opened.data_set();
        let values = IDENTIFYING.iter().filter_map(|&tag| set.text(number(tag)));
        Ok(values.filter(|value| !value.is_empty()).collect())
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
        let (rows, columns) = (size(number(tags::ROWS)), size(number(tags::COLUMNS)));
        let samples =
            set.integer(number(tags::SAMPLES_PER_PIXEL)).unwrap_or(1).clamp(0, 65_535) as u16;
        let declared = set.integer_text(number(tags::NUMBER_OF_FRAMES)).unwrap_or(1).max(1) as u64;
        let pixels = set.pixels.as_ref().map(|element| {
            let offset = element.value.start as u64;
            let rest = opened.length.saturating_sub(offset);
            PixelLocation {
                offset,
                length: element.value.len() as u64,
                present: if element.undefined_length {
                    rest
                } else {
                    rest.min(element.value.len() as u64)
                },
                declared_frames: declared,
                encapsulated: element.undefined_length,
                floats: element.tag != PIXEL_DATA,
                deflated: opened.deflated,
                big_endian: opened.encoding.big_endian,
            }
        });
        // A header may claim any number of frames: no more are looked at than the file can hold.
        let frame_bytes =
            (rows * columns) as u64 * u64::from(samples) * u64::from(allocated).div_ceil(8);
        let possible = pixels.map_or(1, |pixels| match frame_bytes {
            _ if pixels.encapsulated => pixels.present / ITEM_HEAD_BYTES,
            0 => 1,
            bytes => pixels.present / bytes,
        });
        let frames = declared.min(possible).clamp(1, MAX_FRAMES);
        let planes = planes(set, cell, frames as usize, &mut warnings);
        Self {
            path: path.to_owned(),
            patient_id: text(number(tags::PATIENT_ID)),
            study_uid: text(number(tags::STUDY_INSTANCE_UID)),
            series_uid: text(number(tags::SERIES_INSTANCE_UID)),
            description: text(number(tags::SERIES_DESCRIPTION)),
            sop_class: text(number(tags::SOP_CLASS_UID)),
            sop_uid: text(number(tags::SOP_INSTANCE_UID)),
            frame_of_reference: text(number(tags::FRAME_OF_REFERENCE_UID)),
            series_number: set.integer_text(number(tags::SERIES_NUMBER)),
            modality: text(number(tags::MODALITY)),
            unit: set
                .text(number(tags::UNITS))
                .or_else(|| set.text(number(tags::RESCALE_TYPE)))
                .or_else(|| shared_rescale_type(set))
                .unwrap_or_default(),
            kernel: text(number(tags::CONVOLUTION_KERNEL)),
            image_type: text(number(tags::IMAGE_TYPE))
                .split('\\')
                .map(|value| value.trim().to_owned())
                .collect(),
            transfer_syntax: opened.transfer_syntax.clone(),
            rows,
            columns,
            samples,
            instance: set.integer_text(number(tags::INSTANCE_NUMBER)),
            photometric: text(number(tags::PHOTOMETRIC_INTERPRETATION)),
            is_directory: set.raw(number(tags::DIRECTORY_RECORD_SEQUENCE)).is_some(),
            warnings,
            counted_images: [tags::NUMBER_OF_SERIES_RELATED_INSTANCES, tags::IMAGES_IN_ACQUISITION]
                .into_iter()
                .find_map(|tag| set.integer_text(number(tag))),
            has_overlay_bits: set.tags().any(|tag| {
                OVERLAY_GROUPS.contains(&(tag >> 16))
                    && tag & 0xffff == OVERLAY_BIT_POSITION
                    && set.integer(tag).is_some_and(|bit| bit > 0)
            }),
            cell,
            pixels,
            cut: set.cut,
            planes,
        }
    }

    /// Whether the file ends before its pixels.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut && self.pixels.is_none()
    }

    /// What the instance is where it is no image of a scanner, whose pixels are no values of one.
    pub(crate) fn is_no_image(&self) -> Option<&'static str> {
        let class = self.sop_class.strip_prefix("1.2.840.10008.5.1.4.1.1.").unwrap_or_default();
        match (class, self.modality.as_str()) {
            ("66.4" | "66.7", _) | (_, "SEG") => Some("a segmentation"),
            ("7" | "7.1" | "7.2" | "7.3" | "7.4", _) => Some("a secondary capture"),
            ("481.2", _) | (_, "RTDOSE") => Some("a dose grid"),
            ("30", _) => Some("a parametric map"),
            ("66.5" | "68.1" | "68.2", _) => Some("a surface"),
            _ => None,
        }
    }

    /// Whether the values are Hounsfield units: those of a CT whose `RescaleType`, where it has one, says no other unit and
    /// whose ImageType names no map of a material.
    pub fn is_hounsfield(&self) -> bool {
        matches!(self.modality.as_str(), "" | "CT")
            && (matches!(self.unit.as_str(), "" | "US")
                || self.unit.to_uppercase().starts_with("HU"))
            && self.unit != "HU_MOD"
            && !self
                .image_type
                .iter()
                .any(|value| MATERIAL_MAPS.contains(&value.to_uppercase().as_str()))
    }

    /// The unit of the values: `HU`, that which the file names, or none.
    pub fn unit_name(&self) -> &str {
        match self.unit.as_str() {
            _ if self.is_hounsfield() => "HU",
            "US" | "HU" => "",
            unit => unit,
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
