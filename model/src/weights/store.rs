//! Safetensors files with `PyTorch` names and layouts, written in full before they get their name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore};
use burn::tensor::backend::Backend;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use thiserror::Error;

/// Why weights cannot be written or read.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The file system refused.
    #[error("failed to access weights `{path}`: {source}")]
    File {
        /// File.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("failed to read weights `{path}`: {message}")]
    Content {
        /// File.
        path: String,
        /// What does not fit.
        message: String,
    },
}

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredTensor {
    /// Shape.
    pub(crate) shape: Vec<usize>,
    /// Values.
    pub(crate) values: Vec<f32>,
}

/// Writes a module's weights in single precision; linear weights are `[out, in]` and norms have `weight` and
/// `bias`, as `PyTorch` has them. The file is flushed to disk.
///
/// # Errors
/// When the file cannot be written.
pub fn save_weights<B: Backend, M: ModuleSnapshot<B>>(
    module: &M,
    path: &Path,
) -> Result<(), WeightsError> {
    let mut tensors = BTreeMap::new();
    for snapshot in module.collect(None, Some(Box::new(BurnToPyTorchAdapter)), true) {
        let content =
            |message: String| WeightsError::Content { path: snapshot.full_path(), message };
        let data = snapshot.to_data().map_err(|error| content(format!("{error:?}")))?;
        let shape = data.shape.to_vec();
        let values =
            data.convert::<f32>().to_vec::<f32>().map_err(|error| content(format!("{error:?}")))?;
        tensors.insert(snapshot.full_path(), StoredTensor { shape, values });
    }
    write_tensors(&tensors, path)
}

/// Reads weights that [`save_weights`] wrote into a module of the same architecture.
///
/// # Errors
/// When the file cannot be read, lacks a tensor, or has one of another shape.
pub fn load_weights<B: Backend, M: ModuleSnapshot<B>>(
    module: &mut M,
    path: &Path,
) -> Result<(), WeightsError> {
    let content = |message| WeightsError::Content { path: path.display().to_string(), message };
    let mut store = SafetensorsStore::from_file(path)
        .with_from_adapter(PyTorchToBurnAdapter)
        .skip_enum_variants(true)
        .allow_partial(true);
    let result = module.load_from(&mut store).map_err(|error| content(error.to_string()))?;
    if let Some(error) = result.errors.first() {
        return Err(content(format!("{error:?}")));
    }
    if let Some((missing, _)) = result.missing.first() {
        return Err(content(format!(
            "{} tensors are missing, the first is `{missing}`; was it saved from another architecture?",
            result.missing.len()
        )));
    }
    Ok(())
}

/// Writes tensors sorted by name and flushes them to disk.
pub(crate) fn write_tensors(
    tensors: &BTreeMap<String, StoredTensor>,
    path: &Path,
) -> Result<(), WeightsError> {
    let shown = || path.display().to_string();
    let content = |message: String| WeightsError::Content { path: shown(), message };
    let bytes: Vec<(&String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, tensor)| {
            let bytes = tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name, tensor.shape.clone(), bytes)
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| {
            TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name.as_str(), view))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| content(error.to_string()))?;
    let buffer = safetensors::serialize(views, None).map_err(|error| content(error.to_string()))?;
    let file = |source| WeightsError::File { path: shown(), source };
    let mut output = File::create(path).map_err(file)?;
    output.write_all(&buffer).map_err(file)?;
    output.sync_all().map_err(file)
}

/// Reads every tensor of a single-precision file.
pub(crate) fn read_tensors(path: &Path) -> Result<BTreeMap<String, StoredTensor>, WeightsError> {
    let shown = || path.display().to_string();
    let content = |message: String| WeightsError::Content { path: shown(), message };
    let buffer =
        std::fs::read(path).map_err(|source| WeightsError::File { path: shown(), source })?;
    let file = SafeTensors::deserialize(&buffer).map_err(|error| content(error.to_string()))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(content(format!("`{name}` is {:?}, expected F32", view.dtype())));
        }
        let values =
            view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        tensors.insert(name, StoredTensor { shape: view.shape().to_vec(), values });
    }
    Ok(tensors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::{Swin3dConfig, TextEncoderConfig};
    use crate::weights::initialise;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;

    fn config() -> Swin3dConfig {
        Swin3dConfig {
            volume: [1, 8, 8, 8],
            patch: [2, 2, 2],
            embed_dim: 4,
            depths: vec![1, 1],
            heads: vec![1, 2],
            window: [2, 2, 2],
            merge_last: false,
            mlp_ratio: 4,
        }
    }

    #[test]
    fn saved_weights_load_back_bit_for_bit_under_monai_names() {
        let folder = tempfile::tempdir().expect("folder");
        let (path, again) =
            (folder.path().join("a.safetensors"), folder.path().join("b.safetensors"));
        let device = FlexDevice;
        let saved = initialise(config().init::<Flex>(&device), 1);
        save_weights(&saved, &path).expect("save");
        let mut loaded = initialise(config().init::<Flex>(&device), 2);
        load_weights(&mut loaded, &path).expect("load");
        save_weights(&loaded, &again).expect("save");
        assert_eq!(std::fs::read(&path).expect("a"), std::fs::read(&again).expect("b"));

        let tensors = read_tensors(&path).expect("read");
        let shape = |name: &str| tensors.get(name).map(|tensor| tensor.shape.clone());
        assert_eq!(shape("layers.0.blocks.0.attn.qkv.weight"), Some(vec![12, 4]));
        assert_eq!(shape("layers.0.blocks.0.attn.relative_position_bias_table"), Some(vec![27, 1]));
        assert_eq!(shape("layers.0.downsample.reduction.weight"), Some(vec![8, 32]));
        assert_eq!(shape("layers.1.blocks.0.norm1.weight"), Some(vec![8]));
    }

    #[test]
    fn weights_of_another_architecture_are_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.safetensors");
        let device = FlexDevice;
        save_weights(&config().init::<Flex>(&device), &path).expect("save");
        let mut text = TextEncoderConfig::new(20, 8, 1, 2, 32, 12).init::<Flex>(&device);
        let error = load_weights(&mut text, &path).expect_err("other names");
        assert!(error.to_string().contains("missing"), "{error}");
        let mut wider = Swin3dConfig { embed_dim: 8, ..config() }.init::<Flex>(&device);
        load_weights(&mut wider, &path).expect_err("other shapes");
    }
}
