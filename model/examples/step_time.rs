//! Times training steps of a preset on synthetic studies and prints seconds per step and peak memory.
//!
//! `cargo run --release --example step_time -- [device] [model] [batch] [steps]`, with `cpu tiny 4 8` unless told
//! otherwise; a model is a preset or a `[train.model]` section as JSON.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use radloom_model::batch::{ListSource, StudyBatch, Voxels, single_blocks};
use radloom_model::system::{InputShape, Vocabulary};
use radloom_model::trainer::{StepReport, TrainJob, train_on};
use schemas::ids::{PatientKey, StudyId};
use schemas::manifest::ManifestOrigin;
use schemas::manifest::VoxelType;
use schemas::manifest::train::{SystemTable, TrainSection};
use schemas::study::{Sentence, SentenceClaim, SideInputs, StudyRecord, VoxelFormat};

const VOLUME: [usize; 4] = [1, 128, 96, 128];

/// Sentences of a report.
const SENTENCES: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let device = arguments.next().unwrap_or_else(|| "cpu".to_owned()).parse()?;
    let model = match arguments.next().as_deref() {
        None | Some("tiny") => SystemTable::default(),
        Some("swin-b") => serde_json::from_str(r#"{"preset": "swin-b"}"#)?,
        Some(section) => serde_json::from_str(section)?,
    };
    let batch = arguments.next().map_or(Ok(4), |text| text.parse())?;
    let steps: u64 = arguments.next().map_or(Ok(8), |text| text.parse())?;

    let section =
        TrainSection { steps, batch, checkpoint_every: steps, model, ..TrainSection::default() };
    let batches: Vec<StudyBatch> = (0..steps).map(|step| study_batch(step, batch)).collect();
    let texts: Vec<String> = batches
        .iter()
        .flat_map(|batch| &batch.studies)
        .flat_map(|study| &study.record.sentences)
        .map(|sentence| sentence.text.clone())
        .collect();
    let out: PathBuf =
        std::env::temp_dir().join(format!("radloom-step-time-{}", std::process::id()));
    let origin = ManifestOrigin::default();
    let job = TrainJob {
        section: &section,
        origin: &origin,
        out: &out,
        release_id: "synthetic",
        input: InputShape { blocks: 1, block: VOLUME },
        vocabulary: Vocabulary::Texts(&texts),
        resume: None,
        cancel: Arc::new(AtomicBool::new(false)),
    };
    let mut times = Vec::new();
    let mut source = ListSource::new(batches);
    let mut progress = |report: &StepReport| times.push((report.step_s, report.loss));
    train_on(device, &job, &mut source, &mut progress)?;
    std::fs::remove_dir_all(&out)?;

    let mut seconds: Vec<f64> = times.iter().skip(1).map(|(seconds, _)| *seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let median = seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN);
    let losses: Vec<f64> = times.iter().map(|(_, loss)| *loss).collect();
    let report = serde_json::json!({
        "device": device.to_string(),
        "model": section.model,
        "batch": batch,
        "first_step_s": times.first().map(|(seconds, _)| seconds),
        "median_step_s": median,
        "samples_per_s": batch as f64 / median,
        "peak_rss_bytes": peak_memory(),
        "losses": losses,
    });
    let mut output = std::io::stdout().lock();
    std::io::Write::write_all(&mut output, format!("{report:#}\n").as_bytes())?;
    Ok(())
}

/// A batch with noise as images and reports of ordinary length.
fn study_batch(step: u64, batch: usize) -> StudyBatch {
    let findings =
        ["effusion", "nodule", "emphysema", "atelectasis", "consolidation", "lymphadenopathy"];
    let count = batch * VOLUME.iter().product::<usize>();
    let mut state = step + 1;
    let data: Vec<u8> = (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect();
    let records: Vec<StudyRecord> = (0..batch)
        .map(|sample| StudyRecord {
            study_id: StudyId(format!("{step}-{sample}")),
            patient_key: PatientKey(format!("{step}-{sample}")),
            sentences: (0..SENTENCES)
                .map(|sentence| Sentence {
                    text: format!(
                        "There is {} {} in the {} lower lobe of the lung.",
                        if (sample + sentence) % 2 == 0 { "no" } else { "mild" },
                        findings[(sample + sentence) % findings.len()],
                        if sentence % 2 == 0 { "right" } else { "left" },
                    ),
                    impression: sentence > 12,
                    sentence_type: (sample * SENTENCES + sentence) as u64,
                    ..Sentence::default()
                })
                .collect(),
            labels: Vec::new(),
            names_side: false,
            mirrored: false,
        })
        .collect();
    let format = VoxelFormat { dtype: VoxelType::U8, scale: 1.0 / 255.0, offset: 0.0 };
    StudyBatch {
        step,
        studies: single_blocks(records, VOLUME, format),
        voxels: Voxels::from(data),
        side_inputs: Arc::new(EveryThirdPair { sentences: (SENTENCES * batch) as u64 }),
        damaged: 0,
        data_wait_s: 0.0,
    }
}

/// Of all pairs of sentences each third is equal.
#[derive(Debug)]
struct EveryThirdPair {
    sentences: u64,
}

impl SideInputs for EveryThirdPair {
    fn sentence_similarity(&self, a: u64, b: u64) -> [f32; 2] {
        if (a * self.sentences + b).is_multiple_of(3) { [1.0; 2] } else { [0.1; 2] }
    }

    fn claims(&self, _: u64) -> &[SentenceClaim] {
        &[]
    }
}

/// Largest resident memory of this process in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}
