//! What a series is: slices that are lost, doubled, shared, interleaved or rounded, and the choice among series.

use super::*;

#[test]
fn slices_that_are_no_dicom_any_more_make_their_series_incomplete() {
    let whole = series()[9].bytes();
    for (bytes, word) in [
        (Vec::new(), "empty"),
        (whole[..100].to_vec(), "zeros"),
        (vec![0; whole.len()], "zeros"),
        (b"<!DOCTYPE html><html>404</html>".to_vec(), "web page"),
        (whole[..380].to_vec(), "ends inside its header"),
    ] {
        let corpus = Corpus::of(&series());
        corpus.file("a/009.dcm", &bytes);
        let found = corpus.curate();
        found.out("missing_slices", "009.dcm");
        assert!(
            found.excluded.iter().any(|row| row.source == "a/009.dcm" && row.detail.contains(word)),
            "{found:?}"
        );
        // Accepted, the shorter volume says so.
        corpus.with("gaps = \"accept\"").curate().warned("009.dcm");
    }
    // What lies beside and is known to be something else is no slice.
    let corpus = Corpus::of(&series());
    corpus.file("a/readme.txt", b"exported on a Monday");
    corpus.file("list.csv", b"x,y\n1,2\n");
    let found = corpus.curate();
    assert_eq!(found.one().shape, [8, 8, 10]);
    assert_eq!(found.summary["files"]["ignored"]["*.txt"], 1);
    assert_eq!(found.summary["files"]["ignored"]["*.csv"], 1);
}

#[test]
fn slices_without_pixels_or_place_are_missed() {
    let bare = edited(|slice, z| {
        if z > 7 {
            slice.remove(0x7fe0_0010);
        }
    });
    let found = Corpus::of(&bare).curate();
    found.out("missing_slices", "008.dcm");
    found.row("not_a_volume", "009.dcm");
    let placeless = edited(|slice, z| {
        if z % 2 == 1 {
            slice.remove(0x0020_0032);
        }
    });
    Corpus::of(&placeless).curate().out("missing_slices", "ImagePositionPatient");
}

#[test]
fn one_uid_over_two_patients_studies_or_frames_is_never_one_volume() {
    for tag in [0x0010_0020, 0x0020_000d, 0x0020_0052] {
        let slices = edited(|slice, z| {
            slice.text(0x0020_0052, *b"UI", "1.9");
            if z > 4 {
                slice.text(tag, *b"UI", "1.8.5");
            }
        });
        let found = Corpus::of(&slices).curate();
        assert_eq!(found.volumes.len(), 2, "{tag:x}: {found:?}");
        assert!(found.volumes.iter().all(|volume| volume.shape[2] == 5), "{found:?}");
    }
    // Two persons under one study stay two, under the choice of a series, too.
    for lines in ["", "series = \"primary\""] {
        let corpus = Corpus::of(&series()).with(lines);
        let second: Vec<Instance> = (0..8)
            .map(|z| {
                let mut slice = Instance::slice("P2", "8", z, 50);
                slice.text(0x0020_000d, *b"UI", "1.3.2");
                slice
            })
            .collect();
        corpus.put("b", &second);
        let mut found = corpus.curate();
        found.volumes.sort_by(|a, b| a.source.cmp(&b.source));
        let found: Vec<(&str, &str)> = found
            .volumes
            .iter()
            .map(|volume| (volume.source.as_str(), volume.patient.as_str()))
            .collect();
        assert_eq!(found, [("a", "P1"), ("b", "P2")]);
    }
}

#[test]
fn scans_between_each_other_s_slices_and_phases_are_told_apart() {
    let kernels = edited(|slice, z| slice.text(0x0018_1210, *b"SH", ["B30f", "B70f"][z % 2]));
    let found = Corpus::of(&kernels).curate();
    assert_eq!(found.volumes.len(), 2, "{found:?}");
    assert!(
        found.volumes[0].warnings.iter().any(|text| text.contains("ConvolutionKernel")),
        "{found:?}"
    );
    // Acquisitions one after the other are one scan.
    assert_right(&edited(|slice, z| slice.text(0x0020_0012, *b"IS", ["1", "2"][z / 5])));
    for tag in [0x0020_9241, 0x0018_0022] {
        let mut slices = series();
        for slice in &mut slices {
            slice.text(tag, *b"CS", "30");
        }
        slices.extend((0..10).map(|z| {
            let mut slice = Instance::slice("P1", "7", z, 60);
            slice.text(0x0008_0018, *b"UI", &format!("1.2.99.{z}"));
            slice.text(tag, *b"CS", "70");
            slice
        }));
        let found = Corpus::of(&slices).curate();
        assert!(
            found.volumes.len() == 2 && found.volumes.iter().all(|v| v.shape[2] == 10),
            "{found:?}"
        );
    }
}

#[test]
fn the_same_files_twice_are_one_volume_and_other_pixels_are_refused() {
    let corpus = Corpus::of(&series());
    corpus.put("copy", &series());
    let found = corpus.curate();
    found.warned("copies");
    assert_eq!(found.one().shape, [8, 8, 10]);
    assert_eq!(found.excluded.iter().filter(|row| row.reason == "copy").count(), 10);
    let other: Vec<Instance> = (0..10).map(|z| Instance::slice("P1", "7", z, 40)).collect();
    let corpus = Corpus::of(&series());
    corpus.put("b", &other);
    corpus.curate().out("duplicate_positions", "`a/000.dcm` and `b/000.dcm`");
}

#[test]
fn a_series_without_uid_is_named_by_what_it_holds_and_one_uid_a_slice_is_brought_together() {
    let bare = edited(|slice, _| slice.remove(0x0020_000e));
    let names = |folder: &str| {
        let corpus = Corpus::new();
        corpus.put(folder, &bare);
        let found = corpus.curate();
        assert_eq!(found.one().shape, [8, 8, 10]);
        let release = corpus.workspace.path("out/release");
        TableReader::open(&release, "volumes").expect("opens").texts("series_id").expect("is there")
    };
    assert_eq!(names("here"), names("some/where/else"));
    let twice = Corpus::of(&bare);
    twice.put("b", &bare);
    let found = twice.curate();
    found.warned("copies");
    assert_eq!(found.one().shape, [8, 8, 10]);
    let apart = edited(|slice, z| slice.text(0x0020_000e, *b"UI", &format!("1.4.7.{z}")));
    let found = Corpus::of(&apart).curate();
    found.warned("SeriesInstanceUID of its own");
    assert_eq!(found.one().shape, [8, 8, 10]);
}

#[test]
fn rounded_directions_and_places_are_regular_and_real_faults_are_not() {
    for orientation in ["0.98\\0.17\\0\\-0.17\\0.98\\0", "1.006\\0\\0\\0\\1.006\\0"] {
        let found =
            Corpus::of(&edited(|slice, _| slice.text(0x0020_0037, *b"DS", orientation))).curate();
        assert_eq!(found.one().shape, [8, 8, 10]);
    }
    let places = |step: f64, digits: usize| {
        edited(|slice, z| {
            slice.text(
                0x0020_0032,
                *b"DS",
                &format!("-10\\-20\\{:.digits$}", z as f64 * step + 1e-9),
            );
        })
    };
    for (step, digits) in [(0.625, 1), (0.45, 1), (1.0 / 3.0, 2)] {
        let corpus = Corpus::of(&places(step, digits));
        assert_eq!(corpus.curate().one().shape, [8, 8, 10]);
        let release = corpus.workspace.path("out/release");
        let volumes = TableReader::open(&release, "volumes").expect("opens");
        let steps = volumes.f64_arrays::<3>("source_spacing").expect("is there");
        assert!(steps.iter().any(|spacing| (spacing[2] - step).abs() < 0.01), "{steps:?}");
    }
    let mut uneven = places(0.625, 3);
    uneven[4].text(0x0020_0032, *b"DS", "-10\\-20\\2.75");
    Corpus::of(&uneven).curate().out("irregular_geometry", "slice steps");
    let tilted = edited(|slice, _| slice.text(0x0020_0037, *b"DS", "1\\0\\0\\0\\0.9664\\0.2571"));
    Corpus::of(&tilted).curate().out("tilted", "[corpus] tilt");
}

#[test]
fn the_primary_series_is_a_sound_one() {
    let larger = |change: &dyn Fn(&mut Instance)| -> Vec<Instance> {
        (0..12)
            .map(|z| {
                let mut slice = Instance::slice("P1", "8", z, 3);
                slice.text(0x0020_000d, *b"UI", "1.3.2");
                change(&mut slice);
                slice
            })
            .collect()
    };
    let tilted = larger(&|slice| slice.text(0x0020_0037, *b"DS", "1\\0\\0\\0\\0.9664\\0.2571"));
    let pet = larger(&|slice| slice.text(0x0008_0060, *b"CS", "PT"));
    for (slices, word) in [(tilted, "tilted"), (pet, "series_not_chosen")] {
        let corpus = Corpus::of(&series()).with("series = \"primary\"");
        corpus.put("larger", &slices);
        let found = corpus.curate();
        assert_eq!(found.one().source, "a", "{found:?}");
        found.row(word, "larger");
    }
    // Told only when its pixels are read: a JPEG 2000 stream of which nothing is left.
    let corpus = Corpus::of(&series()).with("series = \"primary\"");
    let mut damaged: Vec<Vec<u8>> = larger(&|_| ()).iter().map(Instance::bytes).collect();
    let deflated = |bytes: &mut Vec<u8>| {
        let at = bytes
            .windows(20)
            .position(|window| window == b"1.2.840.10008.1.2.1\0")
            .expect("is there");
        bytes[at..at + 20].copy_from_slice(b"1.2.840.10008.1.2.5\0");
        let pixels = bytes.len() - 2 * SIDE * SIDE;
        bytes.truncate(pixels - 4);
        // One fragment of RLE with a damaged header.
        bytes.extend([0xff; 4]);
        for (tag, content) in
            [([0xfe, 0xff, 0x00, 0xe0], &b""[..]), ([0xfe, 0xff, 0x00, 0xe0], &[7; 64])]
        {
            bytes.extend(tag);
            bytes.extend((content.len() as u32).to_le_bytes());
            bytes.extend(content);
        }
        bytes.extend([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
    };
    damaged.iter_mut().for_each(deflated);
    for (z, bytes) in damaged.iter().enumerate() {
        corpus.file(&format!("larger/{z:03}.dcm"), bytes);
    }
    let found = corpus.curate();
    found.warned("was preferred and is refused");
    assert_eq!(found.one().source, "a");
    found.row("volume_corrupt", "RLE");
}
