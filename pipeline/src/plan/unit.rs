//! Studies cut into units.

use schemas::manifest::{Manifest, Recipe};
use schemas::split::Split;

use super::fingerprint::{StageRevision, fingerprint, stamp};
use super::study::StudyPlan;
use super::view::View;

/// Studies whose tensors make one shard of each view.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// `train-00000`, part of the shards' names.
    pub id: String,
    /// The split all its studies belong to.
    pub split: Split,
    /// Its studies, in order.
    pub studies: Vec<StudyPlan>,
    /// Hash of what the unit's voxels depend on, without times and places.
    pub fingerprint: String,
    /// Hash of names, sizes and times of change of its sources.
    pub stamp: String,
}

impl Unit {
    /// Number of its series.
    pub fn series(&self) -> u64 {
        self.studies.iter().map(|study| study.series.len() as u64).sum()
    }
}

/// Cuts `studies` (sorted) into units: a study is never divided, splits are never mixed, and a unit
/// is closed at the manifest's shard size or number of studies. `revisions` are those of the stages between
/// a source and a shard.
pub fn cut_units(
    manifest: &Manifest,
    views: &[View],
    revisions: &[StageRevision],
    studies: &[StudyPlan],
) -> Vec<Unit> {
    let target = u64::from(manifest.shard.target_mib) << 20;
    let mut units = Vec::new();
    for split in Split::ALL {
        let mut current: Vec<StudyPlan> = Vec::new();
        let mut bytes = 0;
        let mut number = 0;
        let mut close = |current: &mut Vec<StudyPlan>| {
            if !current.is_empty() {
                let id = format!("{}-{number:05}", split.name());
                let studies = std::mem::take(current);
                let fingerprint = fingerprint(manifest, views, revisions, &studies);
                let stamp = stamp(&manifest.corpus.root, &studies);
                units.push(Unit { id, split, studies, fingerprint, stamp });
                number += 1;
            }
        };
        for study in studies.iter().filter(|study| study.split == split) {
            let size = study_bytes(study, views);
            if bytes + size > target || current.len() >= manifest.shard.max_studies as usize {
                close(&mut current);
                bytes = 0;
            }
            bytes += size;
            current.push(study.clone());
        }
        close(&mut current);
    }
    units
}

/// Bytes of the largest view's tensors; for a shape that depends on the source, four times its
/// compressed size.
fn study_bytes(study: &StudyPlan, views: &[View]) -> u64 {
    let of_view = |recipe: &Recipe| {
        study
            .series
            .iter()
            .map(|series| match recipe.output_shape() {
                Some(shape) => {
                    let voxels = shape.iter().product::<usize>() * recipe.blocks();
                    (voxels * recipe.dtype.size()) as u64
                }
                None => 4 * series.bytes,
            })
            .sum()
    };
    views.iter().map(|view| of_view(&view.recipe)).max().unwrap_or(0)
}
