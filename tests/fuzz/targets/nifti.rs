//! Any bytes as a NIfTI file: read whole and slab by slab, they give the same verdict or the same views.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pipeline::execute::make_views;
use pipeline::ingest::{Acquisition, ReadOptions, SeriesSource};
use schemas::manifest::{FramePolicy, IntensityPolicy, LimitsSection, Preset, Recipe};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|data: &[u8]| {
    let path = FOLDER.path().join("volume.nii");
    std::fs::File::create(&path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, data))
        .expect("writes");
    let source = SeriesSource::Nifti(path);
    let whole = ReadOptions {
        intensity: IntensityPolicy::Hounsfield,
        frames: FramePolicy::First,
        limit: 4 << 20,
        ..ReadOptions::with_limits(&LimitsSection::default())
    };
    let in_slabs = ReadOptions { slab_above: 0, ..whole };
    let recipes = [Recipe { resize: Some([12, 10, 8]), ..Preset::Mg3d.recipe() }];
    let read = |options| make_views(&source, &Acquisition::default(), options, &recipes);
    match (read(&whole), read(&in_slabs)) {
        (Ok((_, one)), Ok((_, other))) => assert_eq!(one, other),
        (Err(one), Err(other)) => assert_eq!(one.reason, other.reason),
        // What needs the whole volume is refused in slabs, and says so.
        (Ok(_), Err(error)) => assert_eq!(error.reason.code(), "too_large"),
        (Err(error), Ok(_)) => panic!("read in slabs and refused whole: {error}"),
    }
});
