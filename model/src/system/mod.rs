//! Training systems: encoders and objectives wired into one step.
//!
//! Trainer, checkpoints and evaluation know a system through the trait [`System`] alone, and a manifest knows it
//! by its name in the list below.
//!
//! # Adding a system
//!
//! 1. Make a folder beside `clip/`, the smallest one, such as `t3d/`, with a type that implements [`System`]: what `[train.model]` and
//!    `[train.objectives]` may say (types that derive `Deserialize` with `deny_unknown_fields`, and `JsonSchema`), the
//!    module of burn, what is prepared on the host, the losses.
//! 2. Add it to `systems!` below: one line.
//!
//! Manifests then take its name, `radloom list systems` shows it, the JSON Schema knows its keys (`just schemas`
//! writes it), and `train`, `evaluate`, resuming and checkpoints work with it.

pub(crate) mod error;
mod input_shape;
pub mod language;
pub(crate) mod registry;
mod schema;
mod tables;
pub(crate) mod traits;

pub use error::{PrepareError, StartError};
pub use input_shape::InputShape;
pub use language::Vocabulary;
pub use registry::{SystemInfo, SystemJob};
pub use schema::json_schema;
pub use tables::SystemTables;
pub use traits::{Embedding, Losses, ModelPlan, System};

registry::systems! {
    mg3d::Mg3dSystem,
    clip::Clip,
}
