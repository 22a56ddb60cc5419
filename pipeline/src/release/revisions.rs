//! Revisions of the stages' code, in one list.

use std::collections::BTreeMap;

use crate::plan::StageRevision;
use crate::{graph, ingest, quality, report, shard, volume};

/// The stages between a source and its shard: when one is raised, every unit is made anew.
pub const VOXEL_STAGES: [StageRevision; 4] = [
    ("ingest", ingest::REVISION),
    ("volume", volume::REVISION),
    ("quality", quality::REVISION),
    ("shard", shard::REVISION),
];

/// The stages between a report and its tables, which are made anew in every run.
const TEXT_STAGES: [StageRevision; 2] = [("report", report::REVISION), ("graph", graph::REVISION)];

/// Every stage's revision by its name, as in the lock.
pub(crate) fn revisions() -> BTreeMap<String, u32> {
    let all = VOXEL_STAGES.into_iter().chain(TEXT_STAGES);
    all.map(|(stage, revision)| (stage.to_owned(), revision)).collect()
}
