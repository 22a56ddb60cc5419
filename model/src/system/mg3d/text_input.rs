//! The text half of a step's input: reports as tokens and sentences, and what of them is hidden.

use std::sync::Arc;

use burn::tensor::{Bool, DType, Int, Tensor, TensorData, backend::Backend};
use schemas::study::{BatchStudy, SideInputs};

use super::input_config::{InputConfig, SimilarityThresholds};
use super::text_rows::{TextContext, TextRows};
use crate::batch::{ClaimPairs, not_negative};
use crate::objective::{RankedCells, SimilarityTarget};
use crate::random::Stream;
use crate::text::{EncodedReport, MaskedText, ReportTokenizer, TokenCache, TokenizeError};

/// Reports of B studies, T tokens, S sentences per study.
#[derive(Debug, Clone)]
pub struct TextInput<B: Backend> {
    /// Complete reports as the text encoder takes them.
    pub complete: EncoderRows<B>,
    /// Rows of masked reports that are not among the complete ones.
    pub masked: EncoderRows<B>,
    /// Tokens of a report, T.
    pub length: usize,
    /// Hidden tokens as rows of `[B * T]`, and their true ids; none when nothing is hidden.
    pub hidden_tokens: Option<(Tensor<B, 1, Int>, Tensor<B, 1, Int>)>,
    /// Mean of the tokens of a sentence as a matrix, `[B, S, T]`; rows of absent sentences are 0.
    pub sentence_mean: Tensor<B, 3>,
    /// True where a sentence is absent, `[B, S]`.
    pub sentence_pad: Tensor<B, 2, Bool>,
    /// 1 / number of sentences where a sentence is present, `[B, S, 1]`.
    pub sentence_weight: Tensor<B, 3>,
    /// Weight of each sentence in the report's vector of the alignment, which may leave some out, `[B, S, 1]`.
    pub drawn_weight: Tensor<B, 3>,
    /// Pairs of present sentences and studies, ranked by their claims; none when there is no pair.
    pub claims: Option<RankedCells<B>>,
    /// Present sentences as rows of `[B * S]`; none when no report has any.
    pub sentence_rows: Option<Tensor<B, 1, Int>>,
    /// Wanted similarity of the present sentences.
    pub similarity: SimilarityTarget,
    /// Studies that have text, as rows of `[B]`; none when fewer than two have.
    pub text_rows: Option<Tensor<B, 1, Int>>,
    /// True where two studies with text are no negatives of each other: of one patient, or with one text, `[R, R]`.
    pub not_negative: Tensor<B, 2, Bool>,
}

/// Rows of the text encoder.
#[derive(Debug, Clone)]
pub struct EncoderRows<B: Backend> {
    /// Token ids, `[R, L]`.
    pub ids: Tensor<B, 2, Int>,
    /// True where a token is padding, `[R, L]`.
    pub pad: Tensor<B, 2, Bool>,
    /// For each token of each report its cell of the rows, complete ones before masked ones, `[B * T]`; none where a row
    /// is a report.
    pub cells: Option<Tensor<B, 1, Int>>,
}

/// Texts, masks and targets of a batch on the host.
#[derive(Debug)]
pub struct HostText {
    count: usize,
    text: TextBatch,
    similarity: SimilarityTarget,
    claims: ClaimPairs,
    text_rows: Vec<i32>,
    not_negative: Vec<bool>,
    dropped_sentences: usize,
    dropped_clauses: usize,
}

/// Lengths of token sequences are multiples of this: few distinct lengths keep the kernels that a device tunes per shape
/// few.
const LENGTH_STEP: usize = 16;

impl InputConfig {
    /// Tokens, masks and targets of the reports of `studies`.
    ///
    /// # Errors
    /// When a report cannot be tokenised.
    pub fn host_text(
        &self,
        studies: &[BatchStudy],
        side_inputs: &dyn SideInputs,
        tokens: &TokenCache<'_>,
    ) -> Result<HostText, TokenizeError> {
        let tokenizer = tokens.tokenizer();
        let reports = studies
            .iter()
            .map(|study| tokens.report(&study.record))
            .collect::<Result<Vec<_>, _>>()?;
        let masked: Vec<MaskedText> = reports
            .iter()
            .zip(studies)
            .map(|(report, study)| {
                let name = study.record.study_id.as_str();
                self.text_mask.draw(report, tokenizer, self.seed, name, study.epoch)
            })
            .collect();
        let mut text = self.text_batch(&reports, &masked, tokenizer);
        text.drawn = self.drawn_weights(studies, &text);
        let (text_rows, not_negative) = not_negatives(studies, &text.sentences);
        Ok(HostText {
            count: studies.len(),
            similarity: self.similarity(studies, side_inputs, &text.sentences),
            claims: self.claims(studies, side_inputs, &text.sentences),
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
        let length = longest.next_multiple_of(LENGTH_STEP).min(self.max_tokens.max(longest));
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
        let complete = reports.iter().map(|report| (report.as_ref(), report.ids.as_slice()));
        let complete = TextRows::new(complete, self.text_context, &[]);
        let hidden = reports.iter().zip(masked);
        let hidden = hidden.map(|(report, masked)| (report.as_ref(), masked.ids.as_slice()));
        let hidden = TextRows::new(hidden, self.text_context, &complete.rows);
        let row_length = complete.longest().max(hidden.longest()).next_multiple_of(LENGTH_STEP);
        let row_length = match self.text_context {
            TextContext::Report => length,
            TextContext::Sentence => row_length,
        };
        let rows = [complete, hidden].map(|rows| {
            let (ids, pad) = rows.padded(row_length, tokenizer.pad);
            HostRows { ids, pad, cells: rows.cells(length, row_length) }
        });
        let mut text = TextBatch { length, slots, row_length, rows, ..TextBatch::default() };
        for (sample, (report, masked)) in reports.iter().zip(masked).enumerate() {
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
                    text.present.push((sample * slots + slot) as i32);
                }
            }
        }
        text.sentences = sentences;
        text
    }

    /// Weights of the sentences of each report with some left out; at least one stays.
    fn drawn_weights(&self, studies: &[BatchStudy], text: &TextBatch) -> Vec<f32> {
        let mut weights = text.weight.clone();
        if self.sentence_dropout <= 0.0 {
            return weights;
        }
        for ((study, sentences), weights) in
            studies.iter().zip(&text.sentences).zip(weights.chunks_mut(text.slots))
        {
            let purpose = format!("sentences {}", study.record.study_id);
            let mut stream = Stream::new(self.seed, &purpose, study.epoch);
            let share = 1.0 - self.sentence_dropout * stream.unit();
            let kept = (sentences.len() as f64 * share).round().max(1.0) as usize;
            let kept = stream.choose(sentences.len(), kept.min(sentences.len()));
            weights.fill(0.0);
            for &slot in &kept {
                weights[slot] = 1.0 / kept.len() as f32;
            }
        }
        weights
    }

    /// Ranks the sentences that were kept by what the studies claim.
    fn claims(
        &self,
        studies: &[BatchStudy],
        side_inputs: &dyn SideInputs,
        kept: &[Vec<i32>],
    ) -> ClaimPairs {
        if !self.claims {
            return ClaimPairs::default();
        }
        let of = |study: &BatchStudy, sentence: usize| {
            side_inputs.claims(study.record.sentences[sentence].sentence_type)
        };
        let sentences: Vec<_> = studies
            .iter()
            .zip(kept)
            .flat_map(|(study, kept)| kept.iter().map(|&sentence| of(study, sentence as usize)))
            .collect();
        let studies: Vec<Vec<_>> = studies
            .iter()
            .map(|study| {
                let all = 0..study.record.sentences.len();
                all.flat_map(|sentence| of(study, sentence)).copied().collect()
            })
            .collect();
        ClaimPairs::new(&sentences, &studies)
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
        let Self { count, text, text_rows, not_negative, claims, .. } = self;
        let pairs = claims.weight.len();
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
        let [complete, masked] = text.rows.map(|HostRows { ids, pad, cells }| {
            let shape = [pad.len() / text.row_length, text.row_length];
            let ids = int(ids).reshape(shape);
            EncoderRows { ids, pad: bool(pad, shape), cells: cells.map(int) }
        });
        TextInput {
            complete,
            masked,
            length,
            hidden_tokens: (!text.hidden.is_empty()).then(|| (int(text.hidden), int(text.targets))),
            sentence_mean: float(text.mean, [count * slots, length])
                .reshape([count, slots, length]),
            sentence_pad: bool(text.absent, [count, slots]),
            sentence_weight: float(text.weight, [count, slots]).unsqueeze_dim(2),
            drawn_weight: float(text.drawn, [count, slots]).unsqueeze_dim(2),
            claims: (!claims.weight.is_empty()).then(|| RankedCells {
                better: int(claims.better),
                worse: int(claims.worse),
                weight: Tensor::from_data(
                    TensorData::new(claims.weight, [pairs]),
                    (device, DType::F32),
                ),
            }),
            sentence_rows: (!text.present.is_empty()).then(|| int(text.present)),
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
    row_length: usize,
    /// Complete and masked.
    rows: [HostRows; 2],
    hidden: Vec<i32>,
    targets: Vec<i32>,
    mean: Vec<f32>,
    absent: Vec<bool>,
    weight: Vec<f32>,
    /// Weights of which some may be 0.
    drawn: Vec<f32>,
    /// Present sentences among all slots.
    present: Vec<i32>,
    sentences: Vec<Vec<i32>>,
}

/// Rows of the text encoder on the host.
#[derive(Debug, Default)]
struct HostRows {
    ids: Vec<i32>,
    pad: Vec<bool>,
    cells: Option<Vec<i32>>,
}

/// Studies with text, and which of them are no negatives of each other.
fn not_negatives(studies: &[BatchStudy], sentences: &[Vec<i32>]) -> (Vec<i32>, Vec<bool>) {
    let rows: Vec<usize> =
        (0..studies.len()).filter(|&index| !sentences[index].is_empty()).collect();
    let records: Vec<_> = rows.iter().map(|&row| studies[row].record.as_ref()).collect();
    (rows.into_iter().map(|row| row as i32).collect(), not_negative(&records))
}
