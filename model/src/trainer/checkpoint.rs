//! Checkpoints: everything a run needs to go on as if it had not stopped.
//!
//! `checkpoints/step-000020/` holds `model.safetensors`, `optimizer.safetensors`, `tokenizer.json` and
//! `checkpoint.json`. It is written under a temporary name, flushed and renamed; `checkpoints/latest`, a file
//! with the folder's name, follows last. A crash leaves either the old or the new checkpoint whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use burn::tensor::backend::{AutodiffBackend, Backend};
use schemas::manifest::train::{Mg3dArchitecture, TrainSection};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::adamw::{AdamW, OptimizerError};
use crate::encoder::TextEncoderConfig;
use crate::system::{Mg3d, Mg3dConfig};
use crate::text::{ReportTokenizer, TokenizeError};
use crate::weights::{WeightsError, load_weights, save_weights};

/// Breaking version of `checkpoint.json` that this code writes and reads.
const VERSION: u32 = 1;
/// Additive revision of `checkpoint.json`.
const REVISION: u32 = 0;

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const TOKENIZER: &str = "tokenizer.json";
const INFO: &str = "checkpoint.json";

/// Why a checkpoint cannot be written or read.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The file system refused.
    #[error("access checkpoint `{path}`: {source}")]
    File {
        /// File or folder.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// `checkpoint.json` cannot be understood.
    #[error("read checkpoint `{path}`: {source}")]
    Info {
        /// File.
        path: String,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// A newer program wrote it.
    #[error(
        "read checkpoint `{path}`: it has format version {found}, this program reads up to {VERSION}; use a newer radloom"
    )]
    Version {
        /// File.
        path: String,
        /// Version of the file.
        found: u32,
    },
    /// Weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Optimizer state does not fit.
    #[error(transparent)]
    Optimizer(#[from] OptimizerError),
    /// The tokenizer does not load.
    #[error(transparent)]
    Tokenizer(#[from] TokenizeError),
}

/// Contents of `checkpoint.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckpointInfo {
    /// Breaking format version.
    pub version: u32,
    /// Additive format revision.
    pub revision: u32,
    /// Steps done.
    pub step: u64,
    /// Seed of the run.
    pub seed: u64,
    /// Release the run trains on.
    pub release_id: String,
    /// Position of the loader after these steps.
    pub loader_token: serde_json::Value,
    /// Volume as `[channels, depth, height, width]`.
    pub volume: [usize; 4],
    /// Manifest section of the run.
    pub config: TrainSection,
    /// Architecture with all presets resolved.
    pub architecture: Mg3dArchitecture,
    /// Text encoder.
    pub text: TextEncoderConfig,
    /// Files beside this one.
    pub files: Vec<String>,
}

/// A checkpoint on disk.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// Its folder.
    pub folder: PathBuf,
    /// What `checkpoint.json` says.
    pub info: CheckpointInfo,
}

impl CheckpointInfo {
    /// Describes the state of a run.
    pub(super) fn new(
        model: &Mg3dConfig,
        section: &TrainSection,
        release_id: &str,
        step: u64,
        loader_token: serde_json::Value,
    ) -> Self {
        Self {
            version: VERSION,
            revision: REVISION,
            step,
            seed: section.seed,
            release_id: release_id.to_owned(),
            loader_token,
            volume: model.volume,
            config: section.clone(),
            architecture: model.architecture.clone(),
            text: model.text.clone(),
            files: [MODEL, OPTIMIZER, TOKENIZER].map(str::to_owned).to_vec(),
        }
    }
}

impl Checkpoint {
    /// The newest checkpoint below `out`, or `None` when there is none.
    ///
    /// # Errors
    /// When `latest` names a checkpoint that cannot be read.
    pub fn latest(out: &Path) -> Result<Option<Self>, CheckpointError> {
        let folder = out.join("checkpoints");
        let path = folder.join("latest");
        match fs::read_to_string(&path) {
            Ok(name) => Self::open(&folder.join(name.trim())).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(file_error(&path)(source)),
        }
    }

    /// Opens a checkpoint folder.
    ///
    /// # Errors
    /// When `checkpoint.json` cannot be read, or has a newer version.
    pub fn open(folder: &Path) -> Result<Self, CheckpointError> {
        #[derive(Deserialize)]
        struct Header {
            version: u32,
        }
        let path = folder.join(INFO);
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path).map_err(file_error(&path))?;
        let fail = |source| CheckpointError::Info { path: shown.clone(), source };
        let header: Header = serde_json::from_str(&text).map_err(fail)?;
        if header.version > VERSION {
            return Err(CheckpointError::Version { path: shown, found: header.version });
        }
        let info = serde_json::from_str(&text).map_err(fail)?;
        Ok(Self { folder: folder.to_owned(), info })
    }

    /// Configuration of its model.
    pub fn model_config(&self) -> Mg3dConfig {
        Mg3dConfig {
            volume: self.info.volume,
            architecture: self.info.architecture.clone(),
            text: self.info.text.clone(),
            block: self.info.config.objectives.image_mask_block,
        }
    }

    /// Its model.
    ///
    /// # Errors
    /// When the weights cannot be read or do not fit.
    pub fn model<B: Backend>(&self, device: &B::Device) -> Result<Mg3d<B>, CheckpointError> {
        let mut model = self.model_config().init::<B>(device);
        load_weights(&mut model, &self.folder.join(MODEL))?;
        Ok(model)
    }

    /// Its tokenizer.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn tokenizer(&self) -> Result<ReportTokenizer, CheckpointError> {
        Ok(ReportTokenizer::from_file(&self.folder.join(TOKENIZER))?)
    }

    /// Its optimizer.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn optimizer<B: AutodiffBackend>(
        &self,
        device: &B::Device,
    ) -> Result<AdamW<B>, CheckpointError> {
        let path = self.folder.join(OPTIMIZER);
        Ok(AdamW::load(&self.info.config.optimizer, &path, device)?)
    }

    /// Writes a checkpoint below `out` and removes all but the newest `keep`.
    pub(super) fn write<B: AutodiffBackend>(
        out: &Path,
        keep: usize,
        info: CheckpointInfo,
        model: &Mg3d<B>,
        optimizer: &AdamW<B>,
        tokenizer: &ReportTokenizer,
    ) -> Result<Self, CheckpointError> {
        let folder = out.join("checkpoints");
        fs::create_dir_all(&folder).map_err(file_error(&folder))?;
        let name = format!("step-{:06}", info.step);
        let temporary = folder.join(format!(".{name}.tmp"));
        remove_folder(&temporary)?;
        fs::create_dir(&temporary).map_err(file_error(&temporary))?;
        save_weights(model, &temporary.join(MODEL))?;
        optimizer.save(&temporary.join(OPTIMIZER))?;
        write_file(&temporary.join(TOKENIZER), tokenizer.definition().as_bytes())?;
        let path = temporary.join(INFO);
        let text = serde_json::to_string_pretty(&info)
            .map_err(|source| CheckpointError::Info { path: path.display().to_string(), source })?;
        write_file(&path, (text + "\n").as_bytes())?;
        sync_folder(&temporary)?;

        let target = folder.join(&name);
        // Left by a run that ended between the two renames, or an equal one; nothing refers to it alone.
        remove_folder(&target)?;
        fs::rename(&temporary, &target).map_err(file_error(&target))?;
        sync_folder(&folder)?;
        let pointer = folder.join(".latest.tmp");
        write_file(&pointer, format!("{name}\n").as_bytes())?;
        let latest = folder.join("latest");
        fs::rename(&pointer, &latest).map_err(file_error(&latest))?;
        sync_folder(&folder)?;
        prune(&folder, &name, keep)?;
        Ok(Self { folder: target, info })
    }
}

/// Removes checkpoints other than `newest` until `keep` are left, oldest first.
fn prune(folder: &Path, newest: &str, keep: usize) -> Result<(), CheckpointError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(file_error(folder))? {
        let name = entry.map_err(file_error(folder))?.file_name().to_string_lossy().into_owned();
        let step = name.strip_prefix("step-").and_then(|step| step.parse::<u64>().ok());
        if let Some(step) = step.filter(|_| name != newest) {
            names.push((step, name));
        }
    }
    names.sort_unstable();
    let surplus = (names.len() + 1).saturating_sub(keep.max(1));
    for (_, name) in names.into_iter().take(surplus) {
        remove_folder(&folder.join(name))?;
    }
    Ok(())
}

fn write_file(path: &Path, content: &[u8]) -> Result<(), CheckpointError> {
    let mut file = File::create(path).map_err(file_error(path))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(file_error(path))
}

fn sync_folder(path: &Path) -> Result<(), CheckpointError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(file_error(path))
}

fn remove_folder(path: &Path) -> Result<(), CheckpointError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file_error(path)(error)),
        _ => Ok(()),
    }
}

fn file_error(path: &Path) -> impl Fn(io::Error) -> CheckpointError {
    let path = path.display().to_string();
    move |source| CheckpointError::File { path: path.clone(), source }
}
