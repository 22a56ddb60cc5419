//! MG-3D as a [`System`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::{Tensor, backend::Backend};
use schemas::manifest::ManifestOrigin;
use schemas::study::{BatchStudy, NoSideInputs, StudyRecord};

use super::config::Mg3dConfig;
use super::input::{HostInput, Mg3dInput};
use super::input_config::InputConfig;
use super::model::Mg3d;
use super::section::{Mg3dArchitecture, Mg3dModel, ObjectiveSection};
use crate::batch::StudyBatch;
use crate::encoder::Swin3dKeys;
use crate::system::{
    Embedding, InputShape, Losses, ModelPlan, PrepareError, StartError, System, SystemTables,
    Vocabulary,
};
use crate::text::{ReportTokenizer, TokenCache};
use crate::weights::PretrainedText;

type Tables = SystemTables<Mg3dModel, ObjectiveSection>;

/// The system `mg3d`.
#[derive(Debug)]
pub struct Mg3dSystem {
    objectives: ObjectiveSection,
    plan: ModelPlan<Mg3dArchitecture>,
    config: Mg3dConfig,
    prepare: InputConfig,
}

impl System for Mg3dSystem {
    const NAME: &'static str = "mg3d";
    const DOC: &'static str = "report- and sentence-grained pre-training: alignment, reconstruction of image and text guided by each other, sentence similarity (MG-3D, arXiv 2412.05876)";

    type ModelTable = Mg3dModel;
    type ObjectiveTable = ObjectiveSection;
    type Architecture = Mg3dArchitecture;
    type Model<B: Backend> = Mg3d<B>;
    type Host = HostInput;
    type Input<B: Backend> = Mg3dInput<B>;

    fn locate(tables: &mut Tables, origin: &ManifestOrigin) -> Result<(), StartError> {
        tables.model.text.locate(origin)
    }

    fn comparable(tables: &Tables) -> Tables {
        let mut tables = tables.clone();
        tables.model.text = tables.model.text.without_place();
        tables
    }

    fn check(tables: &Tables, input: InputShape) -> Result<(), String> {
        let architecture = tables.model.resolve();
        if input.blocks != 1 {
            return Err(format!(
                "MG-3D takes one volume per series, and the view gives {} crops; use a view without `crops`, or the \
                 system `clip`",
                input.blocks
            ));
        }
        if tables.model.image.swin3d != Swin3dKeys::default() {
            let problem = "`image.swin3d` has no use: the keys of the Swin transformer stand beside `encoder`";
            return Err(problem.to_owned());
        }
        let text = match &architecture.text.pretrained {
            Some(folder) => {
                let pretrained = PretrainedText::open(Path::new(folder));
                pretrained.map_err(|error| error.to_string())?.config
            }
            None => architecture.text.encoder(architecture.text.vocabulary),
        };
        let block = tables.objectives.image_mask_block;
        let config = Mg3dConfig { volume: input.block, architecture, text, block };
        config.validate().map_err(|error| error.to_string())
    }

    fn plan(
        tables: &Tables,
        input: InputShape,
        vocabulary: Vocabulary<'_>,
    ) -> Result<(ModelPlan<Mg3dArchitecture>, ReportTokenizer), StartError> {
        let mut architecture = tables.model.resolve();
        let (tokenizer, text) = architecture.text.start(vocabulary)?;
        Ok((ModelPlan { input, architecture, text }, tokenizer))
    }

    fn new(tables: Tables, plan: ModelPlan<Mg3dArchitecture>, seed: u64) -> Self {
        let objectives = tables.objectives;
        let config = Mg3dConfig {
            volume: plan.input.block,
            architecture: plan.architecture.clone(),
            text: plan.text.clone(),
            block: objectives.image_mask_block,
        };
        let prepare = InputConfig::new(&objectives, seed, &config);
        Self { objectives, plan, config, prepare }
    }

    fn init<B: Backend>(&self, device: &B::Device) -> Mg3d<B> {
        self.config.init(device)
    }

    fn load_pretrained<B: Backend>(&self, mut model: Mg3d<B>) -> Result<Mg3d<B>, StartError> {
        model.language_encoder =
            self.plan.architecture.text.load_pretrained(model.language_encoder)?;
        Ok(model)
    }

    fn model_plan(&self) -> &ModelPlan<Mg3dArchitecture> {
        &self.plan
    }

    fn max_tokens(&self) -> usize {
        self.prepare.max_tokens
    }

    fn host(&self, batch: &StudyBatch, tokens: &TokenCache<'_>) -> Result<HostInput, PrepareError> {
        batch.validate_fixed(self.prepare.volume, 1)?;
        Ok(self.prepare.host(batch, tokens)?)
    }

    fn counters(host: &HostInput) -> BTreeMap<String, u64> {
        let [sentences, clauses] = host.dropped();
        [("dropped_sentences", sentences), ("dropped_clauses", clauses)]
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count as u64))
            .collect()
    }

    fn upload<B: Backend>(
        &self,
        host: HostInput,
        batch: &StudyBatch,
        device: &B::Device,
    ) -> Result<Mg3dInput<B>, PrepareError> {
        Ok(host.upload(batch, device)?)
    }

    fn losses<B: Backend>(&self, model: &Mg3d<B>, input: &Mg3dInput<B>, _step: u64) -> Losses<B> {
        model.forward(input, &self.objectives)
    }

    fn embed<B: Backend>(&self, model: &Mg3d<B>, input: &Mg3dInput<B>) -> Embedding<B> {
        let features = model.image_features(input.image.volume.clone());
        Embedding {
            pooled: features.pooled,
            image: features.embedding,
            report: model.report_embedding(&input.text),
            image_error: Some(model.reconstruction_error(input)),
        }
    }

    fn embed_texts<B: Backend>(
        &self,
        model: &Mg3d<B>,
        texts: &[StudyRecord],
        tokens: &TokenCache<'_>,
        device: &B::Device,
    ) -> Result<Tensor<B, 2>, PrepareError> {
        let studies: Vec<BatchStudy> = texts
            .iter()
            .map(|record| BatchStudy { record: Arc::new(record.clone()), ..BatchStudy::default() })
            .collect();
        let text = self.prepare.host_text(&studies, &NoSideInputs, tokens)?;
        Ok(model.report_embedding(&text.upload(device)))
    }
}
