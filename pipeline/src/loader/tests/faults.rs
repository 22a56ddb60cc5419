//! Faults that users of other loaders reported in public, each with what ours is held to.
//!
//! | report | what happened | held to by |
//! |---|---|---|
//! | NVIDIA-NeMo/RL #3917 | a changed flag of the order is not in the checkpoint's identity | `token::tests::a_token_of_another_plan_is_refused_by_the_key_that_differs` |
//! | pytorch/torchtitan #2864 | the epoch after a resume shuffles what is shuffled already | [`later_epochs_of_a_resumed_run_are_those_of_one_that_went_on`] |
//! | google/grain #1129 | each worker drops its own remainder | [`every_sample_comes_at_any_batch_and_thread_count`] |
//! | Lightning-AI/litData #248 | resuming works on one node and fails on several | [`a_run_of_two_ranks_goes_on_at_one_three_and_four`] |
//! | Lightning-AI/litData #263 | another data set fails deep in a worker | `token::tests::a_token_of_other_data_is_refused_by_the_field_that_differs` |
//! | Lightning-AI/litData #760 | stopping early makes a later epoch repeat an earlier one | [`stopping_early_again_and_again_repeats_nothing`] |
//! | NVIDIA/Megatron-Energon #18 | a buffer is filled before the first sample | [`the_first_sample_after_a_resume_comes_at_once`] |
//! | RolnickLab/ami-data-companion #140 | memory leaks until the process is killed | `pipeline/tests/loader_leaks.rs` |
//! | allenai/olmoearth_pretrain #563 | processes pile up from epoch to epoch | `pipeline/tests/loader_leaks.rs` |
//! | marin-community/levanter #759 | writing a checkpoint races with reading | [`tokens_are_taken_while_threads_fetch`] |

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemas::manifest::train::{InputSection, OrderSection, Tail};

use super::elastic::{Step, dataset, load};
use crate::loader::{Loader, LoaderConfig, Order, OrderPlan, OrderedStudy, RankShare, data_order};

fn config(batch: usize, rules: OrderSection) -> LoaderConfig {
    LoaderConfig {
        plan: OrderPlan { seed: 11, batch, rules },
        input: InputSection::default(),
        share: RankShare::WHOLE,
        threads: 2,
        ring_bytes: 1 << 16,
        position: 0,
        batches: None,
    }
}

fn ids(steps: &[Step]) -> Vec<&String> {
    steps.iter().flatten().map(|(id, _)| id).collect()
}

#[test]
fn later_epochs_of_a_resumed_run_are_those_of_one_that_went_on() {
    let data = dataset(&[1; 10], 4);
    let config = config(2, OrderSection::default());
    let (whole, _) = load(&data, &config, 1, 15).expect("three epochs");
    let (_, token) = load(&data, &config, 1, 3).expect("into the first");
    let resumed = LoaderConfig { position: token.position, ..config };
    let (rest, _) = load(&data, &resumed, 1, 12).expect("goes on");
    assert_eq!(rest, whole[3..]);
    assert_ne!(whole[..5], whole[5..10], "epochs differ");
}

#[test]
fn every_sample_comes_at_any_batch_and_thread_count() {
    let data = dataset(&[1; 13], 5);
    let rules = OrderSection { tail: Some(Tail::Pad), ..OrderSection::default() };
    for batch in 1..=14_usize {
        for threads in 1..=8 {
            let config = LoaderConfig { threads, ..config(batch, rules) };
            let batches = 13_usize.div_ceil(batch) as u64;
            let (steps, _) = load(&data, &config, 1, batches).expect("loads");
            let all: BTreeSet<_> = ids(&steps).into_iter().collect();
            assert_eq!((all.len(), ids(&steps).len()), (13, 13), "{batch} {threads}");
        }
    }
}

#[test]
fn a_run_of_two_ranks_goes_on_at_one_three_and_four() {
    let data = dataset(&[1, 2, 1, 3, 1, 1, 2], 3);
    let config = config(12, OrderSection::default());
    let (whole, _) = load(&data, &config, 2, 6).expect("two ranks");
    let (_, token) = load(&data, &config, 2, 2).expect("two ranks");
    for ranks in [1, 3, 4] {
        let resumed = LoaderConfig { position: token.position, ..config.clone() };
        let (rest, after) = load(&data, &resumed, ranks, 4).expect("goes on");
        assert_eq!((&rest[..], after.position), (&whole[2..], 6 * 12), "{ranks} ranks");
    }
}

#[test]
fn stopping_early_again_and_again_repeats_nothing() {
    let data = dataset(&[1; 24], 5);
    for step in 1..=4 {
        let mut config = config(2, OrderSection::default());
        let mut seen = Vec::new();
        // Three epochs of twelve batches, stopped after each `step` of them.
        while config.position < 72 {
            let left = (72 - config.position) / 2;
            let (steps, token) = load(&data, &config, 1, step.min(left)).expect("loads");
            seen.extend(steps.into_iter().flatten().map(|(id, _)| id));
            config.position = token.position;
        }
        let epochs: Vec<&[String]> = seen.chunks(24).collect();
        assert_eq!(epochs.len(), 3);
        for epoch in &epochs {
            assert_eq!(epoch.iter().collect::<BTreeSet<_>>().len(), 24, "stopped after {step}");
        }
        assert!(epochs[0] != epochs[1] && epochs[1] != epochs[2]);
    }
}

#[test]
fn the_first_sample_after_a_resume_comes_at_once() {
    // A build without optimisation is given ten times as long.
    let limit = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });
    let plan = OrderPlan { seed: 1, batch: 64, rules: OrderSection::default() };
    let studies = (0..1_000_000).map(|patient| OrderedStudy { series: 1, patient }).collect();
    let mut order = Order::new(plan, studies, Vec::new());
    let start = Instant::now();
    let place = order.at(3_456_789).expect("a sample");
    assert!(start.elapsed() < limit, "{:?}", start.elapsed());
    assert_eq!(place.epoch, Some(3));
}

#[test]
fn tokens_are_taken_while_threads_fetch() {
    let data = dataset(&[1; 30], 7);
    let config = LoaderConfig { threads: 7, ..config(3, OrderSection::default()) };
    let plan = data_order(&data, config.plan).expect("an order").plan_hash();
    let mut loader = Loader::start(Arc::clone(&data), config.clone()).expect("starts");
    let mut tokens = Vec::new();
    for step in 0..1000 {
        let token = loader.token();
        assert_eq!((token.position, token.plan), (3 * step, plan));
        tokens.push(token);
        loader.next_batch().expect("loads").expect("no end");
        loader.commit();
    }
    for token in tokens.iter().step_by(100) {
        let resumed = LoaderConfig { position: token.position, ..config.clone() };
        let at_rest = Loader::start(Arc::clone(&data), resumed).expect("starts").token();
        assert_eq!(at_rest, *token);
    }
}
