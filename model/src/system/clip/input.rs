//! From a batch of studies to the tensors of one step of `clip`: volumes, tokens, and which rows are no negatives.

use std::sync::Arc;

use burn::tensor::{Bool, DType, Int, Tensor, TensorData, backend::Backend};
use schemas::study::StudyRecord;

use crate::batch::{BatchError, StudyBatch, not_negative};
use crate::text::{EncodedReport, TokenCache, TokenizeError};

/// Lengths of token sequences are multiples of this: few distinct lengths keep the kernels that a device tunes per
/// shape few.
const LENGTH_STEP: usize = 16;

/// Tokens of an empty report: its first and its last.
const MIN_LENGTH: usize = 2;

/// Constants of the preparation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputConfig {
    /// Block as `[channels, depth, height, width]`.
    pub block: [usize; 4],
    /// Blocks of each study.
    pub blocks: usize,
    /// Longest token sequence.
    pub max_tokens: usize,
}

/// Tensors of one step for B studies of K blocks.
#[derive(Debug, Clone)]
pub struct ClipInput<B: Backend> {
    /// Voxels `[B * K, C, D, H, W]` in `0..1`; the blocks of a study stand together.
    pub volume: Tensor<B, 5>,
    /// Reports.
    pub text: ClipText<B>,
    /// Studies that have text, as rows of `[B]`; none when fewer than two have.
    pub text_rows: Option<Tensor<B, 1, Int>>,
    /// True where two studies with text are no negatives of each other, `[R, R]`.
    pub not_negative: Tensor<B, 2, Bool>,
}

/// Reports as tokens.
#[derive(Debug, Clone)]
pub struct ClipText<B: Backend> {
    /// Token ids, `[B, T]`.
    pub ids: Tensor<B, 2, Int>,
    /// True where a token is padding, `[B, T]`.
    pub pad: Tensor<B, 2, Bool>,
}

/// What of a [`ClipInput`] needs no device.
#[derive(Debug)]
pub struct ClipHost {
    text: ClipTextHost,
    text_rows: Vec<i32>,
    not_negative: Vec<bool>,
    /// Sentences left out because a report is longer than the budget.
    pub dropped_sentences: usize,
    /// Clauses left out of sentences that were kept in part, for the same reason.
    pub dropped_clauses: usize,
}

/// What of a [`ClipText`] needs no device.
#[derive(Debug)]
pub struct ClipTextHost {
    ids: Vec<i32>,
    pad: Vec<bool>,
    length: usize,
}

impl InputConfig {
    /// The part of the preparation that needs no device. The batch is one that [`StudyBatch::validate_fixed`]
    /// accepted for this block.
    ///
    /// # Errors
    /// When a report cannot be tokenised.
    pub fn host(
        &self,
        batch: &StudyBatch,
        tokens: &TokenCache<'_>,
    ) -> Result<ClipHost, TokenizeError> {
        let studies = &batch.studies;
        let reports = studies
            .iter()
            .map(|study| tokens.report(&study.record))
            .collect::<Result<Vec<_>, _>>()?;
        let with_text: Vec<usize> =
            (0..studies.len()).filter(|&row| has_text(&reports[row])).collect();
        let records: Vec<&StudyRecord> =
            with_text.iter().map(|&row| studies[row].record.as_ref()).collect();
        Ok(ClipHost {
            text: self.host_text(&reports, tokens.tokenizer().pad),
            not_negative: not_negative(&records),
            text_rows: with_text.into_iter().map(|row| row as i32).collect(),
            dropped_sentences: reports.iter().map(|report| report.dropped).sum(),
            dropped_clauses: reports.iter().map(|report| report.dropped_clauses).sum(),
        })
    }

    /// Pads reports to one length; `pad` is the id of the token that fills them.
    pub fn host_text(&self, reports: &[Arc<EncodedReport>], pad: u32) -> ClipTextHost {
        let longest = reports.iter().map(|report| report.ids.len()).max().unwrap_or(MIN_LENGTH);
        let length = longest.next_multiple_of(LENGTH_STEP).min(self.max_tokens.max(longest));
        let (mut ids, mut padded) = (Vec::new(), Vec::new());
        for report in reports {
            let row = report.ids.iter().map(|&id| id as i32).chain(std::iter::repeat(pad as i32));
            ids.extend(row.take(length));
            padded.extend((0..length).map(|at| at >= report.ids.len()));
        }
        ClipTextHost { ids, pad: padded, length }
    }
}

impl ClipTextHost {
    /// The tensors of the reports.
    pub fn upload<B: Backend>(self, device: &B::Device) -> ClipText<B> {
        let shape = [self.pad.len() / self.length, self.length];
        let ids = TensorData::new(self.ids, shape);
        ClipText {
            ids: Tensor::from_data(ids, (device, DType::I32)),
            pad: Tensor::from_data(TensorData::new(self.pad, shape), device),
        }
    }
}

impl ClipHost {
    /// The tensors of the step of `batch`, which is the one that this was made of.
    ///
    /// # Errors
    /// When the voxels do not form one tensor.
    pub fn upload<B: Backend>(
        self,
        batch: &StudyBatch,
        device: &B::Device,
    ) -> Result<ClipInput<B>, BatchError> {
        let rows = self.text_rows.len();
        let text_rows = TensorData::new(self.text_rows, [rows]);
        let not_negative = TensorData::new(self.not_negative, [rows, rows]);
        Ok(ClipInput {
            volume: batch.voxels.upload(&batch.studies, device)?,
            text: self.text.upload(device),
            text_rows: (rows > 1).then(|| Tensor::from_data(text_rows, (device, DType::I32))),
            not_negative: Tensor::from_data(not_negative, device),
        })
    }
}

/// Whether any token belongs to a sentence.
fn has_text(report: &EncodedReport) -> bool {
    report.sentence.iter().any(|&sentence| sentence >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{VOLUME, batch_of, tokenizer};
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;

    #[test]
    fn reconstructions_of_a_study_are_marked_and_studies_without_text_are_left_out() {
        let tokenizer = tokenizer();
        let tokens = TokenCache::new(&tokenizer, 48);
        let config = InputConfig { block: VOLUME, blocks: 1, max_tokens: 48 };
        let mut batch = batch_of(0, &[3, 5, 3, 6]);
        let silent = Arc::make_mut(&mut batch.studies[1].record);
        silent.sentences.clear();
        silent.study_id = schemas::ids::StudyId("without text".into());
        let host = config.host(&batch, &tokens).expect("tokens");
        let input = host.upload::<Flex>(&batch, &FlexDevice).expect("tensors");
        let rows = input.text_rows.expect("three with text").into_data();
        assert_eq!(rows.iter::<i32>().collect::<Vec<_>>(), [0, 2, 3]);
        let same = input.not_negative.into_data().to_vec::<bool>().expect("bools");
        let (yes, no) = (true, false);
        assert_eq!(same, [yes, yes, no, yes, yes, no, no, no, yes]);
        assert_eq!(input.volume.dims()[0], 4);
    }

    #[test]
    fn padding_is_all_that_follows_a_report() {
        let tokenizer = tokenizer();
        let tokens = TokenCache::new(&tokenizer, 48);
        let config = InputConfig { block: VOLUME, blocks: 1, max_tokens: 48 };
        let batch = batch_of(0, &[0, 7]);
        let host = config.host(&batch, &tokens).expect("tokens");
        let text = host.upload::<Flex>(&batch, &FlexDevice).expect("tensors").text;
        let [count, length] = text.ids.dims();
        assert_eq!((count, length % LENGTH_STEP), (2, 0));
        let ids: Vec<i32> = text.ids.into_data().iter::<i32>().collect();
        let pad = text.pad.into_data().to_vec::<bool>().expect("bools");
        for (row, study) in batch.studies.iter().enumerate() {
            let report = tokens.report(&study.record).expect("tokens");
            for at in 0..length {
                let cell = row * length + at;
                assert_eq!(pad[cell], at >= report.ids.len());
                let wanted = report.ids.get(at).copied().unwrap_or(tokenizer.pad);
                assert_eq!(ids[cell], wanted as i32);
            }
        }
    }
}
