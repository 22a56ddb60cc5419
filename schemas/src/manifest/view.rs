//! `[[view]]`: a named preset, and single steps that override it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recipe::{ClipStage, Crop, Crops, Grid, Kernel, Orientation, Recipe, VoxelType};

/// A published preprocessing, by name. Deviations from the publication stand at each preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Units and orientation only: Hounsfield units in RAS on the source grid, nothing clipped. With
    /// `spacing` set, an extent-aligned grid of exactly that spacing, antialiased.
    Native,
    /// MG-3D on CT-RATE: clip to −1000..1000, trilinear to 0.75 × 0.75 × 1.5 mm with sizes
    /// truncated, centre crop to 0.875 × 0.65625 × 0.88, trilinear to 128 × 96 × 128 (x, y, z), no
    /// antialiasing. Both interpolations are composed into one pass. Deviations: the orientation
    /// comes from the affine (the publication ignores it), and voxels are stored as HU in i16.
    Mg3d,
    /// CT-CLIP: trilinear to 0.75 × 0.75 × 1.5 mm with sizes truncated, clip to −1000..1000, centre
    /// crop or pad to 480 × 480 × 240. Deviations as for `mg3d`.
    CtClip,
    /// Merlin, as MONAI does it: RAS, linear to 1.5 × 1.5 × 3 mm from the first voxel's centre on,
    /// −1000..1000, centre crop or pad to 224 × 224 × 160. Deviations: sums are in f32 (MONAI's in
    /// f64), voxels are stored as HU in i16, and padding is −1000 HU, which is the publication's 0
    /// after its window.
    Merlin,
    /// nnU-Net's CT path at 1.5 mm: cubic B-spline, sizes rounded, stretched over the extent, no
    /// antialiasing. Deviations: the plan's median spacing is yours to set; RAS by the affine; one
    /// kernel on all axes (nnU-Net turns to nearest along z above a spacing ratio of 3); intensities
    /// stay HU, since percentiles and z-score belong to the training data.
    NnunetCt,
    /// T3D: four boxes of 192 × 192 × 96 voxels at 0.75 × 0.75 × 1.5 mm from within the body, with
    /// their positions. The publication gives no sizes and released no code: these are ours.
    T3d,
    /// MS-VLM: every axial slice at 480 × 480 pixels of 0.75 mm, 1.5 mm apart, −1000..1000, as many
    /// slices as the series has. Deviations: the publication pads to 240 slices and repeats grey
    /// three times, which is the model's business.
    MsVlm,
}

impl Preset {
    /// The preset's recipe.
    pub fn recipe(self) -> Recipe {
        let base = Recipe {
            orientation: Orientation::Ras,
            spacing: None,
            grid: Grid::Extent,
            kernel: Kernel::Linear,
            antialias: true,
            crop: Crop::None,
            resize: None,
            crops: None,
            windows: vec![[-1000.0, 1000.0]],
            clip: ClipStage::Output,
            dtype: VoxelType::I16,
        };
        let ct_rate = Recipe {
            orientation: Orientation::Lps,
            spacing: Some([0.75, 0.75, 1.5]),
            grid: Grid::Truncate,
            antialias: false,
            ..base.clone()
        };
        match self {
            Self::Native => Recipe { windows: vec![[-32768.0, 32767.0]], ..base },
            Self::Mg3d => Recipe {
                crop: Crop::CenterFraction([0.875, 0.65625, 0.88]),
                resize: Some([128, 96, 128]),
                clip: ClipStage::Source,
                ..ct_rate
            },
            Self::CtClip => Recipe { crop: Crop::CenterSize([480, 480, 240]), ..ct_rate },
            Self::Merlin => Recipe {
                spacing: Some([1.5, 1.5, 3.0]),
                grid: Grid::Corner,
                antialias: false,
                crop: Crop::CenterSize([224, 224, 160]),
                ..base
            },
            Self::NnunetCt => Recipe {
                spacing: Some([1.5, 1.5, 1.5]),
                grid: Grid::Round,
                kernel: Kernel::Cubic,
                antialias: false,
                windows: vec![[-1024.0, 3071.0]],
                ..base
            },
            Self::T3d => Recipe {
                spacing: Some([0.75, 0.75, 1.5]),
                crop: Crop::Body(10.0),
                crops: Some(Crops { count: 4, size: [192, 192, 96], seed: 0 }),
                ..base
            },
            Self::MsVlm => Recipe { crop: Crop::CenterSize([480, 480, 0]), ..ct_rate },
        }
    }

    /// Every preset with its name, in the order of the documentation.
    pub const ALL: [(&'static str, Self); 7] = [
        ("native", Self::Native),
        ("mg3d", Self::Mg3d),
        ("ct-clip", Self::CtClip),
        ("merlin", Self::Merlin),
        ("nnunet-ct", Self::NnunetCt),
        ("t3d", Self::T3d),
        ("ms-vlm", Self::MsVlm),
    ];

    /// The preset of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, preset)| *preset)
    }
}

/// One window, or one a channel.
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
            let names: Vec<_> = Preset::ALL.iter().map(|(name, _)| format!("`{name}`")).collect();
            return Err(format!(
                "`{line}` is no preset: there is {}, or a table such as `{{ preset = \"native\", \
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
        let fail = |field, problem: &str| Err(ViewError { field, problem: problem.to_owned() });
        let valid_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if self.name.is_empty() || !self.name.bytes().all(valid_name) {
            return fail("name", "must be made of letters, digits, `-` and `_`");
        }
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
            Crop::CenterSize(size) | Crop::BodySize(size) if size.iter().any(|&n| n > 4096) => {
                return fail("crop", "sizes must be from 1 to 4096 voxels, or 0 for a whole axis");
            }
            Crop::Body(margin) | Crop::Foreground(margin) if !(0.0..=1000.0).contains(&margin) => {
                return fail("crop", "margins must be from 0 to 1000 mm");
            }
            _ => {}
        }
        if let Some(Crops { count, size, .. }) = recipe.crops
            && !((1..=64).contains(&count) && size.iter().all(|n| (1..=4096).contains(n)))
        {
            return fail("crops", "must be 1 to 64 boxes of sizes from 1 to 4096 voxels");
        }
        if !(1..=8).contains(&recipe.windows.len()) {
            return fail("window", "must be one window or a list of at most 8");
        }
        for &[low, high] in &recipe.windows {
            if !(low.is_finite() && high.is_finite() && low < high) {
                return fail(
                    "window",
                    "must be [low, high] in Hounsfield units with low below high",
                );
            }
            if recipe.dtype == VoxelType::I16 && (low < -32768.0 || high > 32767.0) {
                return fail("window", "must lie within -32768..32767 for dtype `i16`");
            }
        }
        if recipe.windows.len() > 1 && recipe.dtype == VoxelType::I16 {
            return fail("window", "of several channels needs dtype `u8` or `f16`");
        }
        if recipe.windows.len() > 1 && recipe.clip == ClipStage::Source {
            return fail("clip", "must be `output` where there are several windows");
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
        assert!(ViewSection::from_line("nativ").expect_err("refused").contains("no preset"));
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
