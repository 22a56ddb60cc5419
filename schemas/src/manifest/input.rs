//! The `[train.input]` section of a manifest: what a sample is made of when it is loaded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::view::boxes_problem;

/// What a sample is made of when it is loaded. All that is drawn is a function of `[train] seed`, the epoch and the
/// sample: ranks, threads and stops change nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InputSection {
    /// Boxes of one size, drawn anew out of a stored volume of any size each time it is loaded. Default: the stored
    /// blocks as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crops: Option<CropDraw>,
    /// Changes of the voxels, drawn anew for each block. Default: none.
    #[serde(skip_serializing_if = "is_default")]
    pub augment: AugmentSection,
    /// When a stored tensor is compared with its hash. Default: `every-epoch`; with `crops`, which read a part of it,
    /// `once`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,
    /// What becomes of a sample whose tensor is not what was written. Default: `stop`.
    #[serde(skip_serializing_if = "is_default")]
    pub damaged: Damaged,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl InputSection {
    /// When a stored tensor is compared with its hash.
    pub fn verify(&self) -> Verify {
        let default = if self.crops.is_some() { Verify::Once } else { Verify::EveryEpoch };
        self.verify.unwrap_or(default)
    }

    /// Why the section cannot be used: the key at fault and what is wrong with it.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        let boxes = self.crops.and_then(|crops| boxes_problem(crops.count, crops.size));
        if let Some(problem) = boxes {
            return Some(("crops", problem));
        }
        let AugmentSection { scale, shift, noise, .. } = self.augment;
        let keys = [("augment.scale", scale), ("augment.shift", shift), ("augment.noise", noise)];
        let wrong = keys.into_iter().find(|(_, value)| !(0.0..=1.0).contains(value));
        wrong.map(|(key, _)| (key, "must be from 0 to 1, the width of the window".to_owned()))
    }
}

/// Boxes drawn out of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CropDraw {
    /// How many out of each series.
    pub count: u32,
    /// Size of each in voxels, x, y, z. Where a volume is smaller, the box is centred on it and filled with the
    /// window's low end.
    pub size: [u32; 3],
    /// Where they may lie. Default: `anywhere`.
    #[serde(default)]
    pub place: CropPlace,
}

impl CropDraw {
    /// Depth, height and width of a box.
    pub fn shape(&self) -> [usize; 3] {
        let [width, height, depth] = self.size.map(|length| length as usize);
        [depth, height, width]
    }
}

/// Changes of the voxels of a block, in parts of the window's width: 0.1 of a window of 2000 HU are 200 HU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentSection {
    /// Contrast: a factor from 1 − `scale` to 1 + `scale`. Default: 0.
    pub scale: f64,
    /// Brightness: an addend from −`shift` to `shift`. Default: 0.
    pub shift: f64,
    /// Standard deviation of the noise of each voxel. Default: 0.
    pub noise: f64,
    /// Whether half of the studies are mirrored from left to right, and left and right in their reports with them. A study
    /// whose report tells sides by other words stays as it is. Default: false.
    pub flip: bool,
}

impl AugmentSection {
    /// Whether nothing is changed.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

crate::named_enum! {
    /// Where drawn boxes may lie.
    #[derive(Default, JsonSchema)]
    pub enum CropPlace {
        /// Anywhere in the volume.
        #[default]
        Anywhere = "anywhere",
        /// Where at least a quarter of the box is body: above −500 HU, or above the window's low end where that is
        /// higher. Of sixteen draws without such a box, the one with the most body is taken.
        Body = "body",
    }
}

crate::named_enum! {
    /// When a stored tensor is compared with its hash.
    #[derive(JsonSchema)]
    pub enum Verify {
        /// When it is first read in each epoch.
        EveryEpoch = "every-epoch",
        /// When it is first read in a run.
        Once = "once",
        /// Never.
        Never = "never",
    }
}

crate::named_enum! {
    /// What becomes of a sample whose tensor is not what was written.
    #[derive(Default, JsonSchema)]
    pub enum Damaged {
        /// The run ends with the name of the shard.
        #[default]
        Stop = "stop",
        /// It is left out of its batch and counted. The samples after it keep their places.
        Skip = "skip",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_drawn_is_named() {
        let crops = |count, edge| InputSection {
            crops: Some(CropDraw { count, size: [edge, 8, 8], place: CropPlace::Anywhere }),
            ..InputSection::default()
        };
        assert_eq!(crops(4, 8).problem(), None);
        for wrong in [crops(0, 8), crops(65, 8), crops(4, 0), crops(4, 4097)] {
            assert_eq!(wrong.problem().map(|(key, _)| key), Some("crops"));
        }
        let noise = |noise| InputSection {
            augment: AugmentSection { noise, ..AugmentSection::default() },
            ..InputSection::default()
        };
        assert_eq!(noise(0.5).problem(), None);
        for wrong in [-0.1, 1.1, f64::NAN] {
            assert_eq!(noise(wrong).problem().map(|(key, _)| key), Some("augment.noise"));
        }
    }

    #[test]
    fn parts_of_tensors_are_compared_once_and_whole_ones_in_every_epoch() {
        let whole = InputSection::default();
        let draw = CropDraw { count: 1, size: [8; 3], place: CropPlace::Anywhere };
        let crops = InputSection { crops: Some(draw), ..whole };
        assert_eq!((whole.verify(), crops.verify()), (Verify::EveryEpoch, Verify::Once));
        let asked = InputSection { verify: Some(Verify::Never), ..crops };
        assert_eq!(asked.verify(), Verify::Never);
    }
}
