//! From a batch of studies to the tensors of one MG-3D step: tokens, masks and targets, drawn on the host.

use burn::tensor::backend::Backend;

use super::image_input::{HostImage, ImageInput};
use super::input_config::InputConfig;
use super::text_input::{HostText, TextInput};
use crate::batch::{BatchError, StudyBatch};
use crate::system::error::PrepareError;
use crate::text::{TokenCache, TokenizeError};

/// Tensors of one step. Images and texts are two inputs, so that a text needs no image.
#[derive(Debug, Clone)]
pub struct Mg3dInput<B: Backend> {
    /// Volumes and what of them is hidden.
    pub image: ImageInput<B>,
    /// Reports and what of them is hidden.
    pub text: TextInput<B>,
}

impl InputConfig {
    /// Prepares a batch that [`StudyBatch::validate_fixed`] accepted: [`Self::host`], then [`HostInput::upload`].
    ///
    /// # Errors
    /// When a report cannot be tokenised or the voxels are not those of the model.
    pub fn prepare<B: Backend>(
        &self,
        batch: &StudyBatch,
        tokens: &TokenCache<'_>,
        device: &B::Device,
    ) -> Result<Mg3dInput<B>, PrepareError> {
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
        let text = self.host_text(&batch.studies, batch.side_inputs.as_ref(), tokens)?;
        Ok(HostInput { image: self.host_image(&batch.studies), text })
    }
}

/// What [`InputConfig::host`] makes of a batch.
#[derive(Debug)]
pub struct HostInput {
    image: HostImage,
    text: HostText,
}

impl HostInput {
    /// Sentences and clauses left out because reports are longer than the budget, for the log.
    pub(super) fn dropped(&self) -> [usize; 2] {
        self.text.dropped()
    }

    /// The tensors of the step of `batch`, which is the one that this was made of.
    ///
    /// # Errors
    /// When the voxels do not form one tensor.
    pub fn upload<B: Backend>(
        self,
        batch: &StudyBatch,
        device: &B::Device,
    ) -> Result<Mg3dInput<B>, BatchError> {
        let volume = batch.voxels.upload(&batch.studies, device)?;
        Ok(Mg3dInput { image: self.image.upload(volume), text: self.text.upload(device) })
    }
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
        let [count, blocks] = input.image.block_mask.dims();
        let mask = input.image.block_mask.into_data().to_vec::<f32>().expect("floats");
        for sample in mask.chunks(blocks) {
            assert_eq!(sample.iter().sum::<f32>() as usize, blocks / 2);
        }
        assert_ne!(mask[..blocks], mask[blocks..2 * blocks]);
        let hidden = input.image.hidden_blocks;
        assert_eq!(hidden.len(), count * blocks / 2);
        assert!(hidden.iter().all(|&row| mask[row] > 0.5));
    }

    #[test]
    fn sentence_means_average_the_tokens_of_each_sentence() {
        let (config, tokenizer) = (input_config(), tokenizer());
        let tokens = TokenCache::new(&tokenizer, config.max_tokens);
        let input =
            config.prepare::<Flex>(&synthetic_batch(3, 4), &tokens, &FlexDevice).expect("input");
        let [count, slots, length] = input.text.sentence_mean.dims();
        let mean = input.text.sentence_mean.into_data().to_vec::<f32>().expect("floats");
        let absent = input.text.sentence_pad.into_data().to_vec::<bool>().expect("bools");
        for row in 0..count * slots {
            let sum: f32 = mean[row * length..(row + 1) * length].iter().sum();
            assert!((sum - if absent[row] { 0.0 } else { 1.0 }).abs() < 1e-6);
        }
        let present = absent.iter().filter(|absent| !**absent).count();
        assert_eq!(input.text.similarity.sentences, present);
    }
}
