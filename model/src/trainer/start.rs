//! How a run begins: from nothing, or from its checkpoint.

use std::path::Path;

use burn::tensor::backend::AutodiffBackend;

use super::adamw::AdamW;
use super::error::TrainError;
use super::job::{TrainJob, Vocabulary};
use super::same_run::check_same_run;
use crate::encoder::TextEncoderConfig;
use crate::system::{Mg3d, Mg3dConfig};
use crate::text::{ReportTokenizer, build_vocabulary};
use crate::weights::{PretrainedText, initialise};

/// A run between two steps.
pub(super) struct State<B: AutodiffBackend> {
    pub(super) config: Mg3dConfig,
    pub(super) model: Mg3d<B>,
    pub(super) optimizer: AdamW<B>,
    pub(super) tokenizer: ReportTokenizer,
    pub(super) step: u64,
}

/// Makes the state of a new run, or reads that of a resumed one.
pub(super) fn start<B: AutodiffBackend>(
    job: &TrainJob<'_>,
    device: &B::Device,
) -> Result<State<B>, TrainError> {
    if let Some(checkpoint) = job.resume {
        check_same_run(job, checkpoint)?;
        return Ok(State {
            config: checkpoint.model_config(),
            model: checkpoint.model(device)?,
            optimizer: checkpoint.optimizer(device)?,
            tokenizer: checkpoint.tokenizer()?,
            step: checkpoint.info.step,
        });
    }
    let section = job.section;
    let mut architecture = section.model.resolve();
    let pretrained = match &architecture.text.pretrained {
        Some(folder) => Some(PretrainedText::open(Path::new(folder))?),
        None => None,
    };
    let (tokenizer, text) = if let Some(pretrained) = &pretrained {
        architecture.text.hidden = pretrained.config.hidden_size;
        architecture.text.layers = pretrained.config.num_hidden_layers;
        architecture.text.heads = pretrained.config.num_attention_heads;
        (ReportTokenizer::from_file(&pretrained.tokenizer())?, pretrained.config.clone())
    } else {
        let text = &architecture.text;
        let tokenizer = match job.vocabulary {
            Vocabulary::Definition(definition) => ReportTokenizer::from_json(definition)?,
            Vocabulary::Texts(texts) => ReportTokenizer::from_json(&build_vocabulary(
                texts.iter().map(String::as_str),
                text.vocabulary,
            )?)?,
        };
        let config = TextEncoderConfig::new(
            tokenizer.vocabulary_size(),
            text.hidden,
            text.layers,
            text.heads,
            4 * text.hidden,
            text.max_tokens,
        );
        (tokenizer, config)
    };
    let block = section.objectives.image_mask_block;
    let config = Mg3dConfig { volume: job.volume, architecture, text, block };
    config.validate()?;
    let mut model = initialise(config.init::<B>(device), section.seed);
    if let Some(pretrained) = &pretrained {
        model.language_encoder = pretrained.load(model.language_encoder)?;
    }
    Ok(State { config, model, optimizer: AdamW::new(&section.optimizer), tokenizer, step: 0 })
}
