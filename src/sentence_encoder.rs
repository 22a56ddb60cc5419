//! The model's sentence encoder where the graph room asks for one.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use model::device::DeviceChoice;
use model::text::SentenceModel;
use pipeline::files::sha256_file;
use pipeline::graph::SentenceEncoder;

use crate::failure::Failure;

/// A sentence encoder and what its files hold.
pub(crate) struct Encoder {
    model: SentenceModel,
    files: BTreeMap<String, String>,
}

impl Encoder {
    /// Opens the folder; weights are read when they are needed.
    pub(crate) fn open(folder: &Path, device: DeviceChoice) -> Result<Self, Failure> {
        let model = SentenceModel::open(folder, device).map_err(|error| {
            Failure::Usage(format!("sentence encoder `{}`: {error}", folder.display()))
        })?;
        let mut files = BTreeMap::new();
        for path in model.files() {
            let (sha256, _) = sha256_file(path).map_err(Failure::io(path))?;
            let name = path.strip_prefix(folder).unwrap_or(path);
            files.insert(name.to_string_lossy().into_owned(), sha256);
        }
        Ok(Self { model, files })
    }
}

impl SentenceEncoder for Encoder {
    fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    fn encode(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Box<dyn Error + Send + Sync>> {
        Ok(self.model.encode(texts)?)
    }
}
