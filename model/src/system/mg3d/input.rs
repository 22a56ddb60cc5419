//! From a batch of studies to the tensors of one MG-3D step: tokens, masks and targets, drawn on the host.

use std::sync::Arc;

use burn::tensor::{Bool, DType, Int, Tensor, TensorData, backend::Backend};

use schemas::manifest::train::TrainSection;
use schemas::study::{BatchStudy, SideInputs};
use thiserror::Error;

use super::config::Mg3dConfig;
use crate::batch::{BatchError, StudyBatch};
use crate::objective::SimilarityTarget;
use crate::random::Stream;
use crate::text::{
    EncodedReport, MaskedText, ReportTokenizer, TextMask, TokenCache, TokenizeError,
};

/// Why a batch cannot become an input.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Mg3dInputError {
    /// A report cannot be tokenised.
    #[error(transparent)]
    Tokenize(#[from] TokenizeError),
    /// The voxels are not those of the model.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

/// Constants of the preparation.
#[derive(Debug, Clone, PartialEq)]
pub struct InputConfig {
    /// Volume as `[channels, depth, height, width]`.
    pub volume: [usize; 4],
    /// Patch edges in voxels.
    pub patch: [usize; 3],
    /// Edges of a masked block in voxels; multiples of the patch, divisors of the volume.
    pub block: [usize; 3],
    /// Share of blocks that are masked.
    pub image_mask_ratio: f64,
    /// Which tokens are masked.
    pub text_mask: TextMask,
    /// Longest token sequence.
    pub max_tokens: usize,
    /// Sentence pairs at or above are positive.
    pub similarity_positive: f64,
    /// Sentence pairs at or below are negative.
    pub similarity_negative: f64,
    /// Seed of the masks.
    pub seed: u64,
}

/// Tensors of one step for B studies, T tokens, S sentences a study, K sentences in all.
#[derive(Debug, Clone)]
pub struct Mg3dInput<B: Backend> {
    /// Voxels `[B, C, D, H, W]` in `0..1`.
    pub volume: Tensor<B, 5>,
    /// 1 where a block is hidden, `[B, blocks]`.
    pub block_mask: Tensor<B, 2>,
    /// Hidden blocks as rows of `[B * blocks]`.
    pub hidden_blocks: Vec<usize>,
    /// 1 where a patch is hidden, `[B, patches, 1]`.
    pub patch_mask: Tensor<B, 3>,
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
    /// True where two studies with text are one study, `[R, R]`.
    pub same_study: Tensor<B, 2, Bool>,
    /// Sentences left out because a report is longer than the budget.
    pub dropped_sentences: usize,
    /// Clauses left out of sentences that were kept in part, for the same reason.
    pub dropped_clauses: usize,
}

impl InputConfig {
    /// Preparation as a run of `section` with `model` has it.
    pub fn new(section: &TrainSection, model: &Mg3dConfig) -> Self {
        let objectives = &section.objectives;
        Self {
            volume: model.volume,
            patch: model.architecture.patch,
            block: model.block,
            image_mask_ratio: objectives.image_mask_ratio,
            text_mask: TextMask {
                policy: objectives.text_mask,
                ratio: objectives.text_mask_ratio,
                entity_share: objectives.text_mask_entity_share,
            },
            max_tokens: model.architecture.text.max_tokens,
            similarity_positive: objectives.similarity_positive,
            similarity_negative: objectives.similarity_negative,
            seed: section.seed,
        }
    }

    /// Prepares a batch that [`StudyBatch::validate_fixed`] accepted: [`Self::host`], then [`HostInput::upload`].
    ///
    /// # Errors
    /// When a report cannot be tokenised or the voxels are not those of the model.
    pub fn prepare<B: Backend>(
        &self,
        batch: &StudyBatch,
        tokens: &TokenCache<'_>,
        device: &B::Device,
    ) -> Result<Mg3dInput<B>, Mg3dInputError> {
        Ok(self.host(batch, tokens)?.upload(batch, device)?)
    }

    /// The part of the preparation that needs no device, for a thread beside the training: tokens, masks, targets.
    ///
    /// # Errors
    /// When a report cannot be tokenised.
    pub fn host(
        &self,
        batch: &StudyBatch,
        tokens: &TokenCache<'_>,
    ) -> Result<HostInput, TokenizeError> {
        let (studies, tokenizer) = (&batch.studies, tokens.tokenizer());
        let reports = studies
            .iter()
            .map(|study| tokens.report(&study.record))
            .collect::<Result<Vec<_>, _>>()?;
        let masked: Vec<MaskedText> = reports
            .iter()
            .enumerate()
            .map(|(position, report)| {
                self.text_mask.draw(report, tokenizer, self.seed, batch.step, position)
            })
            .collect();
        let text = self.text(&reports, &masked, tokenizer);
        let (text_rows, same_study) = same_studies(studies, &text.sentences);
        Ok(HostInput {
            image: self.image_mask(studies.len(), batch.step),
            similarity: self.similarity(studies, batch.side_inputs.as_ref(), &text.sentences),
            text,
            text_rows,
            same_study,
            dropped_sentences: reports.iter().map(|report| report.dropped).sum(),
            dropped_clauses: reports.iter().map(|report| report.dropped_clauses).sum(),
        })
    }

    /// Draws the hidden blocks of every sample and spreads them over patches.
    fn image_mask(&self, count: usize, step: u64) -> ImageMask {
        let edges = [self.volume[1], self.volume[2], self.volume[3]];
        let blocks: [usize; 3] = std::array::from_fn(|axis| edges[axis] / self.block[axis]);
        let patches: [usize; 3] = std::array::from_fn(|axis| edges[axis] / self.patch[axis]);
        let ratio: [usize; 3] = std::array::from_fn(|axis| self.block[axis] / self.patch[axis]);
        let block_count: usize = blocks.iter().product();
        let patch_count: usize = patches.iter().product();
        let hidden = (block_count as f64 * self.image_mask_ratio).round() as usize;
        let mut mask = ImageMask {
            blocks: vec![0.0; count * block_count],
            hidden: Vec::with_capacity(count * hidden),
            patches: Vec::with_capacity(count * patch_count),
            block_count,
            patch_count,
        };
        for sample in 0..count {
            let mut stream = Stream::new(self.seed, &format!("image-mask-{sample}"), step);
            for block in stream.choose(block_count, hidden) {
                mask.blocks[sample * block_count + block] = 1.0;
                mask.hidden.push(sample * block_count + block);
            }
            for patch in 0..patch_count {
                let (d, h, w) = (
                    patch / (patches[1] * patches[2]) / ratio[0],
                    patch / patches[2] % patches[1] / ratio[1],
                    patch % patches[2] / ratio[2],
                );
                let block = (d * blocks[1] + h) * blocks[2] + w;
                mask.patches.push(mask.blocks[sample * block_count + block]);
            }
        }
        mask
    }

    /// Pads the reports to one length and maps tokens to sentences.
    fn text(
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
        let (positive, negative) = (self.similarity_positive, self.similarity_negative);
        SimilarityTarget::new(&similarity, &patients, positive, negative)
    }
}

/// What [`InputConfig::host`] makes of a batch.
#[derive(Debug)]
pub struct HostInput {
    image: ImageMask,
    text: TextBatch,
    similarity: SimilarityTarget,
    text_rows: Vec<i32>,
    same_study: Vec<bool>,
    dropped_sentences: usize,
    dropped_clauses: usize,
}

impl HostInput {
    /// The tensors of the step of `batch`, which is the one that this was made of.
    ///
    /// # Errors
    /// When the voxels do not form one tensor.
    pub fn upload<B: Backend>(
        self,
        batch: &StudyBatch,
        device: &B::Device,
    ) -> Result<Mg3dInput<B>, BatchError> {
        let Self { image, text, text_rows, same_study, .. } = self;
        let count = batch.studies.len();
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
        Ok(Mg3dInput {
            volume: batch.voxels.upload(&batch.studies, device)?,
            block_mask: float(image.blocks, [count, image.block_count]),
            hidden_blocks: image.hidden,
            patch_mask: float(image.patches, [count, image.patch_count]).unsqueeze_dim(2),
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
            same_study: bool(same_study, [rows, rows]),
            dropped_sentences: self.dropped_sentences,
            dropped_clauses: self.dropped_clauses,
        })
    }
}

#[derive(Debug)]
struct ImageMask {
    blocks: Vec<f32>,
    hidden: Vec<usize>,
    patches: Vec<f32>,
    block_count: usize,
    patch_count: usize,
}

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

/// Studies with text, and which of them are the same study.
fn same_studies(studies: &[BatchStudy], sentences: &[Vec<i32>]) -> (Vec<i32>, Vec<bool>) {
    let rows: Vec<usize> =
        (0..studies.len()).filter(|&index| !sentences[index].is_empty()).collect();
    let same = rows
        .iter()
        .flat_map(|&row| {
            rows.iter()
                .map(move |&column| studies[row].record.study_id == studies[column].record.study_id)
        })
        .collect();
    (rows.into_iter().map(|row| row as i32).collect(), same)
}

#[cfg(test)]
mod tests {
    use crate::testing::{input_config, synthetic_batch, tokenizer};
    use crate::text::TokenCache;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;

    #[test]
    fn every_sample_has_its_own_mask_of_the_asked_size_on_whole_blocks() {
        let config = input_config();
        let tokenizer = tokenizer();
        let tokens = TokenCache::new(&tokenizer, config.max_tokens);
        let input =
            config.prepare::<Flex>(&synthetic_batch(3, 4), &tokens, &FlexDevice).expect("input");
        let [count, blocks] = input.block_mask.dims();
        let mask = input.block_mask.into_data().to_vec::<f32>().expect("floats");
        for sample in mask.chunks(blocks) {
            assert_eq!(sample.iter().sum::<f32>() as usize, blocks / 2);
        }
        assert_ne!(mask[..blocks], mask[blocks..2 * blocks]);
        let hidden = input.hidden_blocks;
        assert_eq!(hidden.len(), count * blocks / 2);
        assert!(hidden.iter().all(|&row| mask[row] > 0.5));
        // The mask of patches, seen as voxels, is the mask of blocks.
        let grid = [
            config.volume[1] / config.patch[0],
            config.volume[2] / config.patch[1],
            config.volume[3] / config.patch[2],
        ];
        let as_volume = input.patch_mask.reshape([count, 1, grid[0], grid[1], grid[2]]);
        let cells: [usize; 3] = std::array::from_fn(|axis| config.block[axis] / config.patch[axis]);
        let per_block = crate::encoder::patchify(as_volume, cells);
        let per_block = per_block.into_data().to_vec::<f32>().expect("floats");
        for (block, cells) in mask.iter().zip(per_block.chunks(cells.iter().product())) {
            assert!(cells.iter().all(|cell| cell.total_cmp(block).is_eq()));
        }
    }

    #[test]
    fn sentence_means_average_the_tokens_of_each_sentence() {
        let (config, tokenizer) = (input_config(), tokenizer());
        let tokens = TokenCache::new(&tokenizer, config.max_tokens);
        let input =
            config.prepare::<Flex>(&synthetic_batch(3, 4), &tokens, &FlexDevice).expect("input");
        let [count, slots, length] = input.sentence_mean.dims();
        let mean = input.sentence_mean.into_data().to_vec::<f32>().expect("floats");
        let absent = input.sentence_pad.into_data().to_vec::<bool>().expect("bools");
        for row in 0..count * slots {
            let sum: f32 = mean[row * length..(row + 1) * length].iter().sum();
            assert!((sum - if absent[row] { 0.0 } else { 1.0 }).abs() < 1e-6);
        }
        let present = absent.iter().filter(|absent| !**absent).count();
        assert_eq!(input.similarity.sentences, present);
    }
}
