//! `clip` as a [`System`].

use std::collections::BTreeMap;

use burn::tensor::{Tensor, backend::Backend};
use schemas::manifest::ManifestOrigin;
use schemas::study::StudyRecord;

use super::input::{ClipHost, ClipInput, InputConfig};
use super::model::{ClipConfig, ClipModel};
use super::section::{ClipKeys, ClipObjectives};
use crate::batch::StudyBatch;
use crate::system::{
    Embedding, InputShape, Losses, ModelPlan, PrepareError, StartError, System, SystemTables,
    Vocabulary,
};
use crate::text::{ReportTokenizer, TokenCache};

type Tables = SystemTables<ClipKeys, ClipObjectives>;

/// The system `clip`.
#[derive(Debug)]
pub struct Clip {
    objectives: ClipObjectives,
    plan: ModelPlan<ClipKeys>,
    prepare: InputConfig,
}

impl System for Clip {
    const NAME: &'static str = "clip";
    const DOC: &'static str = "contrast of images with reports, any image encoder, any blocks and channels (CLIP, arXiv 2103.00020; CT-CLIP, arXiv 2403.17834)";

    type ModelTable = ClipKeys;
    type ObjectiveTable = ClipObjectives;
    type Architecture = ClipKeys;
    type Model<B: Backend> = ClipModel<B>;
    type Host = ClipHost;
    type Input<B: Backend> = ClipInput<B>;

    fn locate(tables: &mut Tables, origin: &ManifestOrigin) -> Result<(), StartError> {
        tables.model.text.locate(origin)
    }

    fn comparable(tables: &Tables) -> Tables {
        let mut tables = tables.clone();
        tables.model.text = tables.model.text.without_place();
        tables
    }

    fn check(tables: &Tables, input: InputShape) -> Result<(), String> {
        let keys = &tables.model;
        let text = keys.text();
        tables.objectives.check().map_err(|error| error.to_string())?;
        // Pretrained weights bring sizes of their own, which were checked when they were made.
        if text.pretrained.is_some() {
            return keys.image.check(keys.encoder, input.block).map_err(|error| error.to_string());
        }
        keys.check(input.block, &text.encoder(text.vocabulary)).map_err(|error| error.to_string())
    }

    fn plan(
        tables: &Tables,
        input: InputShape,
        vocabulary: Vocabulary<'_>,
    ) -> Result<(ModelPlan<ClipKeys>, ReportTokenizer), StartError> {
        let architecture = tables.model.clone();
        let (tokenizer, text) = architecture.text().start(vocabulary)?;
        Ok((ModelPlan { input, architecture, text }, tokenizer))
    }

    fn new(tables: Tables, plan: ModelPlan<ClipKeys>, _seed: u64) -> Self {
        let max_tokens = plan.architecture.text().max_tokens;
        let InputShape { blocks, block } = plan.input;
        let prepare = InputConfig { block, blocks, max_tokens };
        Self { objectives: tables.objectives, plan, prepare }
    }

    fn init<B: Backend>(&self, device: &B::Device) -> ClipModel<B> {
        let ModelPlan { input: InputShape { blocks, block }, architecture, text } = &self.plan;
        let (keys, text) = (architecture.clone(), text.clone());
        ClipConfig { block: *block, blocks: *blocks, keys, text }.init(device)
    }

    /// Starts the temperature too, which is no weight to draw.
    fn load_pretrained<B: Backend>(
        &self,
        mut model: ClipModel<B>,
    ) -> Result<ClipModel<B>, StartError> {
        let text = self.plan.architecture.text();
        model.language_encoder = text.load_pretrained(model.language_encoder)?;
        Ok(model.with_temperature(self.objectives.temperature))
    }

    fn model_plan(&self) -> &ModelPlan<ClipKeys> {
        &self.plan
    }

    fn max_tokens(&self) -> usize {
        self.prepare.max_tokens
    }

    fn host(&self, batch: &StudyBatch, tokens: &TokenCache<'_>) -> Result<ClipHost, PrepareError> {
        batch.validate_fixed(self.prepare.block, self.prepare.blocks)?;
        Ok(self.prepare.host(batch, tokens)?)
    }

    fn counters(host: &ClipHost) -> BTreeMap<String, u64> {
        let dropped = [
            ("dropped_sentences", host.dropped_sentences),
            ("dropped_clauses", host.dropped_clauses),
        ];
        dropped.into_iter().map(|(name, count)| (name.to_owned(), count as u64)).collect()
    }

    fn upload<B: Backend>(
        &self,
        host: ClipHost,
        batch: &StudyBatch,
        device: &B::Device,
    ) -> Result<ClipInput<B>, PrepareError> {
        Ok(host.upload(batch, device)?)
    }

    fn losses<B: Backend>(
        &self,
        model: &ClipModel<B>,
        input: &ClipInput<B>,
        _step: u64,
    ) -> Losses<B> {
        match model.loss(input) {
            Some(loss) => Losses { total: loss.clone(), parts: vec![("image_report", loss)] },
            None => Losses { total: Tensor::zeros([1], &input.volume.device()), parts: Vec::new() },
        }
    }

    fn embed<B: Backend>(&self, model: &ClipModel<B>, input: &ClipInput<B>) -> Embedding<B> {
        let vectors = model.encode_images(input.volume.clone());
        Embedding {
            pooled: vectors.pooled,
            image: vectors.embedding,
            report: model.encode_reports(&input.text),
            image_error: None,
        }
    }

    fn embed_texts<B: Backend>(
        &self,
        model: &ClipModel<B>,
        texts: &[StudyRecord],
        tokens: &TokenCache<'_>,
        device: &B::Device,
    ) -> Result<Tensor<B, 2>, PrepareError> {
        let reports =
            texts.iter().map(|text| tokens.report(text)).collect::<Result<Vec<_>, _>>()?;
        let text = self.prepare.host_text(&reports, tokens.tokenizer().pad).upload(device);
        Ok(model.encode_reports(&text))
    }
}
