//! Published preprocessings by name. Deviations from the publication are stated at each preset.

use schemars::JsonSchema;

use super::recipe::{ClipStage, Crop, Crops, Grid, Kernel, Orientation, Recipe, VoxelType};

crate::named_enum! {
    /// A published preprocessing, by name. Deviations from the publication stand at each preset.
    #[derive(JsonSchema)]
    pub enum Preset {
        /// Units and orientation only: Hounsfield units in RAS on the source grid, nothing clipped. With
        /// `spacing` set, an extent-aligned grid of exactly that spacing, antialiased.
        Native = "native",
        /// MG-3D on CT-RATE: clip to −1000..1000, trilinear to 0.75 × 0.75 × 1.5 mm with sizes
        /// truncated, centre crop to 0.875 × 0.65625 × 0.88, trilinear to 128 × 96 × 128 (x, y, z), no
        /// antialiasing. Both interpolations are composed into one pass. Deviations: the orientation
        /// comes from the affine (the publication ignores it), and voxels are stored as HU in i16.
        Mg3d = "mg3d",
        /// CT-CLIP: trilinear to 0.75 × 0.75 × 1.5 mm with sizes truncated, clip to −1000..1000, centre
        /// crop or pad to 480 × 480 × 240. Deviations as for `mg3d`.
        CtClip = "ct-clip",
        /// Merlin, as MONAI does it: RAS, linear to 1.5 × 1.5 × 3 mm from the first voxel's centre on,
        /// −1000..1000, centre crop or pad to 224 × 224 × 160. Deviations: sums are in f32 (MONAI's in
        /// f64), voxels are stored as HU in i16, and padding is −1000 HU, which is the publication's 0
        /// after its window.
        Merlin = "merlin",
        /// nnU-Net's CT path at 1.5 mm: cubic B-spline, sizes rounded, stretched over the extent, no
        /// antialiasing. Deviations: the plan's median spacing is yours to set; RAS by the affine; one
        /// kernel on all axes (nnU-Net turns to nearest along z above a spacing ratio of 3); intensities
        /// stay HU, since percentiles and z-score belong to the training data.
        NnunetCt = "nnunet-ct",
        /// T3D: four boxes of 192 × 192 × 96 voxels at 0.75 × 0.75 × 1.5 mm from within the body, with
        /// their positions. The publication gives no sizes and released no code: these are ours.
        T3d = "t3d",
        /// MS-VLM: every axial slice at 480 × 480 pixels of 0.75 mm, 1.5 mm apart, −1000..1000, as many
        /// slices as the series has. Deviations: the publication pads to 240 slices and repeats grey
        /// three times, which is the model's business.
        MsVlm = "ms-vlm",
    }
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
}
