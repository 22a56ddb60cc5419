//! Kinds of odd inputs that public reports tell of, made in code: each is read right, or refused with its name. None is lost
//! or read wrongly without a word.
#![expect(
    clippy::float_cmp,
    reason = "values are whole Hounsfield units, which every step keeps exactly"
)]

mod files;
mod series;
mod system;
mod values;

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
