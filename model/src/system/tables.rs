//! The two tables of a manifest that belong to a system, read by its types.

use schemars::JsonSchema;
use schemas::manifest::train::TrainSection;
use schemas::manifest::{ManifestError, ManifestOrigin};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// `[train.model]` and `[train.objectives]` as a system reads them. The types decide what is allowed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SystemTables<M, O> {
    /// `[train.model]`.
    pub model: M,
    /// `[train.objectives]`.
    pub objectives: O,
}

/// What both types must be able to do.
pub trait Table:
    std::fmt::Debug
    + Clone
    + Default
    + PartialEq
    + Serialize
    + DeserializeOwned
    + JsonSchema
    + Send
    + Sync
{
}

impl<T> Table for T where
    T: std::fmt::Debug
        + Clone
        + Default
        + PartialEq
        + Serialize
        + DeserializeOwned
        + JsonSchema
        + Send
        + Sync
{
}

impl<M: Table, O: Table> SystemTables<M, O> {
    /// Reads both tables.
    ///
    /// # Errors
    /// [`ManifestError`] with file, line, the key and what is allowed.
    pub fn read(section: &TrainSection, origin: &ManifestOrigin) -> Result<Self, ManifestError> {
        let value = |table: &schemas::manifest::train::SystemTable| {
            serde_json::Value::Object(table.0.clone())
        };
        Ok(Self {
            model: origin.section("train.model", value(&section.model))?,
            objectives: origin.section("train.objectives", value(&section.objectives))?,
        })
    }
}
