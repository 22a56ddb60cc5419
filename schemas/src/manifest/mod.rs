//! What a manifest may say: one file a section, defaults in one place, unknown keys refused.

mod corpus;
mod load;
mod recipe;
mod sections;
pub mod train;
mod view;

pub use corpus::{
    Columns, CorpusSection, FramePolicy, GeometryPolicy, IntensityPolicy, Layout, Remedy,
    SeriesChoice,
};
pub use load::{ManifestError, Overrides, load, parse};
pub use recipe::{ClipStage, Crop, Crops, Grid, Kernel, Orientation, Recipe, VoxelType};
pub use sections::{
    GraphSection, LimitsSection, Manifest, ReleaseSection, ReportSection, ShardSection,
    SplitFractions, SplitMethod, SplitSection, json_schema,
};
pub use view::{Preset, ViewError, ViewSection, Windows};
