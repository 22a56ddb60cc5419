//! Any number of ranks and threads, any cut into shards and any stop give the same samples step by step.
//!
//! `RADLOOM_CASES=10000 cargo test --release -p radloom-pipeline --lib loader::tests::elastic` runs as many cases.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use schemas::ids::{PatientKey, StudyId};
use schemas::manifest::train::{Distinct, InputSection, OrderSection, SeriesPerEpoch, Tail};
use schemas::study::StudyRecord;

use super::BYTES;
use super::stored::{Stored, block};
use crate::loader::{
    Dataset, Loader, LoaderConfig, LoaderError, OrderPlan, RankShare, ResumeToken, data_order,
};

/// A data set of studies with these numbers of series, two studies a patient, in shards of at most so many series.
pub(super) fn dataset(series: &[u32], per_shard: usize) -> Arc<Dataset> {
    let mut stored = Stored::new();
    let mut in_shard = 0;
    for (study, &count) in series.iter().enumerate() {
        let mut of_study = Vec::new();
        for number in 0..count {
            if in_shard == per_shard {
                stored.next_shard();
                in_shard = 0;
            }
            let length = 2 + (study + number as usize) % 3;
            let bytes: Vec<u8> =
                (0..length).map(|at| (study * 16 + number as usize * 4 + at) as u8).collect();
            let block = block([1, length, 1, 1], BYTES, &[0.0; 16]);
            of_study.push(stored.series(format!("s{study}-{number}/v"), vec![block], &bytes));
            in_shard += 1;
        }
        let record = StudyRecord {
            study_id: StudyId(format!("s{study}")),
            patient_key: PatientKey(format!("p{}", study / 2)),
            ..StudyRecord::default()
        };
        stored.study(record, of_study);
    }
    stored.dataset()
}

/// The samples of a global batch with their bytes, sorted.
pub(super) type Step = Vec<(String, Vec<u8>)>;

/// The first `batches` batches as the ranks give them, and where the loaders stand after them.
pub(super) fn load(
    dataset: &Arc<Dataset>,
    config: &LoaderConfig,
    ranks: usize,
    batches: u64,
) -> Result<(Vec<Step>, ResumeToken), LoaderError> {
    let mut steps = vec![Vec::new(); batches as usize];
    let mut token = None;
    for rank in 0..ranks {
        let share = RankShare { rank, world_size: ranks };
        let config = LoaderConfig { share, batches: Some(batches), ..config.clone() };
        let mut loader = Loader::start(Arc::clone(dataset), config)?;
        while let Some(batch) = loader.next_batch()? {
            for (block, range) in batch.studies.iter().flat_map(|study| {
                let ids = study.series.iter().map(|series| series.record.sample_id.to_string());
                ids.zip(study.blocks().map(|(_, range)| range))
            }) {
                steps[batch.number as usize].push((block, batch.slot.bytes()[range].to_vec()));
            }
            loader.commit();
        }
        let mine = loader.token();
        assert!(token.as_ref().is_none_or(|other| *other == mine), "ranks stand at one position");
        token = Some(mine);
    }
    for step in &mut steps {
        step.sort_unstable();
    }
    Ok((steps, token.expect("at least one rank")))
}

/// What the order alone gives.
fn expected(dataset: &Dataset, config: &LoaderConfig, batches: u64) -> Vec<Step> {
    let mut order = data_order(dataset, config.plan).expect("an order");
    let batch = config.plan.batch as u64;
    (0..batches)
        .map(|number| {
            let mut step: Vec<_> = (number * batch..(number + 1) * batch)
                .filter_map(|position| order.at(position))
                .flat_map(|place| &dataset.studies[place.study].series[place.series])
                .map(|stored| {
                    let bytes = dataset.voxels(stored).expect("reads").to_vec();
                    (stored.record.sample_id.to_string(), bytes)
                })
                .collect();
            step.sort_unstable();
            step
        })
        .collect()
}

#[derive(Debug, Clone)]
struct Case {
    series: Vec<u32>,
    per_shard: [usize; 2],
    batch: usize,
    rules: OrderSection,
    ranks: [usize; 2],
    threads: [usize; 2],
    before: u64,
    after: u64,
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let of = |values: Vec<usize>| prop::sample::select(values);
    let rules = (
        any::<bool>(),
        prop::sample::select(Distinct::ALL.to_vec()),
        prop::sample::select(Tail::ALL.to_vec()),
        prop::sample::select(SeriesPerEpoch::ALL.to_vec()),
    );
    let machine = || (of(vec![1, 2, 3, 4, 8]), of(vec![1, 2, 7]), 1_usize..5);
    let data = (prop::collection::vec(1_u32..4, 1..12), 1_usize..4, any::<u64>());
    (data, rules, machine(), machine(), 0_u64..6, 1_u64..6).prop_map(
        |(
            (series, share, seed),
            (bucket, distinct, tail, per_epoch),
            first,
            second,
            before,
            after,
        )| {
            // A batch that both numbers of ranks divide.
            let (a, b) = (first.0, second.0);
            let common = (1..=a * b).find(|n| n % a == 0 && n % b == 0).unwrap_or(a * b);
            let bucket = bucket && distinct == Distinct::None;
            let carries = (bucket || distinct != Distinct::None) && tail == Tail::Carry;
            let tail = if carries { Tail::Pad } else { tail };
            Case {
                series,
                per_shard: [first.2, second.2],
                batch: common * share.min(if common > 4 { 1 } else { share }),
                rules: OrderSection { distinct, tail: Some(tail), series: per_epoch, bucket },
                ranks: [a, b],
                threads: [first.1, second.1],
                before,
                after,
                seed,
            }
        },
    )
}

fn holds(case: &Case) -> Result<(), TestCaseError> {
    let config = LoaderConfig {
        plan: OrderPlan { seed: case.seed, batch: case.batch, rules: case.rules },
        input: InputSection::default(),
        share: RankShare::WHOLE,
        threads: case.threads[0],
        ring_bytes: 1 << 16,
        position: 0,
        batches: None,
    };
    let first = dataset(&case.series, case.per_shard[0]);
    let loaded = load(&first, &config, case.ranks[0], case.before);
    if let Err(LoaderError::NoBatch { .. }) = loaded {
        prop_assert_eq!(case.rules.tail(), Tail::Drop);
        return Ok(());
    }
    let (mut steps, token) = loaded.expect("loads");
    // The run goes on from its token, elsewhere.
    let json = serde_json::to_value(&token).expect("plain data");
    prop_assert!(json.to_string().len() <= 1024);
    let token = ResumeToken::from_json(&json).expect("reads");
    let second = dataset(&case.series, case.per_shard[1]);
    let resumed =
        LoaderConfig { position: token.position, threads: case.threads[1], ..config.clone() };
    let probe = Loader::start(Arc::clone(&second), resumed.clone()).expect("starts");
    token.check(&probe.token()).expect("the same data and plan");
    drop(probe);
    let (rest, _) = load(&second, &resumed, case.ranks[1], case.after).expect("loads");
    steps.extend(rest);
    prop_assert_eq!(steps, expected(&first, &config, case.before + case.after));
    Ok(())
}

#[test]
fn every_step_is_the_same_at_any_rank_count_thread_count_shard_size_and_stop() {
    let cases_to_run = std::env::var("RADLOOM_CASES").ok().and_then(|text| text.parse().ok());
    let config = ProptestConfig {
        cases: cases_to_run.unwrap_or(200),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config).run(&cases(), |case| holds(&case)).expect("every case holds");
}
