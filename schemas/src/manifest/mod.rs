//! What a manifest may say: one file per section, defaults in one place, unknown keys refused.
//!
//! `load` reads one, applies `--set`, resolves its paths and reports errors with file, line, key and
//! what is allowed. A section whose keys belong to a component (a layout, a training system) is
//! checked beside that component, through [`ManifestOrigin`].

mod corpus;
mod graph;
mod input;
mod limits;
mod load;
mod order;
mod origin;
mod release;
mod report;
mod shard;
mod split;
pub mod train;
mod view;
mod whole;

pub use corpus::{
    Columns, CorpusSection, FramePolicy, GeometryPolicy, IntensityPolicy, Remedy, SeriesChoice,
    SpacingPolicy,
};
pub use graph::GraphSection;
pub use limits::{LimitsSection, Unreadable};
pub use load::{is_address, load, parse};
pub use origin::{ManifestError, ManifestOrigin, Overrides};
pub use release::ReleaseSection;
pub use report::ReportSection;
pub use shard::ShardSection;
pub use split::{SplitFractions, SplitMethod, SplitSection};
pub use view::{
    ClipStage, Crop, Crops, Grid, Kernel, Orientation, Preset, Recipe, ViewError, ViewSection,
    VoxelType, Windows,
};
pub use whole::Manifest;
