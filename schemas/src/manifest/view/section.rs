//! `[[view]]`: a named preset, and single steps that override it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{ViewError, check, check_name};
use super::preset::Preset;
use super::recipe::{ClipStage, Crop, Crops, Grid, Kernel, Orientation, Recipe, VoxelType};

/// One window, or one per channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Windows {
    /// `[low, high]`.
    One([f64; 2]),
    /// `[[low, high], ...]`.
    Several(Vec<[f64; 2]>),
}

impl Windows {
    fn into_vec(self) -> Vec<[f64; 2]> {
        match self {
            Self::One(window) => vec![window],
            Self::Several(windows) => windows,
        }
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
    /// Where resampled voxels lie: `extent`, `corner`, `truncate` or `round`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<Grid>,
    /// `linear`, `cubic` or `nearest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Kernel>,
    /// Whether a low-pass filter precedes downsampling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub antialias: Option<bool>,
    /// What is kept: `"none"`, `{ center-fraction = [x, y, z] }`, `{ center-size = [x, y, z] }`,
    /// `{ body = MARGIN }`, `{ body-size = [x, y, z] }` or `{ foreground = MARGIN }`, margins in mm;
    /// a size of 0 keeps an axis whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<Crop>,
    /// Final size, x, y, z in voxels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<[u32; 3]>,
    /// Boxes out of what the steps so far gave: `{ count = 4, size = [x, y, z] }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crops: Option<Crops>,
    /// Window in Hounsfield units, `[low, high]`, or a list of them: one channel each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Windows>,
    /// `source` or `output`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<ClipStage>,
    /// `u8`, `i16` or `f16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<VoxelType>,
}

/// A view on one line, as TOML wants it.
#[derive(Deserialize)]
struct Line {
    view: toml::Table,
}

impl ViewSection {
    /// A view that is a preset as it stands.
    pub fn from_preset(name: &str, preset: Preset) -> Self {
        Self {
            name: name.to_owned(),
            preset,
            orientation: None,
            spacing: None,
            grid: None,
            kernel: None,
            antialias: None,
            crop: None,
            resize: None,
            crops: None,
            window: None,
            clip: None,
            dtype: None,
        }
    }

    /// A view written on one line: the name of a preset, or a TOML table such as
    /// `{ preset = "native", spacing = [1, 1, 1] }`.
    ///
    /// # Errors
    ///
    /// What is wrong with the line.
    pub fn from_line(line: &str) -> Result<Self, String> {
        if let Some(preset) = Preset::from_name(line) {
            return Ok(Self::from_preset("view", preset));
        }
        if !line.contains('=') {
            let names = Preset::ALL.map(|preset| format!("`{preset}`"));
            return Err(format!(
                "`{line}` is not a preset: available are {}, or a table such as `{{ preset = \"native\", \
                 spacing = [1, 1, 1] }}`",
                names.join(", ")
            ));
        }
        let line = line.trim();
        let table = if line.starts_with('{') { line.to_owned() } else { format!("{{ {line} }}") };
        let mut parsed: Line = toml::from_str(&format!("view = {table}"))
            .map_err(|error| error.message().to_owned())?;
        for (key, default) in [("name", "view"), ("preset", "native")] {
            parsed.view.entry(key).or_insert_with(|| default.into());
        }
        parsed.view.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }

    /// The recipe with every choice made.
    ///
    /// # Errors
    ///
    /// Names the key whose value cannot be used.
    pub fn resolve(&self) -> Result<Recipe, ViewError> {
        check_name(&self.name)?;
        let base = self.preset.recipe();
        let recipe = Recipe {
            orientation: self.orientation.unwrap_or(base.orientation),
            spacing: self.spacing.or(base.spacing),
            grid: self.grid.unwrap_or(base.grid),
            kernel: self.kernel.unwrap_or(base.kernel),
            antialias: self.antialias.unwrap_or(base.antialias),
            crop: self.crop.unwrap_or(base.crop),
            resize: self.resize.or(base.resize),
            crops: self.crops.or(base.crops),
            windows: self.window.clone().map_or(base.windows, Windows::into_vec),
            clip: self.clip.unwrap_or(base.clip),
            dtype: self.dtype.unwrap_or(base.dtype),
        };
        check(&recipe)?;
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
    fn a_view_on_one_line_is_a_preset_or_a_table() {
        let line =
            "{ preset = \"merlin\", window = [[0.0, 80.0], [-1000.0, 1000.0]], dtype = \"u8\" }";
        let view = ViewSection::from_line(line).expect("reads");
        let recipe = view.resolve().expect("resolves");
        assert_eq!(recipe.windows, [[0.0, 80.0], [-1000.0, 1000.0]]);
        assert_eq!(recipe.spacing, Some([1.5, 1.5, 3.0]));
        assert_eq!(
            ViewSection::from_line("crop = { body = 5.0 }").expect("reads").crop,
            Some(Crop::Body(5.0))
        );
        assert!(ViewSection::from_line("nativ").expect_err("refused").contains("not a preset"));
        assert!(
            ViewSection::from_line("spacin = [1, 1, 1]").expect_err("refused").contains("spacin")
        );
    }

    #[test]
    fn impossible_values_name_their_key() {
        let base = ViewSection::from_preset("v", Preset::Mg3d);
        let cases = [
            (ViewSection { window: Some(Windows::One([5.0, 5.0])), ..base.clone() }, "window"),
            (
                ViewSection {
                    window: Some(Windows::Several(vec![[0.0, 1.0], [2.0, 3.0]])),
                    dtype: Some(VoxelType::I16),
                    ..base.clone()
                },
                "window",
            ),
            (ViewSection { crop: Some(Crop::Body(-1.0)), ..base.clone() }, "crop"),
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
