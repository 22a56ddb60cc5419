//! The text half of a step's input: reports as tokens and sentences, and what of them is hidden.

use std::sync::Arc;

use burn::tensor::{Bool, DType, Int, Tensor, TensorData, backend::Backend};
use schemas::study::{BatchStudy, SideInputs};

use super::input_config::{InputConfig, SimilarityThresholds};
use crate::batch::not_negative;
use crate::objective::SimilarityTarget;
use crate::text::{EncodedReport, MaskedText, ReportTokenizer, TokenCache, TokenizeError};

/// Reports of B studies, T tokens, S sentences per study.
#[derive(Debug, Clone)]
pub struct TextInput<B: Backend> {
    /// Token ids of the complete reports, `[B, T]`.
    pub ids: Tensor<B, 2, Int>,
    /// Token ids of the masked reports, `[B, T]`.
    pub masked_ids: Tensor<B, 2, Int>,
    /// True where a token is padding, `[B, T]`.
    pub token_pad: Tensor<B, 2, Bool>,
    /// Hidden tokens as rows of `[B * T]`, and their true ids; none when nothing is hidden.
    pub hidden_tokens: Option<(Tensor<B, 1, Int>, Tensor<B, 1, Int>)>,
    /// Mean of the tokens of a sentence as a matrix, `[B, S, T]`; rows of absent sentences are 0.
    pub sentence_mean: Tensor<B, 3>,
    /// True where a sentence is absent, `[B, S]`.
    pub sentence_pad: Tensor<B, 2, Bool>,
    /// 1 / number of sentences where a sentence is present, `[B, S, 1]`.
    pub sentence_weight: Tensor<B, 3>,
    /// Present sentences as rows of `[B * S]`; none when no report has any.
    pub sentence_rows: Option<Tensor<B, 1, Int>>,
    /// Wanted similarity of the present sentences.
    pub similarity: SimilarityTarget,
    /// Studies that have text, as rows of `[B]`; none when fewer than two have.
    pub text_rows: Option<Tensor<B, 1, Int>>,
    /// True where two studies with text are no negatives of each other: of one patient, or with one text, `[R, R]`.
    pub not_negative: Tensor<B, 2, Bool>,
}

/// Texts, masks and targets of a batch on the host.
#[derive(Debug)]
pub struct HostText {
    count: usize,
    text: TextBatch,
    similarity: SimilarityTarget,
    text_rows: Vec<i32>,
    not_negative: Vec<bool>,
    dropped_sentences: usize,
    dropped_clauses: usize,
}

impl InputConfig {
    /// Tokens, masks and targets of the reports of `studies`, for step `step`.
    ///
    /// # Errors
    /// When a report cannot be tokenised.
    pub fn host_text(
        &self,
        studies: &[BatchStudy],
        side_inputs: &dyn SideInputs,
        step: u64,
        tokens: &TokenCache<'_>,
    ) -> Result<HostText, TokenizeError> {
        let tokenizer = tokens.tokenizer();
        let reports = studies
            .iter()
            .map(|study| tokens.report(&study.record))
            .collect::<Result<Vec<_>, _>>()?;
        let masked: Vec<MaskedText> = reports
            .iter()
            .enumerate()
            .map(|(position, report)| {
                self.text_mask.draw(report, tokenizer, self.seed, step, position)
            })
            .collect();
        let text = self.text_batch(&reports, &masked, tokenizer);
        let (text_rows, not_negative) = not_negatives(studies, &text.sentences);
        Ok(HostText {
            count: studies.len(),
            similarity: self.similarity(studies, side_inputs, &text.sentences),
            text,
            text_rows,
            not_negative,
            dropped_sentences: reports.iter().map(|report| report.dropped).sum(),
            dropped_clauses: reports.iter().map(|report| report.dropped_clauses).sum(),
        })
    }

    /// Pads the reports to one length and maps tokens to sentences.
    fn text_batch(
        &self,
        reports: &[Arc<EncodedReport>],
        masked: &[MaskedText],
        tokenizer: &ReportTokenizer,
    ) -> TextBatch {
        let longest = reports.iter().map(|report| report.ids.len()).max().unwrap_or(2);
        // Few distinct lengths keep the kernels that a device tunes per shape few.
        let length = longest.next_multiple_of(16).min(self.max_tokens.max(longest));
        let sentences: Vec<Vec<i32>> = reports
            .iter()
            .map(|report| {
                let mut present: Vec<i32> =
                    report.sentence.iter().copied().filter(|&sentence| sentence >= 0).collect();
                present.dedup();
                present
            })
            .collect();
        let slots = sentences.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let mut text = TextBatch { length, slots, ..TextBatch::default() };
        for (sample, (report, masked)) in reports.iter().zip(masked).enumerate() {
            let pad = tokenizer.pad as i32;
            let row = |ids: &[u32]| {
                ids.iter()
                    .map(|&id| id as i32)
                    .chain(std::iter::repeat(pad))
                    .take(length)
                    .collect::<Vec<_>>()
            };
            text.ids.extend(row(&report.ids));
            text.masked_ids.extend(row(&masked.ids));
            text.pad.extend((0..length).map(|index| index >= report.ids.len()));
            for &position in &masked.positions {
                text.hidden.push((sample * length + position) as i32);
                text.targets.push(report.ids[position] as i32);
            }
            let present = &sentences[sample];
            for slot in 0..slots {
                let sentence = present.get(slot);
                text.absent.push(sentence.is_none());
                text.weight.push(sentence.map_or(0.0, |_| 1.0 / present.len() as f32));
                let tokens =
                    report.sentence.iter().filter(|owner| Some(*owner) == sentence).count();
                let mean = (0..length).map(|index| {
                    let own = sentence.is_some() && report.sentence.get(index) == sentence;
                    if own { 1.0 / tokens as f32 } else { 0.0 }
                });
                text.mean.extend(mean);
                if sentence.is_some() {
                    text.rows.push((sample * slots + slot) as i32);
                }
            }
        }
        text.sentences = sentences;
        text
    }

    /// Looks up the similarity of the sentences that were kept.
    fn similarity(
        &self,
        studies: &[BatchStudy],
        side_inputs: &dyn SideInputs,
        kept: &[Vec<i32>],
    ) -> SimilarityTarget {
        let Some(SimilarityThresholds { positive, negative }) = self.similarity else {
            return SimilarityTarget::new(&[], &[], 1.0, 0.0);
        };
        let (mut types, mut patients) = (Vec::new(), Vec::new());
        for (study, kept) in studies.iter().zip(kept) {
            let patient = &study.record.patient_key;
            let first = studies.iter().position(|other| other.record.patient_key == *patient);
            for &sentence in kept {
                types.push(study.record.sentences[sentence as usize].sentence_type);
                patients.push(first.unwrap_or_default());
            }
        }
        let similarity: Vec<[f32; 2]> = types
            .iter()
            .flat_map(|&a| types.iter().map(move |&b| side_inputs.sentence_similarity(a, b)))
            .collect();
        SimilarityTarget::new(&similarity, &patients, positive, negative)
    }
}

impl HostText {
    /// Sentences and clauses left out because reports are longer than the budget.
    pub(super) fn dropped(&self) -> [usize; 2] {
        [self.dropped_sentences, self.dropped_clauses]
    }

    /// The tensors.
    pub fn upload<B: Backend>(self, device: &B::Device) -> TextInput<B> {
        let Self { count, text, text_rows, not_negative, .. } = self;
        let (length, slots) = (text.length, text.slots);
        let float = |values: Vec<f32>, shape: [usize; 2]| {
            Tensor::<B, 2>::from_data(TensorData::new(values, shape), (device, DType::F32))
        };
        let int = |values: Vec<i32>| {
            let shape = [values.len()];
            Tensor::<B, 1, Int>::from_data(TensorData::new(values, shape), (device, DType::I32))
        };
        let bool = |values: Vec<bool>, shape: [usize; 2]| {
            Tensor::<B, 2, Bool>::from_data(TensorData::new(values, shape), device)
        };
        let rows = text_rows.len();
        TextInput {
            ids: int(text.ids).reshape([count, length]),
            masked_ids: int(text.masked_ids).reshape([count, length]),
            token_pad: bool(text.pad, [count, length]),
            hidden_tokens: (!text.hidden.is_empty()).then(|| (int(text.hidden), int(text.targets))),
            sentence_mean: float(text.mean, [count * slots, length])
                .reshape([count, slots, length]),
            sentence_pad: bool(text.absent, [count, slots]),
            sentence_weight: float(text.weight, [count, slots]).unsqueeze_dim(2),
            sentence_rows: (!text.rows.is_empty()).then(|| int(text.rows)),
            similarity: self.similarity,
            text_rows: (rows > 1).then(|| int(text_rows)),
            not_negative: bool(not_negative, [rows, rows]),
        }
    }
}

/// The reports of a batch as numbers.
#[derive(Debug, Default)]
struct TextBatch {
    length: usize,
    slots: usize,
    ids: Vec<i32>,
    masked_ids: Vec<i32>,
    pad: Vec<bool>,
    hidden: Vec<i32>,
    targets: Vec<i32>,
    mean: Vec<f32>,
    absent: Vec<bool>,
    weight: Vec<f32>,
    rows: Vec<i32>,
    sentences: Vec<Vec<i32>>,
}

/// Studies with text, and which of them are no negatives of each other.
fn not_negatives(studies: &[BatchStudy], sentences: &[Vec<i32>]) -> (Vec<i32>, Vec<bool>) {
    let rows: Vec<usize> =
        (0..studies.len()).filter(|&index| !sentences[index].is_empty()).collect();
    let records: Vec<_> = rows.iter().map(|&row| studies[row].record.as_ref()).collect();
    (rows.into_iter().map(|row| row as i32).collect(), not_negative(&records))
}
