//! Kinds of odd inputs that public reports tell of, made in code: each is read right, or refused with its name. None is lost
//! or read wrongly without a word.
#![expect(
    clippy::float_cmp,
    reason = "values are whole Hounsfield units, which every step keeps exactly"
)]

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipeline::ingest::{Acquisition, ReadOptions, SeriesSource, nifti, read_series};
use pipeline::release::TableReader;
use pipeline::volume::{Affine, Voxels};
use schemas::manifest::LimitsSection;
use serde_json::Value;

use crate::support::{Workspace, json, run, text, write};

const SIDE: usize = 8;
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const STEP: f64 = 2.5;

/// Hounsfield units of a slice: air, a body with a ramp along each axis, lung and bone; every slice and flip differs.
fn hounsfield(z: usize, seed: i16) -> Vec<i16> {
    let value = |at: usize| {
        let (x, y) = (at % SIDE, at / SIDE);
        match (x, y) {
            (0 | 7, _) | (_, 0 | 7) => -1000,
            (1 | 2, 1..=3) => -800 - z as i16,
            (5 | 6, 5 | 6) => 700 + z as i16,
            _ => 40 + seed + (x + 2 * y + 3 * z) as i16,
        }
    };
    (0..SIDE * SIDE).map(value).collect()
}

/// The elements of one instance, in explicit little endian.
#[derive(Clone)]
struct Instance(Vec<(u32, [u8; 2], Vec<u8>)>);

impl Instance {
    /// A sound slice of patient `patient`, its place by its number.
    fn slice(patient: &str, series: &str, z: usize, seed: i16) -> Self {
        let mut slice = Self(Vec::new());
        for (tag, vr, value) in [
            (0x0008_0008, *b"CS", "ORIGINAL\\PRIMARY\\AXIAL".to_owned()),
            (0x0008_0016, *b"UI", CT.into()),
            (0x0008_0018, *b"UI", format!("1.2.{series}.{z}")),
            (0x0008_0060, *b"CS", "CT".into()),
            (0x0010_0020, *b"LO", patient.into()),
            (0x0020_000d, *b"UI", format!("1.3.{}", patient.len())),
            (0x0020_000e, *b"UI", format!("1.4.{series}")),
            (0x0020_0013, *b"IS", (z + 1).to_string()),
            (0x0020_0032, *b"DS", format!("-10\\-20\\{}", z as f64 * STEP)),
            (0x0020_0037, *b"DS", "1\\0\\0\\0\\1\\0".into()),
            (0x0028_0030, *b"DS", "0.8\\0.8".into()),
            (0x0028_0004, *b"CS", "MONOCHROME2".into()),
            (0x0028_1052, *b"DS", "-1024".into()),
            (0x0028_1053, *b"DS", "1".into()),
        ] {
            slice.text(tag, vr, &value);
        }
        for (tag, value) in [
            (0x0028_0002, 1),
            (0x0028_0010, SIDE as u16),
            (0x0028_0011, SIDE as u16),
            (0x0028_0100, 16),
            (0x0028_0101, 16),
            (0x0028_0102, 15),
            (0x0028_0103, 0),
        ] {
            slice.set(tag, *b"US", value.to_le_bytes().to_vec());
        }
        slice.stored(&hounsfield(z, seed).iter().map(|hu| (hu + 1024) as u16).collect::<Vec<_>>());
        slice
    }

    fn set(&mut self, tag: u32, vr: [u8; 2], value: Vec<u8>) {
        self.remove(tag);
        self.0.push((tag, vr, value));
    }

    fn text(&mut self, tag: u32, vr: [u8; 2], value: &str) {
        self.set(tag, vr, value.as_bytes().to_vec());
    }

    fn remove(&mut self, tag: u32) {
        self.0.retain(|(other, ..)| *other != tag);
    }

    fn stored(&mut self, words: &[u16]) {
        self.set(0x7fe0_0010, *b"OW", words.iter().flat_map(|word| word.to_le_bytes()).collect());
    }

    fn bytes(&self) -> Vec<u8> {
        let mut elements = self.0.clone();
        elements.sort_by_key(|(tag, ..)| *tag);
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        let syntax = b"1.2.840.10008.1.2.1\0".to_vec();
        for (tag, vr, value) in std::iter::once((0x0002_0010, *b"UI", syntax)).chain(elements) {
            bytes.extend(((tag >> 16) as u16).to_le_bytes());
            bytes.extend((tag as u16).to_le_bytes());
            bytes.extend(vr);
            let pad = if vr == *b"UI" || vr == *b"OW" { 0 } else { b' ' };
            let length = value.len().next_multiple_of(2);
            if vr == *b"OW" {
                bytes.extend([0, 0]);
                bytes.extend((length as u32).to_le_bytes());
            } else {
                bytes.extend((length as u16).to_le_bytes());
            }
            bytes.extend(&value);
            bytes.resize(bytes.len() + length - value.len(), pad);
        }
        bytes
    }
}

/// A series of ten slices of patient `P1`.
fn series() -> Vec<Instance> {
    (0..10).map(|z| Instance::slice("P1", "7", z, 0)).collect()
}

fn edited(edit: impl Fn(&mut Instance, usize)) -> Vec<Instance> {
    let mut slices = series();
    slices.iter_mut().enumerate().for_each(|(z, slice)| edit(slice, z));
    slices
}

/// A corpus of one folder `a`, beside a sound companion, and what becomes of it.
struct Corpus {
    workspace: Workspace,
    lines: String,
}

impl Corpus {
    fn new() -> Self {
        let corpus = Self { workspace: Workspace::new(), lines: String::new() };
        let companion: Vec<Instance> =
            (0..4).map(|z| Instance::slice("companion", "9", z, 3)).collect();
        corpus.put("good", &companion);
        corpus
    }

    /// A corpus whose folder `a` holds these slices.
    fn of(slices: &[Instance]) -> Self {
        let corpus = Self::new();
        corpus.put("a", slices);
        corpus
    }

    fn with(mut self, lines: &str) -> Self {
        self.lines = lines.into();
        self
    }

    fn root(&self) -> PathBuf {
        self.workspace.path("corpus")
    }

    fn put(&self, folder: &str, slices: &[Instance]) {
        for (z, slice) in slices.iter().enumerate() {
            self.file(&format!("{folder}/{z:03}.dcm"), &slice.bytes());
        }
    }

    fn file(&self, name: &str, bytes: &[u8]) {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().expect("is in a folder")).expect("makes folders");
        write(&path, bytes);
    }

    fn curate(&self) -> Curated {
        self.curate_as("dicom-tree", "native")
    }

    fn curate_as(&self, layout: &str, preset: &str) -> Curated {
        let manifest = self.workspace.path("manifest.toml");
        let content = format!(
            "version = 1\nname = \"odd\"\n[corpus]\nlayout = \"{layout}\"\nroot = \"corpus\"\n{}\n[report]\n\
             keep_without_report = true\n[[view]]\nname = \"v\"\npreset = \"{preset}\"\n[release]\nout = \"out\"\n",
            self.lines
        );
        write(&manifest, content.as_bytes());
        let finished = run(&["curate", text(&manifest), "--json", "--threads", "1"]);
        assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
        let summary = json(&finished);
        let release = self.workspace.path("out/release");
        let read = |table: &str, column: &str| {
            TableReader::open(&release, table).expect("opens").texts(column).expect("is there")
        };
        let lists = |table: &str, column: &str| {
            TableReader::open(&release, table).expect("opens").text_lists(column).expect("is there")
        };
        let shapes = TableReader::open(&release, "volumes").expect("opens");
        let shapes = shapes.u32_triples("source_shape").expect("is there");
        let patients = read("volumes", "patient_key");
        let warnings = lists("volumes", "warnings");
        let sources = read("volumes", "source");
        let volumes = patients.into_iter().zip(shapes).zip(warnings).zip(sources);
        let volumes = volumes
            .map(|(((patient, shape), warnings), source)| Volume {
                patient,
                shape,
                warnings,
                source,
            })
            .filter(|volume| volume.patient != "companion")
            .collect();
        let rows = read("excluded", "source").into_iter().zip(read("excluded", "reason"));
        let rows = rows.zip(read("excluded", "detail"));
        let excluded =
            rows.map(|((source, reason), detail)| Row { source, reason, detail }).collect();
        // Every file is in one place of the account.
        let files = &summary["files"];
        let ignored: u64 =
            files["ignored"].as_object().expect("counts").values().filter_map(Value::as_u64).sum();
        let sum = files["used"].as_u64().expect("counts")
            + files["excluded"].as_u64().expect("counts")
            + ignored;
        assert_eq!(Some(sum), files["found"].as_u64(), "{summary}");
        Curated { volumes, excluded, summary }
    }
}

#[derive(Debug)]
struct Volume {
    patient: String,
    shape: [u32; 3],
    warnings: Vec<String>,
    source: String,
}

#[derive(Debug)]
struct Row {
    source: String,
    reason: String,
    detail: String,
}

#[derive(Debug)]
struct Curated {
    volumes: Vec<Volume>,
    excluded: Vec<Row>,
    summary: Value,
}

impl Curated {
    /// The only volume there is.
    fn one(&self) -> &Volume {
        assert_eq!(self.volumes.len(), 1, "{self:?}");
        &self.volumes[0]
    }

    fn warned(&self, word: &str) {
        assert!(self.one().warnings.iter().any(|text| text.contains(word)), "`{word}`: {self:?}");
    }

    /// The series is out under this reason, and the row says the word.
    fn out(&self, reason: &str, word: &str) {
        assert!(self.volumes.is_empty(), "{self:?}");
        self.row(reason, word);
    }

    fn row(&self, reason: &str, word: &str) {
        let has = |row: &Row| {
            row.reason == reason && (row.detail.contains(word) || row.source.contains(word))
        };
        assert!(self.excluded.iter().any(has), "{reason} `{word}`: {:?}", self.excluded);
    }
}

/// Hounsfield units of the series in a folder, slices from the feet up, as the reader gives them.
fn read(folder: &Path) -> Result<Vec<f32>, String> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("lists").map(|e| e.expect("lists").path()).collect();
    files.sort();
    let options = ReadOptions::with_limits(&LimitsSection::default());
    let image = read_series(&SeriesSource::Dicom(files), &Acquisition::default(), &options);
    let volume = image.map_err(|error| error.to_string())?.volume;
    let map = |value: f32| value * volume.rescale.slope + volume.rescale.intercept;
    Ok(match &volume.voxels {
        Voxels::I16(values) => values.iter().map(|value| map(f32::from(*value))).collect(),
        Voxels::F32(values) => values.iter().map(|value| map(*value)).collect(),
    })
}

fn expected(seed: i16) -> Vec<f32> {
    (0..10).flat_map(|z| hounsfield(z, seed)).map(f32::from).collect()
}

fn assert_right(slices: &[Instance]) {
    let corpus = Corpus::of(slices);
    assert_eq!(read(&corpus.root().join("a")).expect("is read"), expected(0));
    assert_eq!(corpus.curate().one().shape, [8, 8, 10]);
}

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
fn decimals_with_the_liberties_of_real_files_are_read_or_refused_never_guessed() {
    for intercept in ["-1024,0", "-1024\r\n", "\u{a0}-1024\u{a0}", "-1024 HU"] {
        assert_right(&edited(|slice, _| slice.text(0x0028_1052, *b"DS", intercept)));
    }
    assert_right(&edited(|slice, z| {
        slice.text(
            0x0020_0032,
            *b"DS",
            &format!("-10\\-20\\{}", z as f64 * STEP).replace('.', ","),
        );
    }));
    for (intercept, word) in [("", "blank"), ("-1.024,0", "not a number"), ("none", "not a number")]
    {
        let slices = edited(|slice, _| slice.text(0x0028_1052, *b"DS", intercept));
        Corpus::of(&slices).curate().out("ambiguous_intensity", word);
    }
    let half = edited(|slice, z| {
        if z % 2 == 1 {
            slice.remove(0x0028_1052);
        }
    });
    Corpus::of(&half).curate().out("ambiguous_intensity", "RescaleIntercept stands in");
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
fn what_is_no_ct_never_enters_as_hounsfield_units() {
    type Change<'a> = &'a dyn Fn(&mut Instance);
    let kinds: [(&str, Change<'_>); 5] = [
        ("a segmentation", &|slice| {
            slice.text(0x0008_0016, *b"UI", "1.2.840.10008.5.1.4.1.1.66.4");
        }),
        ("a secondary capture", &|slice| {
            slice.text(0x0008_0016, *b"UI", "1.2.840.10008.5.1.4.1.1.7");
        }),
        ("unit of its values is MGML", &|slice| slice.text(0x0028_1054, *b"LO", "MGML")),
        ("unit of its values is not named", &|slice| slice.text(0x0008_0060, *b"CS", "MR")),
        ("windowed picture", &|slice| {
            for (tag, value) in [(0x0028_0100, 8_u16), (0x0028_0101, 8), (0x0028_0102, 7)] {
                slice.set(tag, *b"US", value.to_le_bytes().to_vec());
            }
            slice.remove(0x0028_1052);
            slice.remove(0x0028_1053);
        }),
    ];
    for (word, change) in kinds {
        let found = Corpus::of(&edited(|slice, _| change(slice))).curate_as("dicom-tree", "mg3d");
        assert!(found.volumes.is_empty(), "{word}: {found:?}");
        assert!(
            found.excluded.iter().any(|row| row.source == "a" && row.detail.contains(word)),
            "{word}: {found:?}"
        );
    }
    // Without a window the values are kept as they are, and the unit is named.
    let pet = edited(|slice, _| {
        slice.text(0x0008_0060, *b"CS", "PT");
        slice.text(0x0054_1001, *b"CS", "BQML");
        slice.text(0x0028_1053, *b"DS", "40");
    });
    let found = Corpus::of(&pet).curate();
    found.warned("BQML");
    found.warned("16 bits");
    let corpus = Corpus::of(&pet).with("modality = [\"CT\"]");
    corpus.curate().out("series_not_chosen", "asks for CT");
}

#[test]
fn values_above_the_stored_bits_are_kept_and_an_overlay_is_not() {
    let twelve = |slice: &mut Instance| {
        slice.set(0x0028_0101, *b"US", 12_u16.to_le_bytes().to_vec());
        slice.set(0x0028_0102, *b"US", 11_u16.to_le_bytes().to_vec());
    };
    let metal = edited(|slice, z| {
        twelve(slice);
        let mut words: Vec<u16> = hounsfield(z, 0).iter().map(|hu| (hu + 1024) as u16).collect();
        words[27] = 6024;
        slice.stored(&words);
    });
    let corpus = Corpus::of(&metal);
    corpus.curate().warned("BitsStored 12");
    assert_eq!(read(&corpus.root().join("a")).expect("is read")[27], 5000.0);
    assert_right(&edited(|slice, z| {
        twelve(slice);
        slice.set(0x6000_0102, *b"US", 15_u16.to_le_bytes().to_vec());
        let words = hounsfield(z, 0).into_iter().map(|hu| (hu + 1024) as u16 | 0x8000);
        slice.stored(&words.collect::<Vec<_>>());
    }));
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

#[test]
fn names_in_other_letters_stay_apart_and_are_found_in_reports() {
    let of = |patient: &[u8], series: &str| -> Vec<Instance> {
        (0..4)
            .map(|z| {
                let mut slice = Instance::slice("P1", series, z, 0);
                slice.text(0x0008_0005, *b"CS", "ISO_IR 100");
                slice.set(0x0010_0020, *b"LO", patient.to_vec());
                slice.text(0x0020_000d, *b"UI", &format!("1.3.{series}"));
                slice.set(0x0010_0010, *b"PN", b"M\xfc\xdfigbrod^J\xf6rg".to_vec());
                slice
            })
            .collect()
    };
    let corpus = Corpus::of(&of(b"M\xdcLLER01", "21"));
    corpus.put("b", &of(b"M\xd6LLER01", "22"));
    corpus.file(
        "reports.csv",
        "StudyInstanceUID,findings,impression\n1.3.21,Jörg Müßigbrod was scanned.,No nodule.\n"
            .as_bytes(),
    );
    let columns = "reports = [\"reports.csv\"]\n[corpus.columns]\nvolume = \"StudyInstanceUID\"\nfindings = \"findings\"\nimpression = \"impression\"";
    let corpus = corpus.with(columns);
    let found = corpus.curate();
    let mut patients: Vec<&str> =
        found.volumes.iter().map(|volume| volume.patient.as_str()).collect();
    patients.sort_unstable();
    assert_eq!(patients, ["MÖLLER01", "MÜLLER01"]);
    let release = corpus.workspace.path("out/release");
    let kinds =
        TableReader::open(&release, "identifiers").expect("opens").texts("kind").expect("is there");
    assert!(kinds.iter().any(|kind| kind == "own"), "{kinds:?}");
}

#[test]
fn archives_packed_files_and_strangers_are_read_or_listed() {
    let files: Vec<(String, Vec<u8>)> = series()
        .iter()
        .enumerate()
        .map(|(z, slice)| (format!("{z:03}.dcm"), slice.bytes()))
        .collect();
    let zip = |files: &[(String, Vec<u8>)]| {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            archive
                .start_file(name.as_str(), zip::write::SimpleFileOptions::default())
                .expect("begins");
            archive.write_all(bytes).expect("writes");
        }
        archive.finish().expect("ends").into_inner()
    };
    let nested = zip(&[("inner.zip".into(), zip(&files))]);
    let mut tar = Vec::new();
    for (name, bytes) in &files {
        let mut head = [0_u8; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[100..107].copy_from_slice(b"0000644");
        head[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        head[156] = b'0';
        head[257..263].copy_from_slice(b"ustar\0");
        head[148..156].fill(b' ');
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        tar.extend(head);
        tar.extend(bytes);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    for (name, bytes) in [("a.zip", &nested), ("a.ZIP", &zip(&files)), ("a.tar", &tar)] {
        let corpus = Corpus::new();
        corpus.file(name, bytes);
        assert_eq!(corpus.curate().one().shape, [8, 8, 10], "{name}");
        let root = corpus.root();
        let inspected = run(&["inspect", text(&root.join(name)), "--json"]);
        assert_eq!(json(&inspected)["verdict"], "regular", "{name}");
    }
    let corpus = Corpus::of(&series());
    let whole = zip(&files);
    corpus.file("cut.zip", &whole[..whole.len() - 300]);
    corpus.file("picture.png", b"\x89PNG\r\n\x1a\n");
    corpus.file("unknown.bin", &[1, 2, 3, 255]);
    corpus.file("volume.nii.gz", b"version https://git-lfs.github.com/spec/v1\n");
    let found = corpus.curate();
    assert_eq!(found.one().shape, [8, 8, 10]);
    for (source, word) in [
        ("cut.zip", "archive"),
        ("picture.png", "PNG"),
        ("unknown.bin", "no known kind"),
        ("volume.nii.gz", "layout"),
    ] {
        let row = found.excluded.iter().find(|row| row.source == source);
        assert!(row.is_some_and(|row| row.detail.contains(word)), "{source}: {:?}", found.excluded);
    }
    let corpus = Corpus::of(&series()).with("ignore = [\"cut.zip\", \"odd/*\"]");
    corpus.file("cut.zip", &whole[..400]);
    corpus.file("odd/x.bin", &[1, 2]);
    let found = corpus.curate();
    assert_eq!(found.summary["files"]["ignored"]["cut.zip"], 1);
    assert_eq!(found.summary["files"]["ignored"]["odd/*"], 1);
}

#[cfg(unix)]
#[test]
fn pipes_links_and_names_that_are_no_text_are_listed_and_never_waited_for() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let corpus = Corpus::new();
    let folder = corpus.root().join(OsStr::from_bytes(b"Sch\xe4del"));
    std::fs::create_dir_all(&folder).expect("makes");
    for (z, slice) in series().iter().enumerate() {
        write(&folder.join(format!("{z}.dcm")), &slice.bytes());
    }
    let made = std::process::Command::new("mkfifo").arg(folder.join("10.dcm")).status();
    assert!(made.expect("runs").success());
    std::os::unix::fs::symlink("nowhere", corpus.root().join("link")).expect("links");
    let found = corpus.curate();
    assert_eq!(found.one().source, "Sch\\xE4del");
    found.row("volume_unsupported", "a named pipe");
    found.row("volume_unsupported", "leads nowhere");
    assert_eq!(
        json(&run(&["inspect", text(&corpus.root().join("good")), "--json"]))["verdict"],
        "regular"
    );
}

#[test]
fn headers_that_claim_too_much_cost_nothing() {
    let mut slice = Instance::slice("P1", "7", 0, 0);
    slice.text(0x0028_0008, *b"IS", "2147483647");
    let corpus = Corpus::of(&series());
    corpus.file("claims/1.dcm", &slice.bytes());
    let inspected = json(&run(&["inspect", text(&corpus.root().join("claims/1.dcm")), "--json"]));
    assert_eq!(inspected["verdict"], "truncated", "{inspected}");
}

#[test]
fn what_the_system_does_not_give_ends_the_run_and_not_the_series() {
    let corpus = Corpus::of(&series());
    let undisturbed = corpus.curate().summary["release_id"].clone();
    let manifest = corpus.workspace.path("manifest.toml");
    std::fs::remove_dir_all(corpus.workspace.path("out")).expect("removes");
    // Too few open files for anything.
    let shell = format!(
        "ulimit -n 8; exec {} curate {} --json --threads 1",
        env!("CARGO_BIN_EXE_radloom"),
        text(&manifest)
    );
    let limited = std::process::Command::new("sh").args(["-c", &shell]).output().expect("runs");
    if limited.status.code() != Some(0) {
        assert_eq!(limited.status.code(), Some(1), "{}", String::from_utf8_lossy(&limited.stderr));
        assert!(!corpus.workspace.path("out/release").is_dir());
    }
    assert_eq!(corpus.curate().summary["release_id"], undisturbed);
}

#[test]
fn damage_at_random_gives_no_wrong_volume_without_a_word() {
    let rounds = std::env::var("RADLOOM_DAMAGED_CORPORA")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(24);
    let right: Arc<Vec<f32>> = Arc::new(expected(0));
    for seed in 0..rounds {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed + 1);
        let mut draw = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let corpus = Corpus::of(&series());
        let folder = corpus.root().join("a");
        let path = |z: usize| folder.join(format!("{z:03}.dcm"));
        // Nothing tells that the last slice is not there: numbers go up to where they end.
        let z = draw(9);
        let mut bytes = std::fs::read(path(z)).expect("reads");
        match draw(7) {
            0 => bytes.truncate(draw(bytes.len())),
            1 => bytes.fill(0),
            2 => {
                let at = draw(bytes.len() - 16);
                bytes[at..at + 16].fill(0);
            }
            3 => {
                std::fs::remove_file(path(z)).expect("removes");
                bytes.clear();
            }
            4 => write(&folder.join("again.dcm"), &bytes),
            5 => std::fs::rename(path(z), folder.join("zzz")).expect("renames"),
            _ => {
                let other = std::fs::read(path((z + 1) % 10)).expect("reads");
                let head = bytes.len() - 2 * SIDE * SIDE;
                bytes[..head].copy_from_slice(&other[..head]);
            }
        }
        if !bytes.is_empty() && path(z).is_file() {
            write(&path(z), &bytes);
        }
        let found = corpus.curate();
        for volume in &found.volumes {
            // A slice may lose a tag that no voxel depends on, or pixels of its own; then nothing can tell. What may not be is
            // another number of slices without a warning.
            let whole = volume.shape == [8, 8, 10];
            assert!(whole || !volume.warnings.is_empty(), "seed {seed}: {found:?}");
        }
        if let ([volume], Ok(values)) = (&found.volumes[..], read(&folder))
            && volume.shape == [8, 8, 10]
            && volume.warnings.is_empty()
        {
            let wrong = values.iter().zip(right.iter()).filter(|(a, b)| a != b).count();
            // Sixteen zeroed bytes touch nine voxels at most.
            assert!(wrong <= 9, "seed {seed}: {wrong} voxels differ without a word");
        }
    }
}

#[test]
fn what_a_run_writes_is_no_part_of_its_corpus() {
    let corpus = Corpus::of(&series());
    // The corpus is all of the folder in which the manifest and the output lie.
    let summaries: Vec<Value> = (0..2)
        .map(|_| {
            let manifest = corpus.workspace.path("here.toml");
            let content = "version = 1\nname = \"odd\"\n[corpus]\nlayout = \"dicom-tree\"\nroot = \".\"\n[report]\n\
                           keep_without_report = true\n[[view]]\nname = \"v\"\npreset = \"native\"\n[release]\nout = \"out\"\n";
            write(&manifest, content.as_bytes());
            json(&run(&["curate", text(&manifest), "--json", "--threads", "1"]))
        })
        .collect();
    assert_eq!(summaries[0]["files"], summaries[1]["files"]);
    assert_eq!(summaries[0]["release_id"], summaries[1]["release_id"]);
}

#[test]
fn the_docs_list_every_name_that_is_ignored() {
    let docs =
        std::fs::read_to_string(crate::support::repository("docs/inputs.md")).expect("reads");
    for pattern in pipeline::ingest::IGNORED {
        assert!(docs.contains(&format!("`{pattern}`")), "{pattern}");
    }
}

#[test]
fn a_bids_tree_gives_subjects_sessions_and_modalities() {
    let corpus = Corpus::new();
    let affine =
        Affine::from_columns([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]], [0.0; 3]);
    let bytes: Vec<u8> = (0..8 * 8 * 10).flat_map(|at: i16| (at * 3).to_le_bytes()).collect();
    for name in [
        "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz",
        "sub-02/anat/sub-02_ct.nii.gz",
        "derivatives/masks/sub-01/anat/sub-01_mask.nii.gz",
        "sub-02/anat/scan.nii.gz",
    ] {
        let path = corpus.root().join(name);
        std::fs::create_dir_all(path.parent().expect("is in a folder")).expect("makes folders");
        nifti::write(&path, &bytes, 4, [8, 8, 10, 1], affine).expect("writes");
    }
    corpus.file("sub-01/ses-a/anat/sub-01_ses-a_T1w.json", b"{\"Modality\": \"MR\"}");
    corpus.file("dataset_description.json", b"{}");
    let corpus = corpus.with("intensity = \"hounsfield\"");
    let found = corpus.curate_as("bids", "native");
    let mut patients: Vec<(&str, bool)> = found
        .volumes
        .iter()
        .map(|volume| {
            (
                volume.patient.as_str(),
                volume.warnings.iter().any(|text| text.contains("not Hounsfield")),
            )
        })
        .collect();
    patients.sort_unstable();
    assert_eq!(patients, [("sub-01", true), ("sub-02", false)]);
    found.row("unknown_name", "derivatives");
    found.row("unknown_name", "`scan` is not");
    let found =
        corpus.with("intensity = \"hounsfield\"\nmodality = [\"CT\"]").curate_as("bids", "native");
    found.row("series_not_chosen", "asks for CT");
    assert_eq!(found.one().patient, "sub-02");
}

#[test]
fn tables_name_files_and_what_they_miss_is_listed() {
    let corpus = Corpus::of(&series());
    corpus.put("b", &(0..4).map(|z| Instance::slice("P2", "8", z, 9)).collect::<Vec<_>>());
    corpus.file(
        "rows.csv",
        b"path,series,study,patient,split\na,s1,e1,p1,train\ngood,s2,e2,companion,train\nnone,s3,e3,p3,train\na,s1,e1,p1,train\n",
    );
    let found = corpus.with("rows = [\"rows.csv\"]").curate_as("table", "native");
    assert_eq!((found.one().patient.as_str(), found.one().shape), ("p1", [8, 8, 10]));
    found.row("unknown_name", "row 3 of `rows.csv`");
    found.row("unknown_name", "no row of");
    assert_eq!(found.excluded.iter().filter(|row| row.source.starts_with("b/")).count(), 4);
}

#[test]
fn a_csv_with_an_open_quotation_mark_or_a_ragged_row_is_refused_with_its_line() {
    for (content, word) in [
        (
            "StudyInstanceUID,findings,impression\n1.3.2,\"No nodule.,Clear.\n1.3.9,Clear.,Clear.\n",
            "line 2",
        ),
        ("StudyInstanceUID,findings,impression\n1.3.2,No nodule.\n", "line 2"),
    ] {
        let corpus = Corpus::of(&series());
        corpus.file("reports.csv", content.as_bytes());
        let manifest = corpus.workspace.path("manifest.toml");
        let toml = "version = 1\nname = \"odd\"\n[corpus]\nlayout = \"dicom-tree\"\nroot = \"corpus\"\nreports = [\"reports.csv\"]\n\
                    [corpus.columns]\nvolume = \"StudyInstanceUID\"\nfindings = \"findings\"\nimpression = \"impression\"\n\
                    [[view]]\nname = \"v\"\npreset = \"native\"\n[release]\nout = \"out\"\n";
        write(&manifest, toml.as_bytes());
        let finished = run(&["curate", text(&manifest)]);
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        assert!(finished.stderr.contains(word), "{}", finished.stderr);
    }
}
