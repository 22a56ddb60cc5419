//! Checkpoints: everything a run needs to go on as if it had not stopped.
//!
//! `checkpoints/step-000020/` holds `model.safetensors`, `optimizer.safetensors`, `tokenizer.json` and
//! `checkpoint.json`. It is written under a temporary name, flushed and renamed; `checkpoints/latest`, a file
//! with the folder's name, follows last. A crash leaves either the old or the new checkpoint whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::backend::{AutodiffBackend, Backend};
use schemas::format::{FormatHeader, NewerVersion, check_version};
use schemas::manifest::train::TrainSection;
use schemas::manifest::{ManifestError, ManifestOrigin};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::optimizer::{Optimizer, OptimizerError};
use crate::encoder::TextEncoderConfig;
use crate::system::{InputShape, ModelPlan, System, SystemTables};
use crate::text::{ReportTokenizer, TokenizeError};
use crate::weights::{WeightsError, load_weights, save_weights};

/// Breaking version of `checkpoint.json` that this code writes and reads.
const VERSION: u32 = 1;
/// Additive revision of `checkpoint.json`.
const REVISION: u32 = 1;

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const TOKENIZER: &str = "tokenizer.json";
const INFO: &str = "checkpoint.json";

/// Why a checkpoint cannot be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file system refused.
    #[error("failed to access checkpoint `{path}`: {source}")]
    File {
        /// File or folder.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// `checkpoint.json` cannot be understood.
    #[error("failed to read checkpoint `{path}`: {source}")]
    Info {
        /// File.
        path: String,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// A newer program wrote it.
    #[error("failed to read checkpoint `{path}`: {source}")]
    Version {
        /// File.
        path: String,
        /// Which version it has.
        source: NewerVersion,
    },
    /// The keys of its system are not those that this program knows.
    #[error("failed to read checkpoint: {0}")]
    System(#[from] ManifestError),
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
    /// Channels, depth, height and width of a block.
    pub volume: [usize; 4],
    /// Blocks of a series. Since revision 1.
    #[serde(default = "one_block")]
    pub blocks: usize,
    /// Manifest section of the run.
    pub config: TrainSection,
    /// Numbers of the system's modules, with all presets resolved.
    pub architecture: serde_json::Value,
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
    pub(super) fn new<A: Serialize>(
        plan: &ModelPlan<A>,
        section: &TrainSection,
        release_id: &str,
        step: u64,
        loader_token: serde_json::Value,
    ) -> Result<Self, CheckpointError> {
        let architecture = serde_json::to_value(&plan.architecture)
            .map_err(|source| CheckpointError::Info { path: INFO.to_owned(), source })?;
        Ok(Self {
            version: VERSION,
            revision: REVISION,
            step,
            seed: section.seed,
            release_id: release_id.to_owned(),
            loader_token,
            volume: plan.input.block,
            blocks: plan.input.blocks,
            config: section.clone(),
            architecture,
            text: plan.text.clone(),
            files: [MODEL, OPTIMIZER, TOKENIZER].map(str::to_owned).to_vec(),
        })
    }

    /// The blocks that the model gets of each series.
    pub fn input(&self) -> InputShape {
        InputShape { blocks: self.blocks, block: self.volume }
    }
}

/// Blocks of a series in a checkpoint of revision 0.
fn one_block() -> usize {
    1
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
        let path = folder.join(INFO);
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path).map_err(file_error(&path))?;
        let fail = |source| CheckpointError::Info { path: shown.clone(), source };
        let header: FormatHeader = serde_json::from_str(&text).map_err(fail)?;
        check_version("checkpoint", header.version, VERSION)
            .map_err(|source| CheckpointError::Version { path: shown.clone(), source })?;
        let info = serde_json::from_str(&text).map_err(fail)?;
        Ok(Self { folder: folder.to_owned(), info })
    }

    /// Its system; `seed` is that of the masks.
    ///
    /// # Errors
    /// When its keys or its architecture are not those of the system.
    pub fn system<S: System>(&self, seed: u64) -> Result<S, CheckpointError> {
        let tables = SystemTables::read(&self.info.config, &ManifestOrigin::default())?;
        let architecture =
            serde_json::from_value(self.info.architecture.clone()).map_err(|source| {
                CheckpointError::Info { path: self.folder.join(INFO).display().to_string(), source }
            })?;
        let plan =
            ModelPlan { input: self.info.input(), architecture, text: self.info.text.clone() };
        Ok(S::new(tables, plan, seed))
    }

    /// Its model.
    ///
    /// # Errors
    /// When the weights cannot be read or do not fit.
    pub fn model<S: System, B: Backend>(
        &self,
        system: &S,
        device: &B::Device,
    ) -> Result<S::Model<B>, CheckpointError> {
        let mut model = system.init::<B>(device);
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
    ) -> Result<Optimizer<B>, CheckpointError> {
        let path = self.folder.join(OPTIMIZER);
        Ok(Optimizer::load(&self.info.config.optimizer, &path, device)?)
    }

    /// Writes a checkpoint below `out` and removes all but the newest `keep`.
    pub(super) fn write<B: AutodiffBackend, M: Module<B>>(
        out: &Path,
        keep: usize,
        info: CheckpointInfo,
        model: &M,
        optimizer: &Optimizer<B>,
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
