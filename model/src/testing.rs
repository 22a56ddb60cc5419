//! A small synthetic set for tests: volumes whose bright box and report agree.

use std::sync::Arc;

use crate::batch::{StudyBatch, Voxels, single_blocks};
use crate::random::Stream;
use crate::system::mg3d::{InputConfig, SimilarityThresholds, TextContext};
use crate::text::{ReportTokenizer, TextMask, TextMaskPolicy, build_vocabulary};
use schemas::ids::{PatientKey, StudyId};
use schemas::manifest::VoxelType;
use schemas::study::{Sentence, SentenceClaim, SideInputs, StudyRecord, VoxelFormat};

/// Findings of the set and the sentence of each when present.
pub(crate) const FINDINGS: [&str; 3] = ["effusion", "nodule", "emphysema"];

/// Volume of the set, `[channels, depth, height, width]`.
pub(crate) const VOLUME: [usize; 4] = [1, 16, 16, 16];

/// Preparation of the set.
pub(crate) fn input_config() -> InputConfig {
    InputConfig {
        volume: VOLUME,
        block: [8, 8, 8],
        image_mask_ratio: 0.5,
        text_mask: TextMask { ratio: 0.3, policy: TextMaskPolicy::Word, entity_share: 0.5 },
        text_context: TextContext::Report,
        sentence_dropout: 0.0,
        claims: true,
        max_tokens: 48,
        similarity: Some(SimilarityThresholds { positive: 0.9, negative: 0.6 }),
        seed: 11,
    }
}

/// Study number `index`: its findings follow from the number, its noise from a seed.
pub(crate) fn study(index: u64) -> (StudyRecord, Vec<u8>) {
    let present: Vec<bool> = (0..3).map(|finding| (index >> finding) & 1 == 1).collect();
    let mut stream = Stream::new(5, "study", index);
    let mut voxels: Vec<u8> = (0..16 * 16 * 16).map(|_| (stream.unit() * 40.0) as u8).collect();
    for (finding, present) in present.iter().enumerate() {
        if *present {
            for d in 0..6 {
                for h in 0..6 {
                    for w in 0..6 {
                        voxels[((d + 5 * finding) * 16 + h + 5 * finding) * 16 + w + 4] = 220;
                    }
                }
            }
        }
    }
    let sentences = FINDINGS
        .iter()
        .zip(&present)
        .zip(0..)
        .map(|((finding, &present), number)| Sentence {
            text: if present { format!("There is {finding}.") } else { format!("No {finding}.") },
            sentence_type: 2 * number + u64::from(present),
            ..Sentence::default()
        })
        .collect();
    let record = StudyRecord {
        study_id: StudyId(format!("s{index}")),
        patient_key: PatientKey(format!("p{index}")),
        sentences,
        labels: present.iter().map(|&present| i8::from(present)).collect(),
        names_side: false,
        mirrored: false,
    };
    (record, voxels)
}

/// Similarity of the sentences of the set: 1 when equal, -0.5 when opposite, else 0.2.
#[derive(Debug)]
struct Similarities;

/// Claims of the six sentences of the set.
const CLAIMS: [SentenceClaim; 6] = {
    let claim = SentenceClaim { finding: 0, place: None, side: None, present: false };
    let mut claims = [claim; 6];
    let mut sentence = 0;
    while sentence < 6 {
        claims[sentence].finding = sentence as u32 / 2;
        claims[sentence].present = sentence % 2 == 1;
        sentence += 1;
    }
    claims
};

impl SideInputs for Similarities {
    fn claims(&self, sentence_type: u64) -> &[SentenceClaim] {
        &CLAIMS[sentence_type as usize..=sentence_type as usize]
    }

    fn sentence_similarity(&self, a: u64, b: u64) -> [f32; 2] {
        match (a == b, a / 2 == b / 2) {
            (true, _) => [1.0; 2],
            (false, true) => [-0.5; 2],
            (false, false) => [0.2; 2],
        }
    }
}

/// A batch of studies.
pub(crate) fn batch_of(step: u64, indices: &[u64]) -> StudyBatch {
    let (records, voxels): (Vec<_>, Vec<_>) = indices.iter().map(|&index| study(index)).unzip();
    let format = VoxelFormat { dtype: VoxelType::U8, scale: 1.0 / 255.0, offset: 0.0 };
    StudyBatch {
        step,
        studies: single_blocks(records, VOLUME, format),
        voxels: Voxels::from(voxels.concat()),
        side_inputs: Arc::new(Similarities),
        damaged: 0,
        data_wait_s: 0.0,
    }
}

/// Batch of step `step` with `count` studies of the eight there are.
pub(crate) fn synthetic_batch(step: u64, count: usize) -> StudyBatch {
    let indices: Vec<u64> = Stream::new(9, "batch", step)
        .choose(8, count)
        .into_iter()
        .map(|index| index as u64)
        .collect();
    batch_of(step, &indices)
}

/// All sentences of the set.
pub(crate) fn texts() -> Vec<String> {
    (0..8).flat_map(|index| study(index).0.sentences).map(|sentence| sentence.text).collect()
}

/// Tokenizer of the set.
pub(crate) fn tokenizer() -> ReportTokenizer {
    let json = build_vocabulary(texts().iter().map(String::as_str), 64).expect("vocabulary");
    ReportTokenizer::from_json(&json).expect("tokenizer")
}
