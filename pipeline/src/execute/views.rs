//! A series into views, whole or slab by slab, with what was learnt of it on the way.

use schemas::manifest::{Recipe, Remedy, VoxelType};
use schemas::reason::{GeometryVerdict, Reason};

use crate::ingest::nifti::OpenedNifti;
use crate::ingest::{
    Acquisition, IngestError, ReadOptions, SeriesFacts, SeriesImage, SeriesSource, SourceSums,
    constant, fill_value, nifti_image, nifti_series, read_with_sums, remedy_tilt,
};
use crate::quality::{Intensities, Survey, assess};
use crate::volume::{Affine, SlabView, Statistics, ViewTensor, Volume, make_view, too_large};

/// Bytes of a slab: large enough to decode fast, small beside any volume that needs slabs.
const SLAB: usize = 64 << 20;

/// What is known of a series once its views are made.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewedSeries {
    /// Size along x, y, z of the source.
    pub dims: [usize; 3],
    /// Voxel index to world (RAS, mm) of the source.
    pub affine: Affine,
    /// What was learnt while it was read; its warnings hold the doubts about intensities, too.
    pub facts: SeriesFacts,
    /// What the intensities look like.
    pub intensities: Intensities,
}

impl ViewedSeries {
    /// What stays of `image` without its voxels, which may be gone already.
    fn new(image: SeriesImage, intensities: Intensities, recipes: &[Recipe]) -> Self {
        let SeriesImage { volume, mut facts } = image;
        facts.warnings.extend(intensities.warnings.iter().cloned());
        facts.warnings.extend(beyond(&intensities, recipes));
        Self { dims: volume.dims, affine: volume.affine, facts, intensities }
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
) -> Result<(ViewedSeries, Vec<ViewTensor>), IngestError> {
    make_views_with_sums(source, acquisition, options, recipes, None)
}

/// As [`make_views`]; the sums of what is read go to `sums`.
pub(super) fn make_views_with_sums(
    source: &SeriesSource,
    acquisition: &Acquisition,
    options: &ReadOptions,
    recipes: &[Recipe],
    sums: Option<&SourceSums>,
) -> Result<(ViewedSeries, Vec<ViewTensor>), IngestError> {
    let image = if let SeriesSource::Nifti(path) = source {
        let file = OpenedNifti::new(path, options.limit, options.first_frame(), sums)?;
        if file.bytes as u64 > options.slab_above {
            return in_slabs(file, acquisition, options, recipes, SLAB);
        }
        nifti_image(file, acquisition, options)?
    } else {
        read_with_sums(source, acquisition, options, sums)?
    };
    check_unit(&image.facts, recipes)?;
    check_sizes(&image.volume, options, recipes)?;
    let (intensities, tensors) = rayon::join(
        || assess(&image.volume, &image.facts.unit),
        || recipes.iter().map(|recipe| make_view(&image.volume, recipe)).collect(),
    );
    Ok((ViewedSeries::new(image, intensities, recipes), tensors))
}

/// Refuses a series whose unit is not that of a view's window.
fn check_unit(facts: &SeriesFacts, recipes: &[Recipe]) -> Result<(), IngestError> {
    if facts.unit == "HU" || recipes.iter().all(Recipe::takes_any_unit) {
        return Ok(());
    }
    let unit = if facts.unit.is_empty() { "not named" } else { &facts.unit };
    let detail = format!(
        "the unit of its values is {unit} (modality `{}`), and a view's window is in Hounsfield units",
        facts.modality
    );
    Err(IngestError::new(Reason::OtherUnit, detail))
}

/// That values lie beyond what a view of 16 bits holds, in words.
fn beyond(intensities: &Intensities, recipes: &[Recipe]) -> Option<String> {
    let (low, high) = (f64::from(i16::MIN), f64::from(i16::MAX));
    let Statistics { min, max, .. } = intensities.statistics;
    let holds_all = |recipe: &Recipe| recipe.takes_any_unit() && recipe.dtype == VoxelType::I16;
    (recipes.iter().any(holds_all) && (min < low || max > high)).then(|| {
        format!("values run from {min:.0} to {max:.0}: what does not fit into 16 bits is cut at {low} or {high}")
    })
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
    mut file: OpenedNifti<'_>,
    acquisition: &Acquisition,
    options: &ReadOptions,
    recipes: &[Recipe],
    slab: usize,
) -> Result<(ViewedSeries, Vec<ViewTensor>), IngestError> {
    let mut survey = Survey::new(file.count());
    let found = file.read_slabs(slab, None, &mut |voxels| survey.take(&voxels))?;
    let has_gaps = found.nan_fraction > 0.0;
    let image = nifti_series(found, acquisition, options)?;
    let fill = has_gaps.then(|| fill_value(image.volume.rescale, image.facts.unit == "HU"));
    if has_gaps {
        // What is no number takes a value that is known only now.
        survey = Survey::new(file.count());
        file.read_slabs(slab, fill, &mut |voxels| survey.take(&voxels))?;
    }
    check_unit(&image.facts, recipes)?;
    let whole_only = |problem: &dyn std::fmt::Display| {
        IngestError::new(
            Reason::TooLarge,
            format!("{problem}; raise `[limits] slab_above_mib` to hold this volume"),
        )
    };
    let is_tilted = image.facts.geometry.verdict == GeometryVerdict::Tilted;
    if is_tilted && options.geometry.tilt == Remedy::Repair {
        return Err(whole_only(&"mending a tilt needs the whole volume in memory"));
    }
    let image = remedy_tilt(image, options.geometry)?;
    let Volume { dims, affine, rescale, .. } = image.volume;
    let is_constant = survey.is_constant();
    let intensities = survey.finish(rescale, &image.facts.unit);
    if is_constant {
        return Err(constant(intensities.statistics.min));
    }
    check_sizes(&image.volume, options, recipes)?;
    let mut views = Vec::with_capacity(recipes.len());
    for recipe in recipes {
        let view = SlabView::new(dims, affine, rescale, recipe);
        views.push(view.map_err(|error| whole_only(&error))?);
    }
    file.read_slabs(slab, fill, &mut |voxels| {
        if let Some((last, others)) = views.split_last_mut() {
            for view in others {
                view.push(voxels.clone());
            }
            last.push(voxels);
        }
    })?;
    let tensors = views.into_iter().map(SlabView::finish).collect();
    Ok((ViewedSeries::new(image, intensities, recipes), tensors))
}

#[cfg(test)]
mod tests {
    use schemas::lock::SourceObject;
    use schemas::manifest::{GeometryPolicy, LimitsSection, Preset};

    use super::*;
    use crate::files::{sha256_file, write_atomically};
    use crate::ingest::nifti;

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
            let file = OpenedNifti::new(&path, options.limit, options.first_frame(), None)?;
            in_slabs(file, &Acquisition::default(), options, recipes, slab)
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

    #[test]
    fn a_file_is_read_once_for_its_voxels_and_its_sum() {
        let folder = tempfile::tempdir().expect("a folder");
        let affine =
            Affine::from_columns([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.5]], [0.0; 3]);
        let bytes: Vec<u8> = (0..64 * 50 * 40)
            .flat_map(|at: i32| (((at * 7919) % 3001) as i16 - 1400).to_le_bytes())
            .collect();
        let options = ReadOptions::with_limits(&LimitsSection::default());
        let recipes = [Preset::Mg3d.recipe()];
        let plain = folder.path().join("a.nii");
        let zipped = folder.path().join("b.nii.gz");
        let members = folder.path().join("c.nii.gz");
        let trailing = folder.path().join("d.nii");
        let cut = folder.path().join("e.nii.gz");
        for path in [&plain, &zipped] {
            nifti::write(path, &bytes, 4, [64, 50, 40, 1], affine).expect("writes");
        }
        let stored = std::fs::read(&plain).expect("reads");
        // Two members, and bytes after the voxels: what no fast way of decoding takes.
        let mut two = Vec::new();
        for half in stored.chunks(stored.len() / 2 + 1) {
            let mut encoder = flate2::write::GzEncoder::new(two, flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, half).expect("encodes");
            two = encoder.finish().expect("encodes");
        }
        write_atomically(&members, &two).expect("writes");
        write_atomically(&trailing, &[&stored[..], &vec![7; 300_000]].concat()).expect("writes");
        write_atomically(&cut, &two[..two.len() - 200]).expect("writes");
        // As in a run over a corpus, in a pool.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
        for (path, slab_above) in [
            (&plain, u64::MAX),
            (&zipped, u64::MAX),
            (&members, u64::MAX),
            (&trailing, u64::MAX),
            (&cut, u64::MAX),
            (&plain, 0),
        ] {
            let sums = SourceSums::default();
            let source = SeriesSource::Nifti(path.clone());
            let options = ReadOptions { slab_above, ..options };
            let made = pool.install(|| {
                make_views_with_sums(
                    &source,
                    &Acquisition::default(),
                    &options,
                    &recipes,
                    Some(&sums),
                )
            });
            assert_eq!(made.is_ok(), path != &cut, "{}", path.display());
            let size = std::fs::metadata(path).expect("is there").len();
            let (sha256, bytes) = sha256_file(path).expect("reads");
            assert_eq!(sums.sum(path).expect("is known"), SourceObject { bytes, sha256 });
            // Slabs cost a second pass; their first 64 KiB stay in memory.
            let expected = if slab_above == 0 { 2 * size - (1 << 16) } else { size };
            assert_eq!(sums.bytes_read(), expected, "{}", path.display());
        }
    }
}
