//! A small synthetic set for tests: volumes whose bright box and report agree.

use crate::batch::{SentenceText, StudyBatch, StudySample, VoxelBlock, VoxelType};
use crate::random::Stream;
use crate::system::InputConfig;
use crate::text::{ReportTokenizer, TextMask, build_vocabulary};
use schemas::manifest::train::TextMaskPolicy;

/// Findings of the set and the sentence of each when present.
pub(crate) const FINDINGS: [&str; 3] = ["effusion", "nodule", "emphysema"];

/// Volume of the set, `[channels, depth, height, width]`.
pub(crate) const VOLUME: [usize; 4] = [1, 16, 16, 16];

/// Preparation of the set.
pub(crate) fn input_config() -> InputConfig {
    InputConfig {
        volume: VOLUME,
        patch: [4, 4, 4],
        block: [8, 8, 8],
        image_mask_ratio: 0.5,
        text_mask: TextMask { ratio: 0.3, policy: TextMaskPolicy::Word, entity_share: 0.5 },
        max_tokens: 48,
        similarity_positive: 0.9,
        similarity_negative: 0.6,
        seed: 11,
    }
}

/// Study number `index`: its findings follow from the number, its noise from a seed.
pub(crate) fn study(index: u64) -> (StudySample, Vec<u8>) {
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
        .map(|(finding, present)| SentenceText {
            text: if *present { format!("There is {finding}.") } else { format!("No {finding}.") },
            ..SentenceText::default()
        })
        .collect();
    let sample = StudySample {
        sample_id: format!("s{index}_1"),
        study_id: format!("s{index}"),
        patient_key: format!("p{index}"),
        sentences,
        labels: present.iter().map(|&present| i8::from(present)).collect(),
    };
    (sample, voxels)
}

/// A batch of studies with the similarity of their sentences: 1 when equal, -0.5 when opposite, else 0.2.
pub(crate) fn batch_of(step: u64, indices: &[u64]) -> StudyBatch {
    let (mut samples, mut data) = (Vec::new(), Vec::new());
    for &index in indices {
        let (sample, voxels) = study(index);
        samples.push(sample);
        data.extend(voxels);
    }
    let texts: Vec<&str> = samples
        .iter()
        .flat_map(|sample| &sample.sentences)
        .map(|sentence| sentence.text.as_str())
        .collect();
    let finding = |text: &str| FINDINGS.iter().position(|finding| text.contains(finding));
    let similarity = texts
        .iter()
        .flat_map(|first| {
            texts.iter().map(move |second| {
                if first == second {
                    [1.0; 2]
                } else if finding(first) == finding(second) {
                    [-0.5; 2]
                } else {
                    [0.2; 2]
                }
            })
        })
        .collect();
    StudyBatch {
        step,
        voxels: VoxelBlock {
            data,
            dtype: VoxelType::U8,
            shape: [indices.len(), VOLUME[0], VOLUME[1], VOLUME[2], VOLUME[3]],
            scale: 1.0 / 255.0,
            offset: 0.0,
        },
        samples,
        similarity,
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
