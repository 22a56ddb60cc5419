//! The graph of a report into the labels of a label set.

mod apply;
mod builtin;
mod evidence;
mod policy;

pub(crate) use apply::label;
pub(crate) use builtin::{BUILTIN_POLICIES, DEFAULT_POLICIES};
pub(crate) use evidence::Graph;
pub(crate) use policy::CompiledPolicy;
pub use policy::{LabelDefinition, LabelPolicy, LabelRule, UncertainPolicy};
