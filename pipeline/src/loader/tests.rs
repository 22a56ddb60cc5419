//! Loaders on a small release of raw bytes: what they hand out, and what they share.

mod elastic;
mod faults;
pub(super) mod stored;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemas::ids::{PatientKey, StudyId};
use schemas::manifest::VoxelType;
use schemas::manifest::train::{InputSection, OrderSection};
use schemas::study::{Sentence, StudyRecord, VoxelFormat};

use super::{
    Batch, Dataset, DatasetError, Loader, LoaderConfig, LoaderError, OrderPlan, RankShare,
    Sequential,
};
use stored::{Stored, block};

/// Voxels that are what they are stored as.
const BYTES: VoxelFormat = VoxelFormat { dtype: VoxelType::U8, scale: 1.0, offset: 0.0 };

/// Crops of each study, each of some depth: study 1 has two crops of different sizes.
const DEPTHS: [&[usize]; 5] = [&[1], &[2, 3], &[1], &[4], &[2]];

/// Voxels of the first study's sample upwards, so that every byte tells which sample it is of.
fn voxels(study: usize) -> Vec<u8> {
    let count: usize = DEPTHS[study].iter().sum::<usize>() * 6;
    (0..count).map(|index| (study * 50 + index) as u8).collect()
}

/// Bytes of the largest sample.
const LARGEST: usize = 30;

/// A data set of five studies in one shard.
fn dataset() -> Arc<Dataset> {
    let mut stored = Stored::new();
    for (study, depths) in DEPTHS.iter().enumerate() {
        let of_depth = |&depth: &usize| block([1, depth, 2, 3], BYTES, &[0.0; 16]);
        let blocks = depths.iter().map(of_depth).collect();
        let series = stored.series(format!("s{study}/v"), blocks, &voxels(study));
        let record = StudyRecord {
            study_id: StudyId(format!("s{study}")),
            patient_key: PatientKey(format!("p{study}")),
            sentences: vec![Sentence { text: format!("Text {study}."), ..Sentence::default() }],
            ..StudyRecord::default()
        };
        stored.study(record, vec![series]);
    }
    stored.dataset()
}

fn config(batch: usize, ring_bytes: usize) -> LoaderConfig {
    LoaderConfig {
        plan: OrderPlan { seed: 3, batch, rules: OrderSection::default() },
        input: InputSection::default(),
        share: RankShare::WHOLE,
        threads: 1,
        ring_bytes,
        position: 0,
        batches: None,
    }
}

/// Whether every block of the batch holds the voxels of its sample.
fn check(batch: &Batch) {
    let mut filled = 0;
    for study in &batch.studies {
        let number: usize = study.record.study_id.as_str()[1..].parse().expect("a number");
        let found: Vec<u8> = study
            .blocks()
            .flat_map(|(block, range)| {
                assert_eq!(range.len(), block.bytes());
                batch.slot.bytes()[range].to_vec()
            })
            .collect();
        assert_eq!(found, voxels(number), "study {number}");
        filled += found.len();
    }
    assert_eq!(batch.slot.bytes().len(), filled, "and there is nothing else");
}

#[test]
fn ragged_samples_follow_each_other_in_a_batch() {
    let dataset = dataset();
    let mut loader = Loader::start(dataset, config(3, 8 * 3 * LARGEST)).expect("starts");
    for _ in 0..20 {
        check(&loader.next_batch().expect("loads").expect("no end"));
    }
}

#[test]
fn shuffled_reports_are_all_there_and_none_is_where_it_was() {
    let open = || Arc::try_unwrap(dataset()).expect("nobody else has it");
    let texts = |dataset: &Dataset| -> Vec<String> {
        let first = dataset.studies.iter().map(|study| &study.record.sentences[0].text);
        first.cloned().collect()
    };
    let before = texts(&open());
    for seed in 0..20 {
        let shuffled = open().with_shuffled_reports(seed);
        let after = texts(&shuffled);
        assert!(before.iter().zip(&after).all(|(before, after)| before != after), "{after:?}");
        assert_eq!(after, texts(&open().with_shuffled_reports(seed)));
        let mut sorted = after;
        sorted.sort();
        assert_eq!(sorted, before);
        let names = shuffled.studies.iter().map(|study| study.record.study_id.0.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["s0", "s1", "s2", "s3", "s4"]);
    }
}

#[test]
fn a_step_refers_to_texts_and_copies_none() {
    let dataset = dataset();
    let mut loader = Loader::start(Arc::clone(&dataset), config(5, 4096)).expect("starts");
    let first = loader.next_batch().expect("loads").expect("no end");
    let second = loader.next_batch().expect("loads").expect("no end");
    let by_id: BTreeMap<_, _> =
        first.studies.iter().map(|study| (study.record.study_id.clone(), study)).collect();
    assert_eq!(by_id.len(), 5, "a batch of five is an epoch");
    for study in &second.studies {
        let before = by_id[&study.record.study_id];
        assert!(Arc::ptr_eq(&before.record, &study.record));
        assert!(Arc::ptr_eq(&before.series[0].record, &study.series[0].record));
    }
    let stored = &dataset.studies[0].record;
    let mine = &by_id[&stored.study_id].record;
    assert_eq!(mine.sentences[0].text.as_ptr(), stored.sentences[0].text.as_ptr());
}

#[test]
fn a_consumer_that_keeps_batches_for_long_stalls_nothing_within_the_budget() {
    let dataset = dataset();
    // One thread begins with four slots; the budget allows twelve.
    let mut loader = Loader::start(dataset, config(1, 12 * LARGEST)).expect("starts");
    let start = Instant::now();
    let mut held: Vec<Batch> = Vec::new();
    for _ in 0..12 {
        held.push(loader.next_batch().expect("loads").expect("no end"));
    }
    assert!(start.elapsed() < Duration::from_mins(1), "no wait ran to its deadline");
    held.iter().for_each(check);
    held.clear();
    for _ in 0..40 {
        check(&loader.next_batch().expect("loads").expect("no end"));
    }
}

#[test]
fn a_loader_is_dropped_at_once_whatever_its_threads_wait_for() {
    let dataset = dataset();
    let start = Instant::now();
    // Threads wait for room among the finished batches.
    drop(Loader::start(Arc::clone(&dataset), config(1, 12 * LARGEST)).expect("starts"));
    // Threads wait for a slot.
    let mut loader = Loader::start(dataset, config(1, 2 * LARGEST)).expect("starts");
    let held = [loader.next_batch(), loader.next_batch()];
    drop(loader);
    assert!(start.elapsed() < Duration::from_mins(1));
    for batch in held {
        check(&batch.expect("loads").expect("no end"));
    }
}

#[test]
fn a_stall_says_who_holds_what() {
    let mut loader = Loader::start(dataset(), config(1, 2 * LARGEST)).expect("starts");
    let held = [loader.next_batch(), loader.next_batch()];
    loader.deadline = Duration::from_millis(50);
    let stalled = loader.next_batch().expect_err("both slots are held").to_string();
    assert!(stalled.contains("2 of 2 slots are held by batches in use"), "{stalled}");
    assert!(stalled.contains("thread 0 waits for a slot"), "{stalled}");
    drop(held);
    loader.deadline = Duration::from_mins(1);
    check(&loader.next_batch().expect("goes on").expect("no end"));
}

#[test]
fn ranks_share_each_global_batch_in_order() {
    let dataset = dataset();
    let ids = |share: RankShare, batch: &Batch| -> Vec<String> {
        assert_eq!(batch.studies.len(), 4 / share.world_size);
        batch.studies.iter().map(|study| study.record.study_id.to_string()).collect()
    };
    let load = |share: RankShare| -> Vec<Vec<String>> {
        let config = LoaderConfig { share, batches: Some(5), ..config(4, 4096) };
        let mut loader = Loader::start(Arc::clone(&dataset), config).expect("starts");
        let mut batches = Vec::new();
        while let Some(batch) = loader.next_batch().expect("loads") {
            batches.push(ids(share, &batch));
        }
        batches
    };
    let whole = load(RankShare::WHOLE);
    let halves = [0, 1].map(|rank| load(RankShare { rank, world_size: 2 }));
    assert_eq!(whole.len(), 5);
    for (step, whole) in whole.iter().enumerate() {
        assert_eq!(*whole, [halves[0][step].clone(), halves[1][step].clone()].concat());
    }
}

#[test]
fn the_sequential_loader_gives_every_sample_once() {
    let mut loader = Sequential::new(dataset(), 2, InputSection::default(), false).expect("starts");
    let mut ids = Vec::new();
    while let Some(batch) = loader.next_batch().expect("loads") {
        check(&batch);
        ids.extend(batch.studies.iter().map(|study| study.record.study_id.to_string()));
    }
    assert_eq!(ids, ["s0", "s1", "s2", "s3", "s4"]);
}

#[test]
fn a_budget_below_two_batches_is_refused_with_what_is_needed() {
    let dataset = dataset();
    let refused = Loader::start(Arc::clone(&dataset), config(2, 100)).expect_err("too small");
    let LoaderError::Memory { needed, given, .. } = refused else { panic!("{refused}") };
    assert_eq!((needed, given), (120, 100));
    let ragged = dataset.fixed_block().expect_err("no box fits all");
    assert!(matches!(ragged, DatasetError::Shape { sample, .. } if sample == "s1/v"));
}
