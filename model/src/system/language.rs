//! The language side that systems share: its keys, its tokenizer and the numbers of its encoder.

use std::path::Path;

use schemars::JsonSchema;
use schemas::manifest::ManifestOrigin;
use serde::{Deserialize, Serialize};

use super::error::StartError;
use crate::encoder::{TextEncoder, TextEncoderConfig};
use crate::text::{ReportTokenizer, build_vocabulary};
use crate::weights::{PretrainedError, PretrainedText};
use burn::tensor::backend::Backend;

/// Dotted key of the folder of pretrained text weights.
const PRETRAINED_KEY: &str = "train.model.text.pretrained";

/// Where a new run's tokenizer comes from. A pretrained text encoder brings its own.
#[derive(Debug, Clone, Copy)]
pub enum Vocabulary<'a> {
    /// Built from these texts.
    Texts(&'a [String]),
    /// This `tokenizer.json`.
    Definition(&'a str),
}

/// Text encoder. Unset fields take the preset's value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TextModel {
    /// Channels of a token.
    pub hidden: Option<usize>,
    /// Transformer layers.
    pub layers: Option<usize>,
    /// Attention heads of a layer.
    pub heads: Option<usize>,
    /// Longest token sequence of a report, `[CLS]` and `[SEP]` included.
    pub max_tokens: Option<usize>,
    /// Most words of the vocabulary that is built from the training reports; not used with `pretrained`.
    pub vocabulary: Option<usize>,
    /// Hugging Face folder of a BERT encoder (`config.json`, `tokenizer.json`, `model.safetensors`); it sets
    /// `hidden`, `layers` and `heads`. Default: none, the encoder starts from random weights.
    pub pretrained: Option<String>,
    /// Whether the text encoder stays as loaded. Default: false.
    pub frozen: bool,
}

/// A complete text encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextArchitecture {
    /// Channels of a token.
    pub hidden: usize,
    /// Transformer layers.
    pub layers: usize,
    /// Attention heads of a layer.
    pub heads: usize,
    /// Longest token sequence, special tokens included.
    pub max_tokens: usize,
    /// Most words of a vocabulary built from reports.
    pub vocabulary: usize,
    /// Hugging Face folder of the starting weights.
    pub pretrained: Option<String>,
    /// Whether the text encoder stays as loaded.
    pub frozen: bool,
}

impl TextModel {
    /// Fills every unset field from `base`.
    pub fn resolve(&self, base: &TextArchitecture) -> TextArchitecture {
        TextArchitecture {
            hidden: self.hidden.unwrap_or(base.hidden),
            layers: self.layers.unwrap_or(base.layers),
            heads: self.heads.unwrap_or(base.heads),
            max_tokens: self.max_tokens.unwrap_or(base.max_tokens),
            vocabulary: self.vocabulary.unwrap_or(base.vocabulary),
            pretrained: self.pretrained.clone(),
            frozen: self.frozen,
        }
    }

    /// Makes the path of the pretrained weights lead where the manifest says.
    ///
    /// # Errors
    /// Where there is no such folder.
    pub fn locate(&mut self, origin: &ManifestOrigin) -> Result<(), StartError> {
        if let Some(folder) = &mut self.pretrained {
            let found = origin.existing_folder(PRETRAINED_KEY, Path::new(folder.as_str()))?;
            *folder = found.to_string_lossy().into_owned();
        }
        Ok(())
    }

    /// The same text encoder, wherever its starting weights lie: only the name of their folder counts.
    #[must_use]
    pub fn without_place(&self) -> Self {
        let name = self.pretrained.as_ref().map(|folder| {
            Path::new(folder.as_str())
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        });
        Self { pretrained: name, ..self.clone() }
    }
}

impl TextArchitecture {
    /// The numbers of an encoder for a vocabulary of `vocabulary` words.
    pub fn encoder(&self, vocabulary: usize) -> TextEncoderConfig {
        TextEncoderConfig::new(
            vocabulary,
            self.hidden,
            self.layers,
            self.heads,
            4 * self.hidden,
            self.max_tokens,
        )
    }

    /// Tokenizer and encoder of a new run. Pretrained weights bring both, and set the sizes here.
    ///
    /// # Errors
    /// When the weights or the vocabulary cannot be read.
    pub fn start(
        &mut self,
        vocabulary: Vocabulary<'_>,
    ) -> Result<(ReportTokenizer, TextEncoderConfig), StartError> {
        if let Some(pretrained) = self.weights()? {
            let config = pretrained.config.clone();
            self.hidden = config.hidden_size;
            self.layers = config.num_hidden_layers;
            self.heads = config.num_attention_heads;
            return Ok((ReportTokenizer::from_file(&pretrained.tokenizer())?, config));
        }
        let tokenizer = match vocabulary {
            Vocabulary::Definition(definition) => ReportTokenizer::from_json(definition)?,
            Vocabulary::Texts(texts) => ReportTokenizer::from_json(&build_vocabulary(
                texts.iter().map(String::as_str),
                self.vocabulary,
            )?)?,
        };
        let config = self.encoder(tokenizer.vocabulary_size());
        Ok((tokenizer, config))
    }

    /// Loads the pretrained weights into `encoder`, where the manifest names some.
    ///
    /// # Errors
    /// When they cannot be read or do not fit.
    pub fn load_pretrained<B: Backend>(
        &self,
        encoder: TextEncoder<B>,
    ) -> Result<TextEncoder<B>, PretrainedError> {
        match self.weights()? {
            Some(pretrained) => pretrained.load(encoder),
            None => Ok(encoder),
        }
    }

    fn weights(&self) -> Result<Option<PretrainedText>, PretrainedError> {
        self.pretrained.as_deref().map(|folder| PretrainedText::open(Path::new(folder))).transpose()
    }
}
