//! What the values of a view may be.

use std::ops::RangeInclusive;

use super::recipe::{ClipStage, Crop, Recipe, VoxelType};

/// Voxel sizes in mm.
const SPACING_MM: RangeInclusive<f64> = 0.01..=100.0;
/// Largest size of an axis in voxels.
const MAX_AXIS: u32 = 4096;
/// Margins around a body or foreground in mm.
const MARGIN_MM: RangeInclusive<f64> = 0.0..=1000.0;
/// Most boxes out of one volume.
const MAX_CROPS: u32 = 64;
/// Most windows, one channel each.
const MAX_WINDOWS: usize = 8;

/// A view that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
#[non_exhaustive]
pub struct ViewError {
    /// The key of `[[view]]` at fault.
    pub field: &'static str,
    /// What is wrong with it and what is allowed.
    pub problem: String,
}

/// A check of one key of a recipe.
type Check = fn(&Recipe) -> Result<(), ViewError>;

/// Every check of a recipe, in the order in which problems are reported.
const CHECKS: &[Check] = &[spacing, resize, crop, crops, windows, channels];

pub(super) fn check(recipe: &Recipe) -> Result<(), ViewError> {
    CHECKS.iter().try_for_each(|check| check(recipe))
}

pub(super) fn check_name(name: &str) -> Result<(), ViewError> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || !name.bytes().all(valid) {
        return fail("name", "must be made of letters, digits, `-` and `_`");
    }
    Ok(())
}

fn fail(field: &'static str, problem: impl Into<String>) -> Result<(), ViewError> {
    Err(ViewError { field, problem: problem.into() })
}

fn is_size(voxels: u32) -> bool {
    (1..=MAX_AXIS).contains(&voxels)
}

fn spacing(recipe: &Recipe) -> Result<(), ViewError> {
    let wrong = |spacing: [f64; 3]| spacing.iter().any(|step| !SPACING_MM.contains(step));
    if recipe.spacing.is_some_and(wrong) {
        let (low, high) = (SPACING_MM.start(), SPACING_MM.end());
        return fail("spacing", format!("must hold three values from {low} to {high} mm"));
    }
    Ok(())
}

fn resize(recipe: &Recipe) -> Result<(), ViewError> {
    if recipe.resize.is_some_and(|size| !size.into_iter().all(is_size)) {
        return fail("resize", format!("must hold three values from 1 to {MAX_AXIS} voxels"));
    }
    Ok(())
}

fn crop(recipe: &Recipe) -> Result<(), ViewError> {
    match recipe.crop {
        Crop::CenterFraction(fraction) if fraction.iter().any(|f| !(*f > 0.0 && *f <= 1.0)) => {
            fail("crop", "fractions must be above 0 and at most 1")
        }
        Crop::CenterSize(size) | Crop::BodySize(size) if size.iter().any(|&n| n > MAX_AXIS) => {
            fail(
                "crop",
                format!("sizes must be from 1 to {MAX_AXIS} voxels, or 0 for a whole axis"),
            )
        }
        Crop::Body(margin) | Crop::Foreground(margin) if !MARGIN_MM.contains(&margin) => {
            let (low, high) = (MARGIN_MM.start(), MARGIN_MM.end());
            fail("crop", format!("margins must be from {low} to {high} mm"))
        }
        _ => Ok(()),
    }
}

fn crops(recipe: &Recipe) -> Result<(), ViewError> {
    let problem = recipe.crops.and_then(|crops| boxes_problem(crops.count, crops.size));
    problem.map_or(Ok(()), |problem| fail("crops", problem))
}

/// Why boxes of one size cannot be taken out of a volume.
pub(in crate::manifest) fn boxes_problem(count: u32, size: [u32; 3]) -> Option<String> {
    let sound = (1..=MAX_CROPS).contains(&count) && size.into_iter().all(is_size);
    let problem = || format!("must be 1 to {MAX_CROPS} boxes of sizes from 1 to {MAX_AXIS} voxels");
    (!sound).then(problem)
}

fn windows(recipe: &Recipe) -> Result<(), ViewError> {
    if !(1..=MAX_WINDOWS).contains(&recipe.windows.len()) {
        return fail("window", format!("must be one window or a list of at most {MAX_WINDOWS}"));
    }
    let (lowest, highest) = (i16::MIN, i16::MAX);
    for &[low, high] in &recipe.windows {
        if !(low.is_finite() && high.is_finite() && low < high) {
            return fail("window", "must be [low, high] in Hounsfield units with low below high");
        }
        if recipe.dtype == VoxelType::I16 && (low < f64::from(lowest) || high > f64::from(highest))
        {
            return fail("window", format!("must lie within {lowest}..{highest} for dtype `i16`"));
        }
    }
    Ok(())
}

fn channels(recipe: &Recipe) -> Result<(), ViewError> {
    if recipe.windows.len() > 1 && recipe.dtype == VoxelType::I16 {
        return fail("window", "of several channels needs dtype `u8` or `f16`");
    }
    if recipe.windows.len() > 1 && recipe.clip == ClipStage::Source {
        return fail("clip", "must be `output` where there are several windows");
    }
    Ok(())
}
