//! A series into views, whole or slab by slab, with what was learnt of it on the way.

use std::path::Path;

use schemas::manifest::{FramePolicy, Recipe};
use schemas::reason::Reason;

use crate::ingest::{
    Acquisition, IngestError, ReadOptions, SeriesGeometry, SeriesImage, SeriesSource, constant,
    decide_rescale, grid_geometry, nifti, nifti_affine, read_series, remedy_tilt,
};
use crate::quality::{Intensities, Survey, assess};
use crate::volume::{Affine, SlabView, ViewTensor, Volume, make_view};

/// Bytes of a slab: large enough to decode fast, small beside any volume that needs slabs.
const SLAB: usize = 64 << 20;

/// What is known of a series once its views are made.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesFacts {
    /// Size along x, y, z of the source.
    pub dims: [usize; 3],
    /// Voxel index to world (RAS, mm) of the source.
    pub affine: Affine,
    /// Modality as the source names it; empty where it does not.
    pub modality: String,
    /// How voxels become Hounsfield units: `header`, `metadata` or `dicom`.
    pub rescale_source: &'static str,
    /// Share of voxels that were NaN or infinite.
    pub nan_fraction: f64,
    /// Verdict and measures of the geometry, and what was done to it.
    pub geometry: SeriesGeometry,
    /// What the intensities look like.
    pub intensities: Intensities,
    /// What is odd but was accepted, doubts about intensities included.
    pub warnings: Vec<String>,
}

impl SeriesFacts {
    /// Looks at `image`; its voxels may be gone when `intensities` are known already.
    pub fn new(image: &SeriesImage, intensities: Intensities) -> Self {
        let mut warnings = image.warnings.clone();
        warnings.extend(intensities.warnings.iter().cloned());
        Self {
            dims: image.volume.dims,
            affine: image.volume.affine,
            modality: image.modality.clone(),
            rescale_source: image.rescale_source,
            nan_fraction: image.nan_fraction,
            geometry: image.geometry.clone(),
            intensities,
            warnings,
        }
    }
}

/// Reads a series and makes the view of every recipe. A NIfTI volume above `options.slab_above` is
/// read twice, slab by slab; what comes out is the same.
///
/// # Errors
///
/// An [`IngestError`] with the reason code under which the series is excluded.
pub fn make_views(
    source: &SeriesSource,
    acquisition: &Acquisition,
    options: &ReadOptions,
    recipes: &[Recipe],
) -> Result<(SeriesFacts, Vec<ViewTensor>), IngestError> {
    if let SeriesSource::Nifti(path) = source
        && nifti::decoded_bytes(path, options.limit, first(options))? > options.slab_above
    {
        return in_slabs(path, acquisition, options, recipes, SLAB);
    }
    let image = read_series(source, acquisition, options)?;
    let tensors = recipes.iter().map(|recipe| make_view(&image.volume, recipe)).collect();
    let intensities = assess(&image.volume, &image.modality);
    Ok((SeriesFacts::new(&image, intensities), tensors))
}

fn first(options: &ReadOptions) -> bool {
    options.frames == FramePolicy::First
}

fn in_slabs(
    path: &Path,
    acquisition: &Acquisition,
    options: &ReadOptions,
    recipes: &[Recipe],
    slab: usize,
) -> Result<(SeriesFacts, Vec<ViewTensor>), IngestError> {
    let mut survey = Survey::new(nifti::voxel_count(path, options.limit, first(options))?);
    let take = |voxels| survey.take(&voxels);
    let found = nifti::read_slabs(path, options.limit, first(options), slab, take)?;
    let (rescale, rescale_source) = decide_rescale(options.intensity, found.facts, acquisition)?;
    let affine = nifti_affine(&found, acquisition);
    let image = SeriesImage {
        volume: Volume { voxels: found.voxels, dims: found.dims, affine, rescale },
        modality: String::new(),
        rescale_source,
        nan_fraction: found.nan_fraction,
        warnings: found.warnings,
        geometry: grid_geometry(&affine, found.dims),
    };
    let image = remedy_tilt(image, options.geometry)?;
    let whole_only = |problem: &dyn std::fmt::Display| {
        IngestError::new(
            Reason::TooLarge,
            format!("{problem}; raise `[limits] slab_above_mib` to hold this volume"),
        )
    };
    if !image.geometry.repaired.is_empty() {
        return Err(whole_only(&"mending a tilt needs the whole volume in memory"));
    }
    let intensities = survey.finish(rescale, &image.modality);
    if intensities.statistics.min >= intensities.statistics.max {
        return Err(constant(intensities.statistics.min));
    }
    let mut views = Vec::with_capacity(recipes.len());
    for recipe in recipes {
        let view = SlabView::new(found.dims, affine, rescale, recipe);
        views.push(view.map_err(|error| whole_only(&error))?);
    }
    nifti::read_slabs(path, options.limit, first(options), slab, |voxels| {
        if let Some((last, others)) = views.split_last_mut() {
            for view in others {
                view.push(voxels.clone());
            }
            last.push(voxels);
        }
    })?;
    let tensors = views.into_iter().map(SlabView::finish).collect();
    Ok((SeriesFacts::new(&image, intensities), tensors))
}

#[cfg(test)]
mod tests {
    use schemas::manifest::{LimitsSection, Preset};

    use super::*;

    #[test]
    fn slabs_change_nothing_of_what_comes_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("image.nii.gz");
        let affine = Affine::from_columns(
            [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.5]],
            [10.0, 20.0, 30.0],
        );
        let bytes: Vec<u8> = (0..40 * 36 * 31)
            .flat_map(|at: i32| (((at * 7919) % 3001) as i16 - 1400).to_le_bytes())
            .collect();
        nifti::write(&path, &bytes, 4, [40, 36, 31, 1], affine).expect("writes");
        let recipes = [Preset::Mg3d.recipe(), Preset::Merlin.recipe(), Preset::Native.recipe()];
        let options = ReadOptions::with_limits(&LimitsSection::default());
        let source = SeriesSource::Nifti(path.clone());
        let whole =
            make_views(&source, &Acquisition::default(), &options, &recipes).expect("reads");
        for slab in [1, 40 * 36 * 2 * 7, SLAB] {
            let parts = in_slabs(&path, &Acquisition::default(), &options, &recipes, slab);
            assert_eq!(parts.expect("reads"), whole);
        }
        let bodied = [Recipe { crop: schemas::manifest::Crop::Body(5.0), ..recipes[2].clone() }];
        let refused = in_slabs(&path, &Acquisition::default(), &options, &bodied, SLAB);
        assert_eq!(refused.expect_err("refused").reason, Reason::TooLarge);
    }
}
