//! Studies cut into units.

use schemas::manifest::{CorpusSection, Manifest, Recipe, ViewSection};
use serde::Serialize;

use super::survey::StudyPlan;
use schemas::split::Split;

/// Studies whose tensors make one shard of each view.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// `train-00000`, part of the shards' names.
    pub id: String,
    /// The split all its studies belong to.
    pub split: Split,
    /// Its studies, in order.
    pub studies: Vec<StudyPlan>,
}

/// What identifies a unit's work: when it changes, the unit is done anew. Nothing of reports, so that other
/// policies, lexicons or graphs do not cost the volumes again.
#[derive(Serialize)]
struct Fingerprint<'a> {
    tool: &'a str,
    corpus: &'a CorpusSection,
    view: &'a [ViewSection],
    decompressed_mib: u32,
    series: Vec<(&'a str, &'a str, u64, u128, String)>,
}

impl Unit {
    /// Hash of everything the unit's outcome depends on: views, sources with size and time of
    /// change, and what the metadata says of them.
    pub fn fingerprint(&self, manifest: &Manifest) -> String {
        let series = self
            .studies
            .iter()
            .flat_map(|study| study.series.iter().map(move |series| (study, series)))
            .map(|(study, series)| {
                let changed = series
                    .source
                    .files()
                    .iter()
                    .filter_map(|path| std::fs::metadata(path).ok()?.modified().ok())
                    .filter_map(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
                    .map(|time| time.as_nanos())
                    .max()
                    .unwrap_or(0);
                let facts = format!("{:?} {}", series.acquisition, study.patient);
                (series.id.as_str(), series.relative.as_str(), series.bytes, changed, facts)
            })
            .collect();
        let curation = manifest.curation();
        let fingerprint = Fingerprint {
            tool: env!("CARGO_PKG_VERSION"),
            corpus: &curation.corpus,
            view: &curation.view,
            decompressed_mib: curation.limits.decompressed_mib,
            series,
        };
        let text = serde_json::to_vec(&fingerprint).expect("a fingerprint is plain data");
        crate::files::sha256_bytes(&text)
    }
}

/// Cuts `studies` (sorted) into units: a study is never divided, splits are never mixed, and a unit
/// is closed at the manifest's shard size or number of studies.
pub fn cut_units(manifest: &Manifest, recipes: &[Recipe], studies: &[StudyPlan]) -> Vec<Unit> {
    let target = u64::from(manifest.shard.target_mib) << 20;
    let mut units = Vec::new();
    for split in Split::ALL {
        let mut current: Vec<StudyPlan> = Vec::new();
        let mut bytes = 0;
        let mut number = 0;
        let mut close = |current: &mut Vec<StudyPlan>| {
            if !current.is_empty() {
                let id = format!("{}-{number:05}", split.name());
                units.push(Unit { id, split, studies: std::mem::take(current) });
                number += 1;
            }
        };
        for study in studies.iter().filter(|study| study.split == split) {
            let size = study_bytes(study, recipes);
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
fn study_bytes(study: &StudyPlan, recipes: &[Recipe]) -> u64 {
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
    recipes.iter().map(of_view).max().unwrap_or(0)
}
