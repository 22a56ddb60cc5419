//! Views with their recipes resolved.

use schemas::manifest::Recipe;
use serde::Serialize;

/// A named recipe.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    /// The view's name, part of the shards' names.
    pub name: String,
    /// How its tensors are made.
    pub recipe: Recipe,
}
