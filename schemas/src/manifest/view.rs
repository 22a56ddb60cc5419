//! `[[view]]`: a named preset, and single steps that override it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recipe::{ClipStage, Crop, Kernel, Orientation, Recipe, VoxelType};

/// A published preprocessing, by name. Deviations from the publication stand at each preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Units and orientation only: Hounsfield units in RAS on the source grid, −1024..3071.
    Native,
    /// MG-3D on CT-RATE: clip to −1000..1000, trilinear to 0.75 × 0.75 × 1.5 mm with sizes
    /// truncated, centre crop to 0.875 × 0.65625 × 0.88, trilinear to 128 × 96 × 128 (x, y, z), no
    /// antialiasing. Both interpolations are composed into one pass. Deviations: the orientation
    /// comes from the affine (the publication ignores it), and voxels are stored as HU in i16.
    Mg3d,
    /// CT-CLIP: trilinear to 0.75 × 0.75 × 1.5 mm with sizes truncated, clip to −1000..1000, centre
    /// crop or pad to 480 × 480 × 240. Deviations as for `mg3d`.
    CtClip,
    /// Merlin: RAS, 1.5 × 1.5 × 3 mm, −1000..1000, centre crop or pad to 224 × 224 × 160.
    Merlin,
}

impl Preset {
    /// The preset's recipe.
    pub const fn recipe(self) -> Recipe {
        match self {
            Self::Native => Recipe {
                orientation: Orientation::Ras,
                spacing: None,
                kernel: Kernel::Linear,
                antialias: false,
                crop: Crop::None,
                resize: None,
                window: [-1024.0, 3071.0],
                clip: ClipStage::Output,
                dtype: VoxelType::I16,
            },
            Self::Mg3d => Recipe {
                orientation: Orientation::Lps,
                spacing: Some([0.75, 0.75, 1.5]),
                kernel: Kernel::Linear,
                antialias: false,
                crop: Crop::CenterFraction([0.875, 0.65625, 0.88]),
                resize: Some([128, 96, 128]),
                window: [-1000.0, 1000.0],
                clip: ClipStage::Source,
                dtype: VoxelType::I16,
            },
            Self::CtClip => Recipe {
                orientation: Orientation::Lps,
                spacing: Some([0.75, 0.75, 1.5]),
                kernel: Kernel::Linear,
                antialias: false,
                crop: Crop::CenterSize([480, 480, 240]),
                resize: None,
                window: [-1000.0, 1000.0],
                clip: ClipStage::Output,
                dtype: VoxelType::I16,
            },
            Self::Merlin => Recipe {
                orientation: Orientation::Ras,
                spacing: Some([1.5, 1.5, 3.0]),
                kernel: Kernel::Linear,
                antialias: false,
                crop: Crop::CenterSize([224, 224, 160]),
                resize: None,
                window: [-1000.0, 1000.0],
                clip: ClipStage::Output,
                dtype: VoxelType::I16,
            },
        }
    }

    /// Every preset with its name, in the order of the documentation.
    pub const ALL: [(&'static str, Self); 4] = [
        ("native", Self::Native),
        ("mg3d", Self::Mg3d),
        ("ct-clip", Self::CtClip),
        ("merlin", Self::Merlin),
    ];

    /// The preset of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, preset)| *preset)
    }
}

/// `[[view]]`: a tensor made from every series. Each step set here overrides the preset's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewSection {
    /// Name of the view: part of sample ids and shard names; letters, digits, `-` and `_`.
    pub name: String,
    /// The published preprocessing to start from.
    pub preset: Preset,
    /// Axis directions: `ras`, `lps` or `keep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orientation: Option<Orientation>,
    /// Voxel size, x, y, z in mm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spacing: Option<[f64; 3]>,
    /// `linear` or `nearest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Kernel>,
    /// Whether a low-pass filter precedes downsampling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub antialias: Option<bool>,
    /// What is kept: `"none"`, `{ center-fraction = [x, y, z] }` or `{ center-size = [x, y, z] }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<Crop>,
    /// Final size, x, y, z in voxels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<[u32; 3]>,
    /// Window in Hounsfield units, low and high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<[f64; 2]>,
    /// `source` or `output`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<ClipStage>,
    /// `u8`, `i16` or `f16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<VoxelType>,
}

/// A view that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct ViewError {
    /// The key of `[[view]]` at fault.
    pub field: &'static str,
    /// What is wrong with it and what is allowed.
    pub problem: String,
}

impl ViewSection {
    /// A view that is a preset as it stands.
    pub fn from_preset(name: &str, preset: Preset) -> Self {
        Self {
            name: name.to_owned(),
            preset,
            orientation: None,
            spacing: None,
            kernel: None,
            antialias: None,
            crop: None,
            resize: None,
            window: None,
            clip: None,
            dtype: None,
        }
    }

    /// The recipe with every choice made.
    ///
    /// # Errors
    ///
    /// Names the key whose value cannot be used.
    pub fn resolve(&self) -> Result<Recipe, ViewError> {
        let fail = |field, problem: &str| Err(ViewError { field, problem: problem.to_owned() });
        let valid_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if self.name.is_empty() || !self.name.bytes().all(valid_name) {
            return fail("name", "must be made of letters, digits, `-` and `_`");
        }
        let base = self.preset.recipe();
        let recipe = Recipe {
            orientation: self.orientation.unwrap_or(base.orientation),
            spacing: self.spacing.or(base.spacing),
            kernel: self.kernel.unwrap_or(base.kernel),
            antialias: self.antialias.unwrap_or(base.antialias),
            crop: self.crop.unwrap_or(base.crop),
            resize: self.resize.or(base.resize),
            window: self.window.unwrap_or(base.window),
            clip: self.clip.unwrap_or(base.clip),
            dtype: self.dtype.unwrap_or(base.dtype),
        };
        if let Some(spacing) = recipe.spacing
            && spacing.iter().any(|&step| !(0.01..=100.0).contains(&step))
        {
            return fail("spacing", "must hold three values from 0.01 to 100 mm");
        }
        if recipe.resize.is_some_and(|size| size.iter().any(|&n| !(1..=4096).contains(&n))) {
            return fail("resize", "must hold three values from 1 to 4096 voxels");
        }
        match recipe.crop {
            Crop::CenterFraction(fraction) if fraction.iter().any(|f| !(*f > 0.0 && *f <= 1.0)) => {
                return fail("crop", "fractions must be above 0 and at most 1");
            }
            Crop::CenterSize(size) if size.iter().any(|&n| !(1..=4096).contains(&n)) => {
                return fail("crop", "sizes must be from 1 to 4096 voxels");
            }
            _ => {}
        }
        let [low, high] = recipe.window;
        if !(low.is_finite() && high.is_finite() && low < high) {
            return fail("window", "must be [low, high] in Hounsfield units with low below high");
        }
        if recipe.dtype == VoxelType::I16 && (low < -32768.0 || high > 32767.0) {
            return fail("window", "must lie within -32768..32767 for dtype `i16`");
        }
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_replaces_only_its_own_step() {
        let view = ViewSection {
            dtype: Some(VoxelType::U8),
            ..ViewSection::from_preset("mg3d", Preset::Mg3d)
        };
        let expected = Recipe { dtype: VoxelType::U8, ..Preset::Mg3d.recipe() };
        assert_eq!(view.resolve(), Ok(expected));
    }

    #[test]
    fn impossible_values_name_their_key() {
        let base = ViewSection::from_preset("v", Preset::Mg3d);
        let cases = [
            (ViewSection { window: Some([5.0, 5.0]), ..base.clone() }, "window"),
            (ViewSection { spacing: Some([0.0, 1.0, 1.0]), ..base.clone() }, "spacing"),
            (ViewSection { resize: Some([0, 1, 1]), ..base.clone() }, "resize"),
            (ViewSection { name: "a/b".into(), ..base.clone() }, "name"),
            (ViewSection { crop: Some(Crop::CenterFraction([1.5, 1.0, 1.0])), ..base }, "crop"),
        ];
        for (view, field) in cases {
            assert_eq!(view.resolve().expect_err("refused").field, field);
        }
    }
}
