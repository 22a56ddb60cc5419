//! A BERT text encoder from a Hugging Face folder.

use std::path::{Path, PathBuf};

use burn::store::{ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore};
use burn::tensor::backend::Backend;
use serde::Deserialize;
use thiserror::Error;

use crate::encoder::{TextEncoder, TextEncoderConfig};

/// Why a pretrained text encoder cannot be used.
#[derive(Debug, Error)]
pub enum PretrainedError {
    /// A file of the folder cannot be read.
    #[error(
        "failed to read pretrained text encoder `{path}`: {source}; expected config.json, tokenizer.json and model.safetensors"
    )]
    File {
        /// File.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// `config.json` is not that of a BERT encoder.
    #[error("failed to read pretrained text encoder `{path}`: {message}")]
    Config {
        /// File.
        path: String,
        /// What does not fit.
        message: String,
    },
    /// The weights do not fit the configuration.
    #[error("failed to load pretrained text encoder `{path}`: {message}")]
    Weights {
        /// File.
        path: String,
        /// What does not fit.
        message: String,
    },
}

/// A Hugging Face folder of a BERT encoder.
#[derive(Debug, Clone)]
pub struct PretrainedText {
    folder: PathBuf,
    /// Configuration as stored.
    pub config: TextEncoderConfig,
}

/// The fields of `config.json` that shape the encoder. Others (dropout, task heads) are ignored on purpose.
#[derive(Deserialize)]
struct BertConfig {
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    layer_norm_eps: f64,
    hidden_act: String,
}

impl PretrainedText {
    /// Opens a folder and reads its configuration.
    ///
    /// # Errors
    /// When `config.json` is missing or not that of a BERT encoder with GELU.
    pub fn open(folder: &Path) -> Result<Self, PretrainedError> {
        let path = folder.join("config.json");
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(&path)
            .map_err(|source| PretrainedError::File { path: shown.clone(), source })?;
        let fail = |message| PretrainedError::Config { path: shown.clone(), message };
        let read: BertConfig =
            serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
        if read.model_type != "bert" || read.hidden_act != "gelu" {
            return Err(fail(format!(
                "model type `{}` with activation `{}`; only `bert` with `gelu` is supported",
                read.model_type, read.hidden_act
            )));
        }
        if read.num_attention_heads == 0
            || !read.hidden_size.is_multiple_of(read.num_attention_heads)
        {
            return Err(fail("`num_attention_heads` does not divide `hidden_size`".to_owned()));
        }
        let config = TextEncoderConfig::new(
            read.vocab_size,
            read.hidden_size,
            read.num_hidden_layers,
            read.num_attention_heads,
            read.intermediate_size,
            read.max_position_embeddings,
        )
        .with_type_vocab_size(read.type_vocab_size)
        .with_layer_norm_eps(read.layer_norm_eps);
        Ok(Self { folder: folder.to_owned(), config })
    }

    /// Path of its tokenizer.
    pub fn tokenizer(&self) -> PathBuf {
        self.folder.join("tokenizer.json")
    }

    /// Path of its weights.
    pub fn weights(&self) -> PathBuf {
        self.folder.join("model.safetensors")
    }

    /// Loads the weights into an encoder made from [`Self::config`]. Task heads in the file are left aside.
    ///
    /// # Errors
    /// When the file cannot be read or lacks a tensor of the encoder.
    pub fn load<B: Backend>(
        &self,
        mut encoder: TextEncoder<B>,
    ) -> Result<TextEncoder<B>, PretrainedError> {
        let path = self.weights();
        let fail = |message| PretrainedError::Weights { path: path.display().to_string(), message };
        let mut store = SafetensorsStore::from_file(&path)
            .with_key_remapping(r"^(bert|text_encoder)\.", "")
            .with_key_remapping(r"\.attention\.self\.", ".attention.self_attention.")
            .with_key_remapping(r"\.LayerNorm\.", ".layer_norm.")
            .with_from_adapter(PyTorchToBurnAdapter)
            .allow_partial(true);
        let result = encoder.load_from(&mut store).map_err(|error| fail(error.to_string()))?;
        if let Some(error) = result.errors.first() {
            return Err(fail(format!("{error:?}")));
        }
        if let Some((missing, _)) = result.missing.first() {
            return Err(fail(format!(
                "{} tensors are missing, the first is `{missing}`",
                result.missing.len()
            )));
        }
        Ok(encoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::{initialise, read_tensors, save_weights, write_tensors};
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;
    use burn::tensor::{Bool, DType, Int, Tensor, TensorData};
    use std::io::Write;

    const CONFIG: &str = r#"{"model_type": "bert", "vocab_size": 20, "hidden_size": 8,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16,
        "max_position_embeddings": 12, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
        "hidden_act": "gelu", "hidden_dropout_prob": 0.1}"#;

    fn write(path: &Path, text: &str) {
        let mut file = std::fs::File::create(path).expect("file");
        file.write_all(text.as_bytes()).expect("write");
    }

    fn features(encoder: &TextEncoder<Flex>) -> Vec<f32> {
        let ids = TensorData::new(vec![2, 7, 9, 3], [1, 4]);
        let ids = Tensor::<Flex, 2, Int>::from_data(ids, (&FlexDevice, DType::I32));
        let pad = TensorData::new(vec![false; 4], [1, 4]);
        let pad = Tensor::<Flex, 2, Bool>::from_data(pad, &FlexDevice);
        encoder.forward(ids, &pad).into_data().to_vec().expect("floats")
    }

    /// A folder with the names that `transformers` gives, with and without the prefix of a task model.
    #[test]
    fn a_hugging_face_folder_loads_under_its_own_names() {
        for prefix in ["", "bert."] {
            let folder = tempfile::tempdir().expect("folder");
            write(&folder.path().join("config.json"), CONFIG);
            let pretrained = PretrainedText::open(folder.path()).expect("folder opens");
            let saved = initialise(pretrained.config.init::<Flex>(&FlexDevice), 1);
            let path = folder.path().join("model.safetensors");
            save_weights(&saved, &path).expect("save");
            let renamed = read_tensors(&path)
                .expect("read")
                .into_iter()
                .map(|(name, tensor)| {
                    let name = name.replace("layer_norm", "LayerNorm");
                    (format!("{prefix}{}", name.replace("self_attention", "self")), tensor)
                })
                .collect::<std::collections::BTreeMap<_, _>>();
            let name = format!("{prefix}encoder.layer.1.attention.self.query.weight");
            assert!(renamed.contains_key(&name));
            write_tensors(&renamed, &path).expect("write");
            let fresh = initialise(pretrained.config.init::<Flex>(&FlexDevice), 2);
            assert_ne!(features(&fresh), features(&saved));
            let loaded = pretrained.load(fresh).expect("load");
            assert_eq!(features(&loaded), features(&saved));
        }
    }

    #[test]
    fn another_model_type_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        write(&folder.path().join("config.json"), &CONFIG.replace("\"bert\"", "\"gpt2\""));
        let error = PretrainedText::open(folder.path()).expect_err("not a BERT encoder");
        assert!(error.to_string().contains("gpt2"), "{error}");
    }
}
