//! Features of studies from a model, reconstructions merged.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

use super::error::EvaluateError;
use crate::batch::BatchSource;
use crate::system::System;
use crate::text::TokenCache;
use schemas::ids::StudyId;
use schemas::study::{Sentence, StudyRecord};

/// One study as evaluation sees it.
#[derive(Debug, Clone)]
pub(super) struct Study {
    pub(super) patient: String,
    pub(super) labels: Vec<i8>,
    /// Mean of the encoder's tokens.
    pub(super) pooled: Vec<f64>,
    /// Unit vector of the image.
    pub(super) image: Vec<f64>,
    /// Unit vector of the report, absent without text.
    pub(super) report: Option<Vec<f64>>,
    /// Mean squared error of hidden voxels; none where the system reconstructs no image.
    pub(super) error: Option<f64>,
}

/// A model and what its inputs need.
pub(super) struct Extractor<'a, S: System, B: Backend> {
    pub(super) system: &'a S,
    pub(super) model: &'a S::Model<B>,
    pub(super) tokens: &'a TokenCache<'a>,
    pub(super) device: &'a B::Device,
}

impl<S: System, B: Backend> Extractor<'_, S, B> {
    /// Runs every batch of a source; studies come sorted by id.
    pub(super) fn studies(
        &self,
        source: &mut dyn BatchSource,
    ) -> Result<Vec<Study>, EvaluateError> {
        let mut merged: BTreeMap<StudyId, (Study, f64)> = BTreeMap::new();
        let mut number = 0;
        while let Some(mut batch) = source.next_batch()? {
            // Masks depend on the place in the split, not on where a loader counts from.
            batch.step = number;
            number += 1;
            let host = self.system.host(&batch, self.tokens)?;
            let input = self.system.upload::<B>(host, &batch, self.device)?;
            let vectors = self.system.embed(self.model, &input);
            let pooled = rows(vectors.pooled);
            let images = rows(vectors.image);
            let reports = rows(vectors.report);
            let errors = vectors.image_error.map(|error| rows(error.unsqueeze_dim(1)));
            for (index, study) in batch.studies.iter().enumerate() {
                let record = &study.record;
                let study = Study {
                    patient: record.patient_key.to_string(),
                    labels: record.labels.clone(),
                    pooled: pooled[index].clone(),
                    image: unit(images[index].clone()),
                    report: (!record.sentences.is_empty()).then(|| unit(reports[index].clone())),
                    error: errors.as_ref().map(|errors| errors[index][0]),
                };
                match merged.get_mut(&record.study_id) {
                    None => {
                        merged.insert(record.study_id.clone(), (study, 1.0));
                    }
                    Some((sum, count)) => {
                        *count += 1.0;
                        add(&mut sum.pooled, &study.pooled);
                        add(&mut sum.image, &study.image);
                        sum.error = sum.error.zip(study.error).map(|(sum, error)| sum + error);
                    }
                }
            }
            source.commit();
        }
        Ok(merged
            .into_values()
            .map(|(mut study, count)| {
                for value in &mut study.pooled {
                    *value /= count;
                }
                study.image = unit(study.image);
                study.error = study.error.map(|error| error / count);
                study
            })
            .collect())
    }

    /// For each label the unit mean of the unit vectors of the sentences that `forms` make of it.
    pub(super) fn prompts(
        &self,
        labels: &[String],
        forms: &[&String],
    ) -> Result<Vec<Vec<f64>>, EvaluateError> {
        let records: Vec<StudyRecord> = labels
            .iter()
            .flat_map(|label| forms.iter().map(|form| form.replace("{label}", label)))
            .map(|text| StudyRecord {
                sentences: vec![Sentence { text, ..Sentence::default() }],
                ..StudyRecord::default()
            })
            .collect();
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let vectors = self.system.embed_texts(self.model, &records, self.tokens, self.device)?;
        let vectors: Vec<Vec<f64>> = rows(vectors).into_iter().map(unit).collect();
        let mean = |vectors: &[Vec<f64>]| {
            let mut sum = vec![0.0; vectors[0].len()];
            for vector in vectors {
                add(&mut sum, vector);
            }
            unit(sum)
        };
        Ok(vectors.chunks(forms.len()).map(mean).collect())
    }
}

fn rows<B: Backend>(tensor: Tensor<B, 2>) -> Vec<Vec<f64>> {
    let width = tensor.dims()[1].max(1);
    let values: Vec<f64> = tensor.into_data().iter::<f32>().map(f64::from).collect();
    values.chunks(width).map(<[f64]>::to_vec).collect()
}

fn unit(mut vector: Vec<f64>) -> Vec<f64> {
    let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt().max(1e-12);
    for value in &mut vector {
        *value /= norm;
    }
    vector
}

fn add(sum: &mut [f64], values: &[f64]) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += value;
    }
}
