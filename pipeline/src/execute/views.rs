//! A series into views, whole or slab by slab, with what was learnt of it on the way.

use std::path::Path;

use schemas::manifest::{Recipe, Remedy};
use schemas::reason::{GeometryVerdict, Reason};

use crate::ingest::{
    Acquisition, IngestError, ReadOptions, SeriesGeometry, SeriesImage, SeriesSource, constant,
    nifti, nifti_series, read_series, remedy_tilt,
};
use crate::quality::{Intensities, Survey, assess};
use crate::volume::{Affine, SlabView, ViewTensor, Volume, Voxels, make_view, too_large};

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
    /// What stays of `image` without its voxels, which may be gone already.
    fn new(image: SeriesImage, intensities: Intensities) -> Self {
        let mut warnings = image.warnings;
        warnings.extend(intensities.warnings.iter().cloned());
        Self {
            dims: image.volume.dims,
            affine: image.volume.affine,
            modality: image.modality,
            rescale_source: image.rescale_source,
            nan_fraction: image.nan_fraction,
            geometry: image.geometry,
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
    if let SeriesSource::Nifti(path) = source {
        let size = nifti::size(path, options.limit, options.first_frame())?;
        if size.bytes > options.slab_above {
            let survey = Survey::new(size.voxels);
            return in_slabs(path, survey, acquisition, options, recipes, SLAB);
        }
    }
    let image = read_series(source, acquisition, options)?;
    check_sizes(&image.volume, options, recipes)?;
    let (intensities, tensors) = rayon::join(
        || assess(&image.volume, &image.modality),
        || recipes.iter().map(|recipe| make_view(&image.volume, recipe)).collect(),
    );
    Ok((SeriesFacts::new(image, intensities), tensors))
}

/// Refuses views that no memory would hold before memory is asked for.
fn check_sizes(
    volume: &Volume,
    options: &ReadOptions,
    recipes: &[Recipe],
) -> Result<(), IngestError> {
    let found = recipes
        .iter()
        .find_map(|recipe| too_large(volume.dims, volume.affine, recipe, options.limit));
    found.map_or(Ok(()), |detail| Err(IngestError::new(Reason::TooLarge, detail)))
}

fn in_slabs(
    path: &Path,
    mut survey: Survey,
    acquisition: &Acquisition,
    options: &ReadOptions,
    recipes: &[Recipe],
    slab: usize,
) -> Result<(SeriesFacts, Vec<ViewTensor>), IngestError> {
    let read = |sink: &mut dyn FnMut(Voxels)| {
        nifti::read_slabs(path, options.limit, options.first_frame(), slab, sink)
    };
    let found = read(&mut |voxels| survey.take(&voxels))?;
    let image = nifti_series(found, acquisition, options)?;
    let whole_only = |problem: &dyn std::fmt::Display| {
        IngestError::new(
            Reason::TooLarge,
            format!("{problem}; raise `[limits] slab_above_mib` to hold this volume"),
        )
    };
    let is_tilted = image.geometry.verdict == GeometryVerdict::Tilted;
    if is_tilted && options.geometry.tilt == Remedy::Repair {
        return Err(whole_only(&"mending a tilt needs the whole volume in memory"));
    }
    let image = remedy_tilt(image, options.geometry)?;
    let Volume { dims, affine, rescale, .. } = image.volume;
    let is_constant = survey.is_constant();
    let intensities = survey.finish(rescale, &image.modality);
    if is_constant {
        return Err(constant(intensities.statistics.min));
    }
    check_sizes(&image.volume, options, recipes)?;
    let mut views = Vec::with_capacity(recipes.len());
    for recipe in recipes {
        let view = SlabView::new(dims, affine, rescale, recipe);
        views.push(view.map_err(|error| whole_only(&error))?);
    }
    read(&mut |voxels| {
        if let Some((last, others)) = views.split_last_mut() {
            for view in others {
                view.push(voxels.clone());
            }
            last.push(voxels);
        }
    })?;
    let tensors = views.into_iter().map(SlabView::finish).collect();
    Ok((SeriesFacts::new(image, intensities), tensors))
}

#[cfg(test)]
mod tests {
    use schemas::manifest::{GeometryPolicy, LimitsSection, Preset};

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
        let in_slabs = |options: &ReadOptions, recipes: &[Recipe], slab| {
            let survey = Survey::new(40 * 36 * 31);
            in_slabs(&path, survey, &Acquisition::default(), options, recipes, slab)
        };
        for slab in [1, 40 * 36 * 2 * 7, SLAB] {
            assert_eq!(in_slabs(&options, &recipes, slab).expect("reads"), whole);
        }
        let bodied = [Recipe { crop: schemas::manifest::Crop::Body(5.0), ..recipes[2].clone() }];
        let refused = in_slabs(&options, &bodied, SLAB);
        assert_eq!(refused.expect_err("refused").reason, Reason::TooLarge);
        // Voxels of a metre, as a header in the wrong unit has them, are a million times too many.
        let metres =
            Affine::from_columns([[-1e3, 0.0, 0.0], [0.0, -1e3, 0.0], [0.0, 0.0, 1e3]], [0.0; 3]);
        nifti::write(&path, &bytes, 4, [40, 36, 31, 1], metres).expect("writes");
        let millimetre = [Recipe { spacing: Some([1.0; 3]), ..recipes[2].clone() }];
        let refused = make_views(&source, &Acquisition::default(), &options, &millimetre);
        assert_eq!(refused.expect_err("refused").reason, Reason::TooLarge);
        let refused = in_slabs(&options, &millimetre, SLAB);
        assert_eq!(refused.expect_err("refused").reason, Reason::TooLarge);
        // A shear cannot be taken out of slices that are not held.
        let sheared = Affine::from_columns(
            [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.5, 1.5]],
            [10.0, 20.0, 30.0],
        );
        nifti::write(&path, &bytes, 4, [40, 36, 31, 1], sheared).expect("writes");
        for (tilt, reason) in [(Remedy::Repair, Reason::TooLarge), (Remedy::Reject, Reason::Tilted)]
        {
            let geometry = GeometryPolicy { tilt, ..options.geometry };
            let refused = in_slabs(&ReadOptions { geometry, ..options }, &recipes, SLAB);
            assert_eq!(refused.expect_err("refused").reason, reason);
        }
    }
}
