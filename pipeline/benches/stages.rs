//! Time of the inner work of each stage: `cargo bench -p radloom-pipeline`. Figures of one machine are kept in
//! `docs/benchmarks/stages.txt`.

use std::io::Write;
use std::sync::OnceLock;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use flate2::Compression;
use flate2::write::GzEncoder;
use radloom_pipeline::graph::gate;
use radloom_pipeline::report::{ReportDocument, ReportParser, to_json_line};
use radloom_pipeline::shard::{SampleIds, VoxelWriter};
use radloom_pipeline::volume::{Affine, Volume, Voxels, make_view};
use schemas::ids::{PatientKey, SampleId, SeriesId, StudyId};
use schemas::manifest::Preset;
use schemas::rescale::Rescale;

fn main() {
    divan::main();
}

const DIMS: [usize; 3] = [256, 256, 128];

/// A ball of soft tissue in air, with noise that every run makes alike.
fn volume() -> Volume {
    let mut state = 1_u32;
    let mut voxels = Vec::with_capacity(DIMS.iter().product());
    for z in 0..DIMS[2] {
        for y in 0..DIMS[1] {
            for x in 0..DIMS[0] {
                let from_centre =
                    [(x, 0), (y, 1), (z, 2)].map(|(at, axis)| at as f32 / DIMS[axis] as f32 - 0.5);
                let inside = from_centre.iter().map(|part| part * part).sum::<f32>() < 0.16;
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 27) as i16;
                voxels.push(noise + if inside { 40 } else { -1000 });
            }
        }
    }
    let affine =
        Affine::from_columns([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 2.0]], [0.0; 3]);
    Volume { voxels: Voxels::I16(voxels), dims: DIMS, affine, rescale: Rescale::IDENTITY }
}

fn stored() -> &'static Volume {
    static STORED: OnceLock<Volume> = OnceLock::new();
    STORED.get_or_init(volume)
}

const BYTES: usize = DIMS[0] * DIMS[1] * DIMS[2] * 2;

#[divan::bench(args = [1, 2])]
fn gunzip(bencher: Bencher<'_, '_>, threads: usize) {
    let Voxels::I16(voxels) = &stored().voxels else { return };
    let bytes: Vec<u8> = voxels.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&bytes).expect("memory takes it");
    let file = encoder.finish().expect("memory takes it");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    bencher
        .counter(BytesCount::new(BYTES))
        .with_inputs(|| (file.clone(), vec![0; BYTES]))
        .bench_refs(|(file, target)| {
            let decoder = gzip::Decoder::new(threads);
            pool.install(|| assert!(decoder.decode_exactly(file, target, 0)));
        });
}

#[divan::bench(args = [Preset::Native, Preset::Mg3d, Preset::Merlin, Preset::NnunetCt])]
fn view(bencher: Bencher<'_, '_>, preset: Preset) {
    let recipe = preset.recipe();
    bencher.counter(BytesCount::new(BYTES)).bench(|| make_view(black_box(stored()), &recipe));
}

#[divan::bench]
fn shard(bencher: Bencher<'_, '_>) {
    let recipe = Preset::Mg3d.recipe();
    let tensor = make_view(stored(), &recipe);
    let hash = tensor.xxh3();
    let series = SeriesId("s".into());
    let (study, patient) = (StudyId("t".into()), PatientKey("p".into()));
    let sample = SampleId::new(&series, "mg3d");
    let ids = || SampleIds { sample: &sample, series: &series, study: &study, patient: &patient };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shard.arrow");
    bencher.counter(BytesCount::new(tensor.bytes.len() * 8)).bench(|| {
        let mut writer = VoxelWriter::create(&path, "mg3d", &recipe).expect("a file");
        for _ in 0..8 {
            writer.push(ids(), &tensor, hash).expect("is written");
        }
        writer.finish().expect("is written")
    });
}

const REPORT: &str = "Findings: The heart is normal in size. There is a 12 x 8 mm nodule in the right upper lobe, \
     previously 9 mm. No pleural effusion or pneumothorax. Mild emphysema in both lungs, unchanged since 03/2020. \
     Liver cysts, the largest 2.5 cm in segment 4. Degenerative changes of the thoracic spine without fracture.\n\
     Impression: 1. Growing nodule in the right upper lobe, suspicious for malignancy. 2. Stable emphysema.";

#[divan::bench]
fn lexicon() -> ReportParser {
    ReportParser::builtin().expect("the tables load")
}

#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let parser = ReportParser::builtin().expect("the tables load");
    let document = ReportDocument::from_text("r", REPORT);
    bencher.counter(ItemsCount::new(1_usize)).bench(|| parser.parse(black_box(&document)));
}

#[divan::bench]
fn json(bencher: Bencher<'_, '_>) {
    let parser = ReportParser::builtin().expect("the tables load");
    let document = ReportDocument::from_text("r", REPORT);
    let report = parser.parse(&document);
    bencher.counter(ItemsCount::new(1_usize)).bench(|| to_json_line(&document, black_box(&report)));
}

#[divan::bench]
fn similarity_gate(bencher: Bencher<'_, '_>) {
    let claims = |texts: [&str; 2]| texts.map(str::to_owned);
    let one = claims(["effusion|pleura|right|absent|", "nodule|lung|left|present|new"]);
    let other = claims(["effusion|pleura|right|present|", "nodule|lung|left|present|stable"]);
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench(|| gate(0.8, black_box(&one), black_box(&other)));
}
