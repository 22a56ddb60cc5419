//! Sentences as vectors, from a folder as sentence-transformers and Hugging Face keep them.
//!
//! Reimers and Gurevych, arXiv 1908.10084: token features of a BERT, pooled to one vector per sentence.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{Bool, DType, Int, Tensor, TensorData};
use rayon::prelude::*;
use serde::Deserialize;
use thiserror::Error;

use super::{ReportTokenizer, TokenizeError};
use crate::device::{BackendJob, DeviceChoice, DeviceError, dispatch};
use crate::encoder::TextEncoder;
use crate::weights::{PretrainedError, PretrainedText};

/// Why sentences cannot be encoded.
#[derive(Debug, Error)]
pub enum SentenceModelError {
    /// The encoder cannot be read.
    #[error(transparent)]
    Encoder(#[from] PretrainedError),
    /// The tokenizer cannot be read or refuses a text.
    #[error(transparent)]
    Tokenizer(#[from] TokenizeError),
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A file of the folder asks for what is not built.
    #[error("failed to read sentence encoder `{path}`: {message}")]
    Config {
        /// File.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// The tokenizer gives ids that the encoder has no row for.
    #[error(
        "encode sentences: the tokenizer gives id {id}, but the encoder has {words} words; `tokenizer.json` and \
         `model.safetensors` are not of one model"
    )]
    Vocabulary {
        /// Id of the token.
        id: u32,
        /// Rows of the word embedding.
        words: usize,
    },
    /// The backend gave no floats.
    #[error("failed to encode sentences: failed to read the result from the device: {message}")]
    Result {
        /// What it said.
        message: String,
    },
}

/// How token features become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pooling {
    /// Mean of all tokens, `[CLS]` and `[SEP]` included.
    Mean,
    /// The token `[CLS]`.
    Cls,
}

/// Sequences that go through the encoder at once.
const BATCH: usize = 32;

/// A sentence encoder in its folder. Weights are read when the first sentence is encoded.
pub struct SentenceModel {
    pretrained: PretrainedText,
    tokenizer: ReportTokenizer,
    pooling: Pooling,
    max_tokens: usize,
    device: DeviceChoice,
    files: Vec<PathBuf>,
    loaded: OnceCell<Box<dyn Features>>,
}

/// `1_Pooling/config.json`: every mode that is on, whatever its name.
#[derive(Deserialize)]
struct PoolingConfig {
    #[serde(flatten)]
    modes: BTreeMap<String, serde_json::Value>,
}

/// `sentence_bert_config.json`.
#[derive(Deserialize)]
struct LengthConfig {
    max_seq_length: Option<usize>,
}

/// One entry of `modules.json`.
#[derive(Deserialize)]
struct ModuleEntry {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    path: String,
}

impl fmt::Debug for SentenceModel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SentenceModel")
            .field("files", &self.files)
            .field("pooling", &self.pooling)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

impl SentenceModel {
    /// Opens a folder: `config.json`, `tokenizer.json` and `model.safetensors` of a BERT, and beside them what
    /// sentence-transformers adds: `modules.json`, `1_Pooling/config.json` (mean where it is missing) and
    /// `sentence_bert_config.json`.
    ///
    /// # Errors
    /// When a file is missing, the encoder is no BERT, or the folder asks for a module or pooling that is not built.
    pub fn open(folder: &Path, device: DeviceChoice) -> Result<Self, SentenceModelError> {
        let pretrained = PretrainedText::open(folder)?;
        let tokenizer = ReportTokenizer::from_file(&pretrained.tokenizer())?;
        let mut files =
            vec![folder.join("config.json"), pretrained.tokenizer(), pretrained.weights()];
        let mut optional = |name: &str| -> Result<Option<(String, String)>, SentenceModelError> {
            let path = folder.join(name);
            if !path.is_file() {
                return Ok(None);
            }
            let shown = path.display().to_string();
            let text = std::fs::read_to_string(&path)
                .map_err(|source| PretrainedError::File { path: shown.clone(), source })?;
            files.push(path);
            Ok(Some((shown, text)))
        };
        let mut pooling_folder = "1_Pooling".to_owned();
        if let Some((path, text)) = optional("modules.json")? {
            pooling_folder = check_modules(&path, &text)?.unwrap_or(pooling_folder);
        }
        let pooling = match optional(&format!("{pooling_folder}/config.json"))? {
            Some((path, text)) => pooling(&path, &text)?,
            None => Pooling::Mean,
        };
        let mut max_tokens = pretrained.config.max_position_embeddings;
        if let Some((path, text)) = optional("sentence_bert_config.json")? {
            let config: LengthConfig = parse(&path, &text)?;
            max_tokens = config.max_seq_length.map_or(max_tokens, |limit| limit.min(max_tokens));
        }
        if max_tokens < 3 {
            let path = folder.join("config.json").display().to_string();
            let message = format!("sequences of {max_tokens} tokens hold no word");
            return Err(SentenceModelError::Config { path, message });
        }
        let loaded = OnceCell::new();
        Ok(Self { pretrained, tokenizer, pooling, max_tokens, device, files, loaded })
    }

    /// The files that decide the vectors.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Encodes texts, neighbours together: vectors of `hidden_size` values, one per text, not normalised. Texts of
    /// like length need the least padding.
    ///
    /// A text longer than the encoder reaches is the mean of its parts, each counted by its tokens; nothing is cut.
    ///
    /// # Errors
    /// When the weights cannot be read or do not fit the tokenizer, or the device fails.
    pub fn encode(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, SentenceModelError> {
        let mut parts: Vec<Vec<u32>> = Vec::new();
        let mut owner = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            let ids = self.tokenizer.text_ids(text)?;
            let words = self.pretrained.config.vocab_size;
            if let Some(&id) = ids.iter().find(|&&id| id as usize >= words) {
                return Err(SentenceModelError::Vocabulary { id, words });
            }
            let mut rest = ids.as_slice();
            loop {
                let (part, after) = rest.split_at(rest.len().min(self.max_tokens - 2));
                let (cls, sep) = (self.tokenizer.cls, self.tokenizer.sep);
                parts.push([&[cls], part, &[sep]].concat());
                owner.push(number);
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
        }
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        let features = if let Some(loaded) = self.loaded.get() {
            loaded
        } else {
            let loaded = dispatch(self.device, Load { model: self })??;
            self.loaded.get_or_init(|| loaded)
        };
        let (pad, pooling) = (self.tokenizer.pad, self.pooling);
        let pooled = |batch: &[Vec<u32>]| features.pooled(batch, pad, pooling);
        // Most of the backend's operations run on one thread of the processor; a GPU takes one batch at a time.
        let batches: Vec<Vec<Vec<f32>>> = match self.device {
            DeviceChoice::Cpu => parts.par_chunks(BATCH).map(pooled).collect::<Result<_, _>>()?,
            DeviceChoice::Cuda(_) => parts.chunks(BATCH).map(pooled).collect::<Result<_, _>>()?,
        };
        let mut sums =
            vec![(vec![0.0_f32; self.pretrained.config.hidden_size], 0.0_f32); texts.len()];
        for ((vector, part), &number) in batches.iter().flatten().zip(&parts).zip(&owner) {
            let (sum, tokens) = &mut sums[number];
            let weight = part.len() as f32;
            sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value * weight);
            *tokens += weight;
        }
        Ok(sums
            .into_iter()
            .map(|(sum, tokens)| sum.into_iter().map(|value| value / tokens).collect())
            .collect())
    }
}

fn parse<T: for<'a> Deserialize<'a>>(path: &str, text: &str) -> Result<T, SentenceModelError> {
    serde_json::from_str(text).map_err(|error| SentenceModelError::Config {
        path: path.to_owned(),
        message: error.to_string(),
    })
}

/// Refuses folders whose vectors go through more than a transformer, pooling and a norm; gives the folder of the
/// pooling.
fn check_modules(path: &str, text: &str) -> Result<Option<String>, SentenceModelError> {
    let modules: Vec<ModuleEntry> = parse(path, text)?;
    let built = ["Transformer", "Pooling", "Normalize"];
    let name = |module: &ModuleEntry| module.kind.rsplit('.').next().unwrap_or_default().to_owned();
    match modules.iter().find(|module| !built.contains(&name(module).as_str())) {
        None => Ok(modules
            .into_iter()
            .find(|module| name(module) == "Pooling" && !module.path.is_empty())
            .map(|module| module.path)),
        Some(module) => Err(SentenceModelError::Config {
            path: path.to_owned(),
            message: format!(
                "module `{}` is not built; there are {}",
                module.kind,
                built.join(", ")
            ),
        }),
    }
}

fn pooling(path: &str, text: &str) -> Result<Pooling, SentenceModelError> {
    let config: PoolingConfig = parse(path, text)?;
    // Older files have a switch a mode, newer ones name the mode.
    let mut on: Vec<&str> = config
        .modes
        .iter()
        .filter(|(name, value)| name.starts_with("pooling_mode_") && **value == true)
        .map(|(name, _)| name.trim_start_matches("pooling_mode_"))
        .collect();
    if let Some(name) = config.modes.get("pooling_mode").and_then(serde_json::Value::as_str) {
        on.push(name);
    }
    match on[..] {
        [] | ["mean_tokens" | "mean"] => Ok(Pooling::Mean),
        ["cls_token" | "cls"] => Ok(Pooling::Cls),
        _ => Err(SentenceModelError::Config {
            path: path.to_owned(),
            message: format!(
                "pooling `{}` is not built; there are `mean` and `cls`",
                on.join("`, `")
            ),
        }),
    }
}

/// An encoder on whichever backend was chosen.
trait Features: Send + Sync {
    /// Vectors of token sequences, one each.
    fn pooled(
        &self,
        sequences: &[Vec<u32>],
        pad: u32,
        pooling: Pooling,
    ) -> Result<Vec<Vec<f32>>, SentenceModelError>;
}

struct Loaded<B: Backend> {
    encoder: TextEncoder<B>,
    device: B::Device,
}

struct Load<'a> {
    model: &'a SentenceModel,
}

impl BackendJob for Load<'_> {
    type Output = Result<Box<dyn Features>, SentenceModelError>;

    fn run<B: AutodiffBackend>(self, device: &B::Device) -> Self::Output {
        let pretrained = &self.model.pretrained;
        let encoder = pretrained.load(pretrained.config.init::<B::InnerBackend>(device))?;
        Ok(Box::new(Loaded { encoder, device: device.clone() }))
    }
}

impl<B: Backend> Features for Loaded<B> {
    fn pooled(
        &self,
        sequences: &[Vec<u32>],
        pad: u32,
        pooling: Pooling,
    ) -> Result<Vec<Vec<f32>>, SentenceModelError> {
        let (count, length) =
            (sequences.len(), sequences.iter().map(Vec::len).max().unwrap_or_default());
        let mut ids = Vec::with_capacity(count * length);
        let mut padded = Vec::with_capacity(count * length);
        let mut weights = Vec::with_capacity(count * length);
        for sequence in sequences {
            let tokens = sequence.iter().map(|&id| id as i32);
            ids.extend(tokens.chain(std::iter::repeat(pad as i32)).take(length));
            for place in 0..length {
                padded.push(place >= sequence.len());
                let pooled = match pooling {
                    Pooling::Mean => place < sequence.len(),
                    Pooling::Cls => place == 0,
                };
                let tokens = if pooling == Pooling::Mean { sequence.len() as f32 } else { 1.0 };
                weights.push(if pooled { tokens.recip() } else { 0.0 });
            }
        }
        let device = &self.device;
        let size = count * length;
        let ids = TensorData::new(ids, [size]);
        let ids = Tensor::<B, 1, Int>::from_data(ids, (device, DType::I32));
        let padded = Tensor::<B, 1, Bool>::from_data(TensorData::new(padded, [size]), device);
        let weights = TensorData::new(weights, [size]);
        let weights = Tensor::<B, 1>::from_data(weights, (device, DType::F32));
        let features =
            self.encoder.forward(ids.reshape([count, length]), &padded.reshape([count, length]));
        let [_, _, hidden] = features.dims();
        let pooled = weights.reshape([count, 1, length]).matmul(features);
        let values: Vec<f32> = pooled
            .into_data()
            .convert::<f32>()
            .into_vec()
            .map_err(|error| SentenceModelError::Result { message: format!("{error:?}") })?;
        Ok(values.chunks(hidden).map(<[f32]>::to_vec).collect())
    }
}
