//! Any bytes as the middle one of three DICOM slices: they are read or refused with a reason.
#![no_main]

use std::fs::File;
use std::io::Write;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pipeline::ingest::{Acquisition, ReadOptions, SeriesSource, read_series};
use schemas::manifest::{GeometryPolicy, LimitsSection, Remedy};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    put(&folder, "first.dcm", include_bytes!("../seeds/dicom/first.dcm"));
    put(&folder, "last.dcm", include_bytes!("../seeds/dicom/last.dcm"));
    folder
});

fn put(folder: &TempDir, name: &str, data: &[u8]) {
    let file = File::create(folder.path().join(name));
    file.and_then(|mut file| file.write_all(data)).expect("writes");
}

fuzz_target!(|data: &[u8]| {
    put(&FOLDER, "middle.dcm", data);
    let files = ["first.dcm", "middle.dcm", "last.dcm"];
    let source = SeriesSource::Dicom(files.map(|name| FOLDER.path().join(name)).to_vec());
    for remedy in [Remedy::Accept, Remedy::Repair] {
        let options = ReadOptions {
            geometry: GeometryPolicy { tilt: remedy, gaps: remedy, duplicates: remedy },
            limit: 4 << 20,
            ..ReadOptions::with_limits(&LimitsSection::default())
        };
        if let Ok(image) = read_series(&source, &Acquisition::default(), &options) {
            let [width, height, depth] = image.volume.dims;
            assert_eq!(image.volume.voxels.len(), width * height * depth);
        }
    }
});
