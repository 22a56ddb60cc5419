//! Samples as loaders hand them out, against the stored volumes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemas::ids::{PatientKey, StudyId};
use schemas::manifest::VoxelType;
use schemas::manifest::train::{
    AugmentSection, CropDraw, CropPlace, Damaged, InputSection, OrderSection, SeriesPerEpoch,
    Verify,
};
use schemas::study::{BatchStudy, Block, Sentence, StudyRecord, Validity, VoxelFormat};

use crate::loader::tests::stored::{Stored, block};
use crate::loader::{
    Batch, Dataset, Loader, LoaderConfig, LoaderError, OrderPlan, RankShare, Sequential,
};
use crate::shard::VoxelReaderError;

/// Depth, height and width of each study's volume.
const SHAPES: [[usize; 3]; 4] = [[6, 7, 9], [5, 5, 5], [9, 4, 6], [3, 8, 8]];

/// Every voxel of every study differs from all others.
fn voxel(study: usize, index: usize) -> i16 {
    (study * 600 + index) as i16
}

/// World position of a voxel: 2 mm to the left, 3 mm to the front and 5 mm up.
const AFFINE: [f64; 16] =
    [-2.0, 0.0, 0.0, 10.0, 0.0, 3.0, 0.0, 20.0, 0.0, 0.0, 5.0, 30.0, 0.0, 0.0, 0.0, 1.0];

/// Four studies of one series in one shard; study 0 tells a side without the word for it, study 1 with it. A bit of the volume of study
/// `damaged` is another than was written.
fn stored(damaged: Option<usize>) -> Stored {
    let mut stored = Stored::new();
    let format = VoxelFormat { dtype: VoxelType::I16, scale: 1.0 / 4000.0, offset: 0.25 };
    for (study, &[depth, height, width]) in SHAPES.iter().enumerate() {
        let bytes: Vec<u8> =
            (0..depth * height * width).flat_map(|at| voxel(study, at).to_le_bytes()).collect();
        let block = block([1, depth, height, width], format, &AFFINE);
        let series = stored.series(format!("s{study}/v"), vec![block], &bytes);
        let record = StudyRecord {
            study_id: StudyId(format!("s{study}")),
            patient_key: PatientKey(format!("p{study}")),
            names_side: study < 2,
            sentences: vec![Sentence {
                text: if study == 1 { "Left nodule." } else { "Nodule of the lingula." }.to_owned(),
                ..Sentence::default()
            }],
            ..StudyRecord::default()
        };
        stored.study(record, vec![series]);
    }
    if let Some(study) = damaged {
        stored.damage(study, 3, 0xFF);
    }
    stored
}

fn crops(count: u32, size: [u32; 3]) -> InputSection {
    let crops = Some(CropDraw { count, size, place: CropPlace::Anywhere });
    InputSection { crops, ..InputSection::default() }
}

fn config(input: InputSection) -> LoaderConfig {
    LoaderConfig {
        plan: OrderPlan { seed: 5, batch: 4, rules: OrderSection::default() },
        input,
        share: RankShare::WHOLE,
        threads: 2,
        ring_bytes: 1 << 20,
        position: 0,
        batches: Some(6),
    }
}

fn batches(dataset: &Arc<Dataset>, config: LoaderConfig) -> Result<Vec<Batch>, LoaderError> {
    let mut loader = Loader::start(Arc::clone(dataset), config)?;
    let mut batches = Vec::new();
    while let Some(batch) = loader.next_batch()? {
        batches.push(batch);
    }
    Ok(batches)
}

/// The blocks of a batch with their study and voxels.
fn blocks(batch: &Batch) -> Vec<(usize, Block, Vec<i16>)> {
    let studies = batch.studies.iter().flat_map(|study| {
        let number = study.record.study_id.as_str()[1..].parse().expect("a number");
        study.blocks().map(move |(block, range)| (number, block.clone(), range))
    });
    studies
        .map(|(number, block, range)| {
            let pairs = batch.slot.bytes()[range].as_chunks::<2>().0;
            (number, block, pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect())
        })
        .collect()
}

/// Where a drawn block begins in its volume, by its position in the world.
fn start_of(block: &Block) -> [i64; 3] {
    let origin = block.position.origin_mm;
    let index = [(10.0 - origin[0]) / 2.0, (origin[1] - 20.0) / 3.0, (origin[2] - 30.0) / 5.0];
    index.map(|index| {
        assert!((index - index.round()).abs() < 1e-9, "{index}");
        index.round() as i64
    })
}

#[test]
fn boxes_hold_the_voxels_of_the_place_they_say_and_lie_elsewhere_in_each_epoch() {
    let dataset = stored(None).dataset();
    let mut starts: BTreeMap<usize, BTreeSet<[i64; 3]>> = BTreeMap::new();
    for batch in batches(&dataset, config(crops(3, [4, 3, 2]))).expect("loads") {
        let blocks = blocks(&batch);
        assert_eq!(blocks.len(), 4 * 3);
        for (study, block, voxels) in blocks {
            assert_eq!((block.shape, &block.validity), ([1, 2, 3, 4], &Validity::Whole));
            let start = start_of(&block);
            starts.entry(study).or_default().insert(start);
            let [_, height, width] = SHAPES[study];
            for (at, found) in voxels.into_iter().enumerate() {
                let place = [at % 4, at / 4 % 3, at / 12];
                let [x, y, z]: [usize; 3] =
                    std::array::from_fn(|axis| start[axis] as usize + place[axis]);
                assert_eq!(found, voxel(study, (z * height + y) * width + x));
            }
        }
    }
    assert!(starts.values().all(|starts| starts.len() > 10), "eighteen draws of each: {starts:?}");
}

#[test]
fn a_box_beyond_its_volume_is_filled_with_the_low_end_and_says_so() {
    let dataset = stored(None).dataset();
    let all = batches(&dataset, config(crops(1, [8, 8, 2]))).expect("loads");
    for (study, block, voxels) in all.iter().flat_map(blocks) {
        let [_, height, width] = SHAPES[study];
        let low = voxels.iter().filter(|&&value| value == -1000).count();
        let inside = 2 * height.min(8) * width.min(8);
        assert_eq!(low, 128 - inside, "the window is -1000..3000");
        assert_eq!(matches!(block.validity, Validity::Whole), low == 0);
    }
}

/// The voxels of a batch, block by block, with their studies.
type Content = Vec<(usize, Vec<i16>)>;

/// What a run gives, batch by batch.
fn content(batches: &[Batch]) -> Vec<(u64, Content)> {
    let of = |batch: &Batch| {
        let mut blocks: Vec<_> =
            blocks(batch).into_iter().map(|(study, _, voxels)| (study, voxels)).collect();
        blocks.sort_unstable();
        (batch.number, blocks)
    };
    batches.iter().map(of).collect()
}

#[test]
fn what_is_drawn_is_the_same_at_any_rank_count_thread_count_and_stop() {
    let dataset = stored(None).dataset();
    let augment = AugmentSection { scale: 0.1, shift: 0.1, noise: 0.02, flip: true };
    let input = InputSection { augment, ..crops(2, [4, 4, 2]) };
    let whole = content(&batches(&dataset, config(input)).expect("loads"));
    for threads in [1, 7] {
        let other = LoaderConfig { threads, ..config(input) };
        assert_eq!(content(&batches(&dataset, other).expect("loads")), whole);
    }
    let halves = [0, 1].map(|rank| {
        let share = RankShare { rank, world_size: 2 };
        content(&batches(&dataset, LoaderConfig { share, ..config(input) }).expect("loads"))
    });
    for (number, all) in &whole {
        let halves = halves.iter().flat_map(|half| half[*number as usize].1.clone());
        let mut halves: Vec<_> = halves.collect();
        halves.sort_unstable();
        assert_eq!(halves, *all);
    }
    let late = LoaderConfig { position: 12, batches: Some(3), ..config(input) };
    let rest = content(&batches(&dataset, late).expect("loads"));
    assert!(rest.iter().zip(&whole[3..]).all(|(found, wanted)| found.1 == wanted.1));
    let seed = OrderPlan { seed: 6, ..config(input).plan };
    let other =
        content(&batches(&dataset, LoaderConfig { plan: seed, ..config(input) }).expect("loads"));
    assert_ne!(other, whole, "the seed matters");
}

#[test]
fn images_are_mirrored_with_their_reports() {
    let dataset = stored(None).dataset();
    let augment = AugmentSection { flip: true, ..AugmentSection::default() };
    let input = InputSection { augment, ..InputSection::default() };
    let all =
        batches(&dataset, LoaderConfig { batches: Some(20), ..config(input) }).expect("loads");
    let mut mirrored = BTreeMap::new();
    for (study, block, voxels) in all.iter().flat_map(blocks) {
        let is_mirrored = block.position.steps_mm[0][0] > 0.0;
        *mirrored.entry(study).or_insert(0) += usize::from(is_mirrored);
        let width = SHAPES[study][2];
        let first = if is_mirrored { width - 1 } else { 0 };
        assert_eq!(voxels[0], voxel(study, first));
        assert_eq!(start_of(&block)[0], first as i64);
    }
    assert_eq!(mirrored[&0], 0, "its report tells a side by other words");
    assert!((1..4).all(|study| (4..=16).contains(&mirrored[&study])), "{mirrored:?} of 20");
    for study in all.iter().flat_map(|batch| &batch.studies) {
        let is_mirrored = study.blocks().all(|(block, _)| block.position.steps_mm[0][0] > 0.0);
        assert_eq!(study.record.mirrored, is_mirrored);
        let text = &study.record.sentences[0].text;
        let names_right = text == "Right nodule.";
        assert!(names_right == is_mirrored || study.record.study_id.as_str() != "s1", "{text}");
    }
}

#[test]
fn a_damaged_volume_stops_the_run_or_is_left_out_at_its_place() {
    for input in [InputSection::default(), crops(2, [3, 3, 2])] {
        let damaged = stored(Some(2));
        let dataset = damaged.dataset();
        let refused = batches(&dataset, config(input)).expect_err("a bit differs");
        let LoaderError::Shard(VoxelReaderError::Hash { path, .. }) = refused else {
            panic!("{refused}")
        };
        assert_eq!(path, damaged.file());
        let skip = InputSection { damaged: Damaged::Skip, ..input };
        let found = batches(&dataset, config(skip)).expect("loads");
        let whole = batches(&stored(None).dataset(), config(input)).expect("loads");
        assert_eq!(found.len(), whole.len());
        for (found, whole) in found.iter().zip(&whole) {
            assert_eq!(found.damaged, 1, "in every epoch");
            let mut wanted = blocks(whole);
            wanted.retain(|(study, ..)| *study != 2);
            assert_eq!(blocks(found), wanted, "the others are as they were");
            let bytes = wanted.iter().map(|(_, block, _)| block.bytes()).sum::<usize>();
            assert_eq!(found.slot.bytes().len(), bytes);
        }
        let never = InputSection { verify: Some(Verify::Never), ..input };
        assert_eq!(batches(&dataset, config(never)).expect("unseen").len(), 6);
    }
}

#[test]
fn evaluation_spreads_boxes_evenly_and_changes_no_voxel() {
    let dataset = stored(None).dataset();
    let augment = AugmentSection { noise: 0.5, flip: true, ..AugmentSection::default() };
    let input = InputSection { augment, ..crops(4, [2, 2, 2]) };
    let load = || {
        let mut loader = Sequential::new(Arc::clone(&dataset), 3, input, false).expect("starts");
        let mut all = Vec::new();
        while let Some(batch) = loader.next_batch().expect("loads") {
            all.extend(blocks(&batch));
        }
        all
    };
    let first = load();
    assert_eq!(first, load());
    for (study, block, voxels) in &first {
        let [x, y, z] = start_of(block).map(|index| index as usize);
        let [_, height, width] = SHAPES[*study];
        assert_eq!(voxels[0], voxel(*study, (z * height + y) * width + x));
    }
    for study in 0..4 {
        let of = first.iter().filter(|(number, ..)| *number == study);
        let starts: BTreeSet<_> = of.map(|(_, block, _)| start_of(block)).collect();
        assert_eq!(starts.len(), 4, "apart from each other");
    }
}

#[test]
fn the_series_of_a_study_stand_together_when_asked_for() {
    let stored = stored(None);
    let dataset = stored.dataset();
    let mut first = dataset.studies[0].clone();
    first.series.extend(dataset.studies[1..].iter().flat_map(|study| study.series.clone()));
    let dataset = stored.dataset_of(vec![first, dataset.studies[1].clone()]);
    let rules = OrderSection { series: SeriesPerEpoch::Together, ..OrderSection::default() };
    let plan = OrderPlan { seed: 5, batch: 2, rules };
    let all = batches(&dataset, LoaderConfig { plan, ..config(InputSection::default()) });
    for batch in all.expect("loads") {
        let mut series: Vec<usize> = batch.studies.iter().map(|study| study.series.len()).collect();
        series.sort_unstable();
        assert_eq!(series, [1, 4]);
        assert_eq!(batch.studies.iter().flat_map(BatchStudy::blocks).count(), 5);
    }
}

#[test]
fn boxes_out_of_boxes_are_refused_by_the_key() {
    let stored = stored(None);
    let mut studies = stored.dataset().studies.clone();
    let record = Arc::make_mut(&mut studies[1].series[0].record);
    record.blocks.push(record.blocks[0].clone());
    let dataset = stored.dataset_of(studies);
    let refused = batches(&dataset, config(crops(1, [2, 2, 2]))).expect_err("boxes");
    let text = refused.to_string();
    assert!(text.contains("`[train.input] crops`") && text.contains("`s1/v` has 2"), "{text}");
}
