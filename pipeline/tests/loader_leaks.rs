//! A loader keeps nothing from epoch to epoch: neither memory nor descriptors nor threads. This is the only test of its
//! process, so that all it counts is the loader's.

#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use radloom_pipeline::loader::{Dataset, Loader, LoaderConfig, OrderPlan, RankShare};
use schemas::manifest::train::{CropDraw, CropPlace, InputSection, OrderSection};
use schemas::split::Split;

/// What a process holds: descriptors, threads, pages in memory that are its own.
#[derive(Debug, Clone, Copy)]
struct Held {
    descriptors: usize,
    threads: usize,
    bytes: usize,
}

fn held() -> Held {
    let count = |folder: &str| std::fs::read_dir(folder).expect("is there").count();
    let status = std::fs::read_to_string("/proc/self/status").expect("reads");
    let own = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("is there");
    let kib: usize = own.trim().trim_end_matches(" kB").parse().expect("a number");
    Held {
        descriptors: count("/proc/self/fd"),
        threads: count("/proc/self/task"),
        bytes: kib << 10,
    }
}

/// A release that is kept in the repository.
fn release() -> PathBuf {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/versions/release");
    let entries = std::fs::read_dir(kept).expect("is there");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    found.pop().expect("at least one")
}

#[test]
fn fifty_epochs_and_fifty_loaders_leave_nothing_behind() {
    let crops = CropDraw { count: 2, size: [4, 4, 4], place: CropPlace::Body };
    let config = LoaderConfig {
        plan: OrderPlan { seed: 1, batch: 1, rules: OrderSection::default() },
        input: InputSection { crops: Some(crops), ..InputSection::default() },
        share: RankShare::WHOLE,
        threads: 3,
        ring_bytes: 1 << 20,
        position: 0,
        batches: None,
    };
    let open = || Arc::new(Dataset::open(&release(), "small", Split::Train).expect("opens"));
    let epochs = |loader: &mut Loader, epochs: usize| {
        for _ in 0..epochs * loader.dataset().studies.len() {
            drop(loader.next_batch().expect("loads").expect("no end"));
            loader.commit();
        }
    };
    let mut loader = Loader::start(open(), config.clone()).expect("starts");
    epochs(&mut loader, 100);
    let before = held();
    epochs(&mut loader, 5000);
    let after = held();
    assert_eq!((after.descriptors, after.threads), (before.descriptors, before.threads));
    // A page here and there is the allocator's; a leak of 100 bytes a batch would be half a megabyte.
    assert!(after.bytes <= before.bytes + (256 << 10), "{before:?} {after:?}");
    drop(loader);

    for _ in 0..5 {
        epochs(&mut Loader::start(open(), config.clone()).expect("starts"), 1);
    }
    let before = held();
    for _ in 0..50 {
        // Stopped in the middle, with batches in flight.
        epochs(&mut Loader::start(open(), config.clone()).expect("starts"), 1);
    }
    let after = held();
    assert_eq!((after.descriptors, after.threads), (before.descriptors, before.threads));
    assert!(after.bytes <= before.bytes + (1 << 20), "{before:?} {after:?}");
}
