//! Files written by dicom-rs (and by hand, where it writes only correct ones) are read back against
//! the values they were made of.
#![expect(clippy::float_cmp, reason = "values are small integers that every step keeps exactly")]

use std::fs;
use std::path::{Path, PathBuf};

use dicom::core::value::DataSetSequence;
use dicom::core::{DataElement, PrimitiveValue, Tag, VR};
use dicom::dictionary_std::tags;
use dicom::object::{FileMetaTableBuilder, InMemDicomObject};
use proptest::prelude::*;
use schemas::lock::SourceObject;
use schemas::manifest::GeometryPolicy;
use schemas::reason::{GeometryVerdict, Reason};

use super::{read, read_with_sums};
use crate::files::sha256_file;
use crate::ingest::{IngestError, SeriesImage, SourceSums};
use crate::volume::Voxels;

mod files;

const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
const LIMIT: u64 = 1 << 24;
const ROWS: usize = 4;
const COLUMNS: usize = 5;

fn put(
    object: &mut InMemDicomObject,
    tag: dicom::core::Tag,
    vr: VR,
    value: impl Into<PrimitiveValue>,
) {
    object.put(DataElement::new(tag, vr, value.into()));
}

/// What one slice of a synthetic series is made of.
#[derive(Clone)]
struct Slice {
    position: [f64; 3],
    words: Vec<u16>,
    signed: bool,
    stored: u16,
    slope: Option<&'static str>,
    intercept: Option<&'static str>,
    padding: Option<u16>,
    instance: usize,
}

impl Slice {
    fn at(z: f64) -> Self {
        Self {
            position: [-10.0, -20.0, z],
            words: (0..ROWS * COLUMNS).map(|index| (index * 7) as u16 + z as u16).collect(),
            signed: false,
            stored: 16,
            slope: Some("1"),
            intercept: Some("-1024"),
            padding: None,
            instance: z as usize,
        }
    }

    fn object(&self) -> InMemDicomObject {
        let mut object = image(self.stored, self.signed);
        let [x, y, z] = self.position;
        put(&mut object, tags::IMAGE_POSITION_PATIENT, VR::DS, format!("{x}\\{y}\\{z}"));
        put(&mut object, tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0");
        put(&mut object, tags::PIXEL_SPACING, VR::DS, "0.8\\0.7");
        put(&mut object, tags::INSTANCE_NUMBER, VR::IS, self.instance.to_string());
        if let Some(slope) = self.slope {
            put(&mut object, tags::RESCALE_SLOPE, VR::DS, slope);
        }
        if let Some(intercept) = self.intercept {
            put(&mut object, tags::RESCALE_INTERCEPT, VR::DS, intercept);
        }
        if let Some(padding) = self.padding {
            put(&mut object, tags::PIXEL_PADDING_VALUE, VR::US, PrimitiveValue::from(padding));
        }
        object.put(DataElement::new(
            tags::PIXEL_DATA,
            VR::OW,
            PrimitiveValue::U16(self.words.iter().copied().collect()),
        ));
        object
    }

    fn write(&self, path: &Path, transfer_syntax: &str) {
        write(self.object(), path, transfer_syntax);
    }
}

fn image(stored: u16, signed: bool) -> InMemDicomObject {
    let mut object = InMemDicomObject::new_empty();
    put(&mut object, tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.2");
    put(&mut object, tags::SOP_INSTANCE_UID, VR::UI, "1.2.3.4");
    put(&mut object, tags::MODALITY, VR::CS, "CT");
    put(&mut object, tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3");
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, ROWS as u16),
        (tags::COLUMNS, COLUMNS as u16),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, stored),
        (tags::HIGH_BIT, stored - 1),
        (tags::PIXEL_REPRESENTATION, u16::from(signed)),
    ] {
        put(&mut object, tag, VR::US, PrimitiveValue::from(value));
    }
    put(&mut object, tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
    object
}

fn write(object: InMemDicomObject, path: &Path, transfer_syntax: &str) {
    let meta = FileMetaTableBuilder::new().transfer_syntax(transfer_syntax);
    let file = object.with_meta(meta).expect("the meta group is complete");
    file.write_to_file(path).expect("the file is written");
}

fn write_all(folder: &Path, slices: &[Slice]) -> Vec<PathBuf> {
    slices
        .iter()
        .enumerate()
        .map(|(index, slice)| {
            let path = folder.join(format!("{index:03}"));
            slice.write(&path, EXPLICIT_LITTLE);
            path
        })
        .collect()
}

/// Three slices, each as the object that `make` makes of it.
fn three(
    folder: &Path,
    transfer_syntax: &str,
    make: impl Fn(Slice) -> InMemDicomObject,
) -> Vec<PathBuf> {
    let slice = |z: f64| {
        let path = folder.join(format!("{z}"));
        write(make(Slice::at(z)), &path, transfer_syntax);
        path
    };
    [0.0, 3.0, 6.0].map(slice).to_vec()
}

/// Reads the files with their sums and without: one volume, and each file is read once.
fn take(files: &[PathBuf]) -> Result<SeriesImage, IngestError> {
    let policy = GeometryPolicy::default();
    let sums = SourceSums::default();
    let image = read_with_sums(files, None, policy, LIMIT, Some(&sums));
    assert_eq!(image, read(files, None, policy, LIMIT));
    let mut plain: Vec<&PathBuf> = files.iter().filter(|file| file.is_file()).collect();
    plain.sort_unstable();
    plain.dedup();
    if image.is_ok() && plain.len() == files.len() {
        let mut size = 0;
        for file in plain {
            let (sha256, bytes) = sha256_file(file).expect("is readable");
            assert_eq!(sums.sum(file).expect("is known"), SourceObject { bytes, sha256 });
            size += bytes;
        }
        assert_eq!(sums.bytes_read(), size, "every byte once");
    }
    image
}

/// Values in Hounsfield units.
fn units(image: &SeriesImage) -> Vec<f32> {
    let rescale = image.volume.rescale;
    let map = |value: f32| value * rescale.slope + rescale.intercept;
    match &image.volume.voxels {
        Voxels::I16(values) => values.iter().map(|&value| map(f32::from(value))).collect(),
        Voxels::F32(values) => values.iter().map(|&value| map(value)).collect(),
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn names_order_and_depth_of_files_change_nothing(
        names in Just((0..5).collect::<Vec<usize>>()).prop_shuffle(),
        deep in proptest::collection::vec(any::<bool>(), 5),
    ) {
        let folder = folder();
        let slices: Vec<Slice> = (0..5).map(|index| Slice::at(f64::from(index) * 3.0)).collect();
        let straight = write_all(folder.path(), &slices);
        let expected = take(&straight).expect("is read");
        let inside = folder.path().join("deep/er");
        fs::create_dir_all(&inside).expect("a folder");
        let shuffled: Vec<PathBuf> = names
            .iter()
            .zip(&deep)
            .enumerate()
            .map(|(name, (slice, deep))| {
                let below = if *deep { &inside } else { folder.path() };
                let path = below.join(format!("z{name}.IMA"));
                fs::copy(&straight[*slice], &path).expect("is copied");
                path
            })
            .collect();
        let found = take(&shuffled).expect("is read");
        prop_assert_eq!(found.volume, expected.volume);
    }
}

#[test]
fn values_rescale_and_place_are_those_written() {
    let folder = folder();
    let slices: Vec<Slice> = [6.0, 0.0, 3.0].map(Slice::at).to_vec();
    let image = take(&write_all(folder.path(), &slices)).expect("is read");
    assert_eq!(image.volume.dims, [COLUMNS, ROWS, 3]);
    assert_eq!(image.volume.affine.spacing(), [0.7, 0.8, 3.0]);
    assert_eq!(image.volume.affine.origin(), [10.0, 20.0, 0.0]);
    let expected: Vec<f32> = [1, 2, 0]
        .into_iter()
        .flat_map(|index: usize| slices[index].words.clone())
        .map(|word| f32::from(word) - 1024.0)
        .collect();
    assert_eq!(units(&image), expected);
    assert_eq!(image.facts.geometry.verdict, GeometryVerdict::Regular);
}

#[test]
fn sign_and_rescale_hold_slice_by_slice() {
    let folder = folder();
    let mut slices: Vec<Slice> = [0.0, 3.0, 6.0].map(Slice::at).to_vec();
    // The same units in another sign and intercept: integers stay integers.
    slices[1].signed = true;
    slices[1].intercept = Some("0");
    slices[1].words = slices[1].words.iter().map(|word| word.wrapping_sub(1024)).collect();
    let image = take(&write_all(folder.path(), &slices)).expect("is read");
    let formula =
        |z: u16| (0..ROWS * COLUMNS).map(move |index| (index * 7) as f32 + f32::from(z) - 1024.0);
    let expected: Vec<f32> = [0, 3, 6].into_iter().flat_map(formula).collect();
    assert_eq!(units(&image), expected);
    assert!(matches!(image.volume.voxels, Voxels::I16(_)));

    // Another slope: floats, with each slice's own map.
    slices[2].slope = Some("0.5");
    let image = take(&write_all(folder.path(), &slices)).expect("is read");
    let last = units(&image)[2 * ROWS * COLUMNS..].to_vec();
    let expected: Vec<f32> =
        slices[2].words.iter().map(|word| f32::from(*word) * 0.5 - 1024.0).collect();
    assert_eq!(last, expected);
    assert!(matches!(image.volume.voxels, Voxels::F32(_)));
}

#[test]
fn high_unsigned_values_stay_positive() {
    let folder = folder();
    let mut slices: Vec<Slice> = [0.0, 3.0, 6.0].map(Slice::at).to_vec();
    slices[2].words[3] = 65_000;
    let image = take(&write_all(folder.path(), &slices)).expect("is read");
    assert!((units(&image)[2 * ROWS * COLUMNS + 3] - (65_000.0 - 1024.0)).abs() < 1e-6);
}

#[test]
fn overlays_in_the_high_bits_are_masked_and_short_words_extended() {
    let folder = folder();
    let mut slices: Vec<Slice> = [0.0, 3.0, 6.0].map(Slice::at).to_vec();
    for slice in &mut slices {
        slice.stored = 12;
        slice.words[0] = 0x8000 | 0x28;
        slice.words[1] = 0x0fff;
    }
    slices[1].signed = true;
    let files: Vec<PathBuf> = slices
        .iter()
        .enumerate()
        .map(|(index, slice)| {
            let mut object = slice.object();
            // An overlay in bit 15 (PS3.3 section C.9.2).
            put(&mut object, Tag(0x6000, 0x0102), VR::US, PrimitiveValue::from(15_u16));
            let path = folder.path().join(format!("{index}"));
            write(object, &path, EXPLICIT_LITTLE);
            path
        })
        .collect();
    let image = take(&files).expect("is read");
    let units = units(&image);
    let plane = ROWS * COLUMNS;
    assert_eq!(units[..2], [40.0 - 1024.0, 4095.0 - 1024.0]);
    assert_eq!(units[plane..plane + 2], [40.0 - 1024.0, -1.0 - 1024.0]);
}

#[test]
fn padding_below_air_becomes_air_and_is_counted() {
    let folder = folder();
    let mut slices: Vec<Slice> = [0.0, 3.0, 6.0].map(Slice::at).to_vec();
    for slice in &mut slices {
        // -2000 written under US, as implicit files of signed pixels read.
        slice.signed = true;
        slice.intercept = Some("0");
        slice.padding = Some(63_536);
        slice.words[0] = 63_536;
    }
    let image = take(&write_all(folder.path(), &slices)).expect("is read");
    assert!((units(&image)[0] - -1000.0).abs() < 1e-6);
    assert!((image.facts.geometry.padding_fraction - 1.0 / 20.0).abs() < 1e-12);
    assert!((units(&image)[1] - 7.0).abs() < 1e-6, "tissue stays");

    // A padding value within the range of tissue erases nothing.
    for slice in &mut slices {
        slice.padding = Some(7);
    }
    let image = take(&write_all(folder.path(), &slices)).expect("is read");
    assert!((units(&image)[1] - 7.0).abs() < 1e-6);
}

#[test]
fn a_modality_table_is_applied() {
    let folder = folder();
    let files = three(folder.path(), EXPLICIT_LITTLE, |mut slice| {
        (slice.slope, slice.intercept) = (None, None);
        let mut object = slice.object();
        let mut table = InMemDicomObject::new_empty();
        let descriptor = PrimitiveValue::U16([3_u16, 7, 16].into_iter().collect());
        put(&mut table, tags::LUT_DESCRIPTOR, VR::US, descriptor);
        let entries = PrimitiveValue::U16([100_u16, 200, 60_000].into_iter().collect());
        put(&mut table, tags::LUT_DATA, VR::US, entries);
        object.put(DataElement::new(
            tags::MODALITY_LUT_SEQUENCE,
            VR::SQ,
            DataSetSequence::from(vec![table]),
        ));
        object
    });
    let found = units(&take(&files).expect("is read"));
    // Words 0, 7, 14 of the first slice: below the first entry, the first, past the last.
    assert_eq!(found[..3], [100.0, 100.0, 60_000.0]);
    // Words 3 + 0, 3 + 7 of the second: entries 0 and 3, which is past the last.
    assert_eq!(found[20..22], [100.0, 60_000.0]);
}

/// An enhanced image: frames by position, slope and stack.
fn enhanced(frames: &[(f64, &str, &str)]) -> InMemDicomObject {
    let mut object = image(16, true);
    put(&mut object, tags::NUMBER_OF_FRAMES, VR::IS, frames.len().to_string());
    let group = |tag, vr, value: String| {
        let mut item = InMemDicomObject::new_empty();
        put(&mut item, tag, vr, value);
        DataSetSequence::from(vec![item])
    };
    let mut shared = InMemDicomObject::new_empty();
    shared.put(DataElement::new(
        tags::PIXEL_MEASURES_SEQUENCE,
        VR::SQ,
        group(tags::PIXEL_SPACING, VR::DS, "0.8\\0.7".into()),
    ));
    shared.put(DataElement::new(
        tags::PLANE_ORIENTATION_SEQUENCE,
        VR::SQ,
        group(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0".into()),
    ));
    object.put(DataElement::new(
        tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
        VR::SQ,
        DataSetSequence::from(vec![shared]),
    ));
    let items: Vec<InMemDicomObject> = frames
        .iter()
        .map(|(z, slope, stack)| {
            let mut item = InMemDicomObject::new_empty();
            item.put(DataElement::new(
                tags::PLANE_POSITION_SEQUENCE,
                VR::SQ,
                group(tags::IMAGE_POSITION_PATIENT, VR::DS, format!("1\\2\\{z}")),
            ));
            item.put(DataElement::new(
                tags::FRAME_CONTENT_SEQUENCE,
                VR::SQ,
                group(tags::STACK_ID, VR::SH, (*stack).into()),
            ));
            let mut transform = InMemDicomObject::new_empty();
            put(&mut transform, tags::RESCALE_SLOPE, VR::DS, *slope);
            put(&mut transform, tags::RESCALE_INTERCEPT, VR::DS, "-5");
            item.put(DataElement::new(
                tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
                VR::SQ,
                DataSetSequence::from(vec![transform]),
            ));
            item
        })
        .collect();
    object.put(DataElement::new(
        tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
        VR::SQ,
        DataSetSequence::from(items),
    ));
    let words: Vec<u16> = (0..frames.len() * ROWS * COLUMNS).map(|index| index as u16).collect();
    put(&mut object, tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(words.into_iter().collect()));
    object
}

#[test]
fn frames_in_any_order_are_placed_by_their_functional_groups() {
    let folder = folder();
    let path = folder.path().join("enhanced");
    let frames = [(4.0, "1", "1"), (0.0, "2", "1"), (2.0, "1", "1")];
    write(enhanced(&frames), &path, EXPLICIT_LITTLE);
    let image = take(std::slice::from_ref(&path)).expect("is read");
    let plane = ROWS * COLUMNS;
    let expected: Vec<f32> = [(1, 2.0), (2, 1.0), (0, 1.0)]
        .into_iter()
        .flat_map(|(frame, slope)| {
            (0..plane).map(move |index| (frame * plane + index) as f32 * slope - 5.0)
        })
        .collect();
    assert_eq!(units(&image), expected);
    assert_eq!(image.volume.affine.origin(), [-1.0, -2.0, 0.0]);
    assert_eq!(image.volume.affine.spacing(), [0.7, 0.8, 2.0]);
}

#[test]
fn stacks_of_one_file_are_read_one_by_one() {
    let folder = folder();
    let path = folder.path().join("enhanced");
    let frames: Vec<(f64, &str, &str)> =
        [0.0, 2.0, 4.0].into_iter().flat_map(|z| [(z, "1", "first"), (z, "1", "second")]).collect();
    write(enhanced(&frames), &path, EXPLICIT_LITTLE);
    let files = [path];
    assert_eq!(take(&files).expect_err("which one").reason, Reason::MultiStack);
    let plane = ROWS * COLUMNS;
    for stack in 0..2 {
        let image = read(&files, Some(stack), GeometryPolicy::default(), LIMIT).expect("is read");
        let expected: Vec<f32> = (0..3)
            .flat_map(|slice| {
                (0..plane).map(move |index| ((2 * slice + stack) * plane + index) as f32 - 5.0)
            })
            .collect();
        assert_eq!(units(&image), expected);
    }
    assert!(read(&files, Some(2), GeometryPolicy::default(), LIMIT).is_err());
}
