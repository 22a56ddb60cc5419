//! Order, measures, verdicts and remedies on synthetic headers.
#![expect(clippy::float_cmp, reason = "positions are small decimals that every step keeps exactly")]

use std::path::PathBuf;
use std::sync::Arc;

use schemas::manifest::{GeometryPolicy, Remedy};
use schemas::reason::{GeometryVerdict, Reason};

use super::*;
use crate::ingest::dicom::header::{
    Cell, KEYS, KeyValues, PixelLocation, Plane, SliceHeader, Transform,
};

fn header(index: usize, position: [f64; 3]) -> SliceHeader {
    SliceHeader {
        path: PathBuf::from(format!("{index}.dcm")),
        patient_id: String::new(),
        study_uid: String::new(),
        series_uid: String::new(),
        description: String::new(),
        sop_class: String::new(),
        sop_uid: String::new(),
        frame_of_reference: String::new(),
        series_number: None,
        unit: String::new(),
        counted_images: None,
        has_overlay_bits: false,
        cut: false,
        modality: "CT".into(),
        kernel: String::new(),
        image_type: Vec::new(),
        transfer_syntax: "1.2.840.10008.1.2.1".into(),
        rows: 4,
        columns: 5,
        samples: 1,
        instance: None,
        photometric: "MONOCHROME2".into(),
        is_directory: false,
        warnings: Vec::new(),
        cell: Cell { allocated: 16, stored: 16, high_bit: 15, signed: true },
        pixels: Some(PixelLocation {
            offset: 0,
            length: 40,
            present: 40,
            declared_frames: 1,
            encapsulated: false,
            floats: false,
            deflated: false,
            big_endian: false,
        }),
        planes: vec![Arc::new(Plane {
            position: Some(position),
            orientation: Some([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
            pixel_spacing: Some([0.8, 0.7]),
            transform: Transform::Linear { slope: 1.0, intercept: 0.0 },
            rescale_given: [false; 2],
            rescale_fault: None,
            padding: None,
            keys: KeyValues::new(&vec![String::new(); KEYS.len()]),
        })],
    }
}

fn set_key(slice: &mut SliceHeader, key: usize, value: String) {
    let plane = Arc::make_mut(&mut slice.planes[0]);
    let mut values: Vec<String> =
        (0..KEYS.len()).map(|key| plane.keys.get(key).to_owned()).collect();
    values[key] = value;
    plane.keys = KeyValues::new(&values);
}

fn headers(zs: &[f64]) -> Vec<SliceHeader> {
    zs.iter().enumerate().map(|(index, z)| header(index, [-10.0, -20.0, *z])).collect()
}

fn sheared(zs: &[f64]) -> Vec<SliceHeader> {
    let place = |z: &f64| [-10.0, -20.0 + 0.25 * z, *z];
    zs.iter().enumerate().map(|(index, z)| header(index, place(z))).collect()
}

fn divided(headers: Vec<SliceHeader>) -> Vec<Stack> {
    stacks(&headers.into_iter().map(Arc::new).collect::<Vec<_>>())
}

fn one(headers: Vec<SliceHeader>) -> Stack {
    let mut found = divided(headers);
    assert_eq!(found.len(), 1, "one stack is expected");
    found.remove(0)
}

fn policy(remedy: Remedy) -> GeometryPolicy {
    GeometryPolicy { tilt: remedy, gaps: remedy, duplicates: remedy }
}

#[test]
fn slices_are_sorted_by_position_and_placed_in_ras() {
    let stack = one(headers(&[4.0, 0.0, 2.0]));
    assert_eq!(stack.verdict, GeometryVerdict::Regular);
    assert!(stack.facts.regularly_spaced_3d_volume());
    let grid = stack.grid(GeometryPolicy::default()).expect("is regular");
    let order: Vec<String> = grid.frames.iter().map(Frame::name).collect();
    assert_eq!(order, ["`1.dcm`", "`2.dcm`", "`0.dcm`"]);
    assert_eq!(grid.affine.spacing(), [0.7, 0.8, 2.0]);
    assert_eq!(grid.affine.axis_codes(), "LPS");
    assert_eq!(grid.affine.origin(), [10.0, 20.0, 0.0]);
}

#[test]
fn every_bad_stack_has_its_verdict() {
    let verdict = |headers| one(headers).verdict;
    assert_eq!(verdict(headers(&[0.0, 2.0, 2.0, 4.0])), GeometryVerdict::DuplicatePositions);
    assert_eq!(verdict(headers(&[0.0, 2.0, 6.0, 8.0])), GeometryVerdict::MissingSlices);
    assert_eq!(verdict(headers(&[0.0, 2.0, 4.7, 6.0])), GeometryVerdict::Irregular);
    assert_eq!(verdict(headers(&[0.0, 2.0])), GeometryVerdict::NotAVolume);
    assert_eq!(verdict(sheared(&[0.0, 2.0, 4.0])), GeometryVerdict::Tilted);
    let mut scout = headers(&[0.0]);
    scout[0].image_type = vec!["ORIGINAL".into(), "LOCALIZER".into()];
    assert_eq!(verdict(scout), GeometryVerdict::Localizer);
    let mut placeless = headers(&[0.0, 2.0, 4.0]);
    for slice in &mut placeless {
        Arc::make_mut(&mut slice.planes[0]).position = None;
    }
    assert_eq!(verdict(placeless), GeometryVerdict::Irregular);
    let mut coded = headers(&[0.0, 2.0, 4.0]);
    coded[1].transfer_syntax = "1.2.840.10008.1.2.4.201".into();
    coded[1].pixels.as_mut().expect("has pixels").encapsulated = true;
    assert_eq!(verdict(coded), GeometryVerdict::Unsupported);
    let mut wandering = headers(&[0.0, 2.0, 4.0, 6.0]);
    Arc::make_mut(&mut wandering[1].planes[0]).position = Some([-11.0, -20.0, 2.0]);
    assert_eq!(verdict(wandering), GeometryVerdict::Irregular);
}

#[test]
fn measures_are_those_of_the_positions() {
    let facts = one(headers(&[0.0, 2.0, 4.0, 10.0, 12.0])).facts;
    assert_eq!((facts.slices, facts.missing_slices, facts.duplicate_slices), (5, 2, 0));
    assert_eq!((facts.step_mm, facts.step_min_mm, facts.step_max_mm), (2.0, 2.0, 6.0));
    assert!((facts.max_gap_mm - 4.0).abs() < 1e-12);
    let facts = one(sheared(&[0.0, 2.0, 4.0])).facts;
    assert!((facts.tilt_degrees - 0.25_f64.atan().to_degrees()).abs() < 1e-9);
    assert!(facts.consistent_in_plane_row && !facts.consistent_in_plane_col);
}

#[test]
fn phases_at_the_same_positions_become_volumes_of_their_own() {
    let mut both = headers(&[0.0, 2.0, 4.0, 0.0, 2.0, 4.0]);
    for (index, slice) in both.iter_mut().enumerate() {
        // The echo also parts them, but the temporal position is asked first.
        set_key(slice, 1, format!("{}", index / 3));
        set_key(slice, 2, format!("{}", index % 2));
    }
    let found = divided(both);
    assert_eq!(found.len(), 2);
    for (number, stack) in found.iter().enumerate() {
        assert_eq!(stack.verdict, GeometryVerdict::Regular);
        let names: Vec<String> = stack.frames.iter().map(Frame::name).collect();
        let expected: Vec<String> = (0..3).map(|i| format!("`{}.dcm`", 3 * number + i)).collect();
        assert_eq!(names, expected);
    }
}

#[test]
fn repeated_images_of_one_place_are_no_volumes() {
    let mut monitor = headers(&[1.0, 1.0, 1.0, 1.0]);
    for (index, slice) in monitor.iter_mut().enumerate() {
        set_key(slice, 0, format!("{index}"));
    }
    assert_eq!(one(monitor).verdict, GeometryVerdict::DuplicatePositions);
}

#[test]
fn stacks_of_another_orientation_or_spacing_are_parted() {
    let mut mixed = headers(&[0.0, 2.0, 4.0, 0.0]);
    Arc::make_mut(&mut mixed[3].planes[0]).orientation = Some([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]);
    let found = divided(mixed);
    let verdicts: Vec<_> = found.iter().map(|stack| stack.verdict).collect();
    assert_eq!(verdicts, [GeometryVerdict::Regular, GeometryVerdict::MultiStack]);
    let mut zoomed = headers(&[0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
    for slice in &mut zoomed[..3] {
        Arc::make_mut(&mut slice.planes[0]).pixel_spacing = Some([0.5, 0.5]);
    }
    assert_eq!(divided(zoomed).len(), 2);
}

#[test]
fn interleaved_acquisitions_are_parted_only_where_each_is_even() {
    let mut interleaved = headers(&[0.0, 0.3, 2.0, 2.3, 4.0, 4.3]);
    for (index, slice) in interleaved.iter_mut().enumerate() {
        set_key(slice, 0, format!("{}", index % 2));
    }
    assert_eq!(divided(interleaved).len(), 2);
    let mut contiguous = headers(&[0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
    for (index, slice) in contiguous.iter_mut().enumerate() {
        set_key(slice, 0, format!("{}", index / 3));
    }
    assert_eq!(divided(contiguous).len(), 1);
    // Two slabs of another step, one after the other, are one scan of a head.
    let mut slabs = headers(&[0.0, 2.0, 4.0, 5.0, 10.0, 15.0]);
    for (index, slice) in slabs.iter_mut().enumerate() {
        set_key(slice, 0, format!("{}", index / 3));
    }
    assert_eq!(one(slabs).verdict, GeometryVerdict::Irregular);
}

#[test]
fn remedies_give_the_grid_they_promise() {
    let gap = one(headers(&[0.0, 2.0, 4.0, 8.0, 10.0]));
    assert!(gap.grid(GeometryPolicy::default()).is_err());
    let filled = gap.grid(policy(Remedy::Repair)).expect("is filled");
    assert_eq!(filled.targets, Some(vec![0.0, 1.0, 2.0, 2.5, 3.0, 4.0]));
    assert_eq!(filled.affine.spacing(), [0.7, 0.8, 2.0]);
    assert_eq!(filled.repaired.len(), 1);
    let cut = gap.grid(policy(Remedy::Accept)).expect("is cut");
    assert_eq!((cut.frames.len(), cut.targets, cut.repaired.len()), (3, None, 0));
    assert_eq!(cut.warnings.len(), 1);

    let twice = one(headers(&[0.0, 2.0, 2.0, 4.0]));
    let kept = twice.grid(policy(Remedy::Repair)).expect("is thinned");
    let names: Vec<String> = kept.frames.iter().map(Frame::name).collect();
    assert_eq!(names, ["`0.dcm`", "`1.dcm`", "`3.dcm`"]);

    let tilted = one(sheared(&[0.0, 2.0, 4.0]));
    assert!(tilted.grid(policy(Remedy::Repair)).expect("is repaired").unshear);
    let accepted = tilted.grid(policy(Remedy::Accept)).expect("is accepted");
    assert_eq!(accepted.affine.column(2), [0.0, -0.5, 2.0]);
    assert!(!accepted.unshear);
}

#[test]
fn two_faults_need_two_remedies() {
    let both = one(sheared(&[0.0, 2.0, 4.0, 8.0]));
    assert_eq!(both.verdict, GeometryVerdict::MissingSlices);
    let gaps = GeometryPolicy { gaps: Remedy::Repair, ..GeometryPolicy::default() };
    let refused = both.grid(gaps).expect_err("is still tilted");
    assert_eq!(refused.reason, Reason::Tilted);
    assert!(both.grid(policy(Remedy::Repair)).is_ok());
}
