//! `[[view]]`: a named preset, and single steps that override it.

mod check;
mod preset;
mod recipe;
mod section;

pub use check::ViewError;
pub(super) use check::boxes_problem;
pub use preset::Preset;
pub use recipe::{ClipStage, Crop, Crops, Grid, Kernel, Orientation, Recipe, VoxelType};
pub use section::{ViewSection, Windows};
