//! What a system gets of each study.

use schemas::manifest::Recipe;
use schemas::manifest::train::InputSection;
use serde::{Deserialize, Serialize};

/// The blocks of one series: how many, and of which shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputShape {
    /// Crops of a series; 1 where the view is not cropped.
    pub blocks: usize,
    /// Channels, depth, height and width of a block.
    pub block: [usize; 4],
}

impl InputShape {
    /// The input that a view gives, loaded as `input` says; none where its size depends on the series.
    pub fn of_view(recipe: &Recipe, input: &InputSection) -> Option<Self> {
        let stored = recipe.crops.map(|crops| (crops.count, crops.size));
        let drawn = input.crops.map(|crops| (crops.count, crops.size));
        let (blocks, [depth, height, width]) = match drawn.or(stored) {
            Some((count, size)) => {
                let [x, y, z] = size.map(|length| length as usize);
                (count as usize, [z, y, x])
            }
            None => (1, recipe.output_shape()?),
        };
        Some(Self { blocks, block: [recipe.windows.len(), depth, height, width] })
    }
}
