//! One study, from its facts to its files.

use std::io;
use std::path::Path;

use ::nifti::NiftiType;

use super::acquisition::Reconstruction;
use super::fault::Fault;
use super::finding::Kind;
use super::grid::Grid;
use super::options::{PhantomError, PhantomOptions};
use super::paint;
use super::patients::Study;
use super::report::{Report, Wordings};
use crate::ingest::nifti;

/// Datatype codes of NIfTI.
const INT16: i16 = NiftiType::Int16 as i16;
const UINT8: i16 = NiftiType::Uint8 as i16;

/// One volume of a study, as its rows of the tables need it.
#[derive(Debug)]
pub(super) struct MadeVolume {
    pub(super) name: String,
    pub(super) kernel: &'static str,
    pub(super) spacing: [f32; 3],
    pub(super) fault: Option<Fault>,
}

/// One study with its report and volumes.
#[derive(Debug)]
pub(super) struct MadeStudy {
    pub(super) study: Study,
    pub(super) report: Report,
    pub(super) volumes: Vec<MadeVolume>,
}

/// Paints a study, writes its volumes and masks, and its report.
pub(super) fn make_study(
    folder: &Path,
    options: &PhantomOptions,
    wordings: &Wordings,
    study: Study,
    fault: Option<Fault>,
) -> Result<MadeStudy, PhantomError> {
    let seed = options.seed;
    let report =
        wordings.report(&study.findings, study.is_later, &mut study.draws("phantom report", seed));
    let anatomy = study.anatomy(seed);
    let mut draws = study.draws("phantom scan", seed);
    let [width, height] =
        [anatomy.width() * draws.between(1.05, 1.35), draws.between(285.0, 330.0)];
    let middle = [22.0, 22.0, 18.0].map(|reach: f32| draws.between(-reach, reach));
    let edge = options.size;
    let spacing = [width, width, height].map(|extent| extent / edge as f32);
    let mut grid = Grid::new([edge; 3], spacing, middle);
    let effusion = study.finding(Kind::PericardialEffusion).map_or(0.0, |finding| finding.size);
    anatomy.paint(&mut grid, effusion);
    paint::paint(&mut grid, &anatomy, &study.findings);
    let is_sharp = draws.chance(0.4);
    let kernels = if study.has_second_kernel { vec![is_sharp, !is_sharp] } else { vec![is_sharp] };
    let mut volumes = Vec::new();
    for (index, sharp) in kernels.into_iter().enumerate() {
        let name = format!("{}_{}.nii.gz", study.name(), index + 1);
        let patient = format!("{}_{}", study.part.name(), study.patient);
        let path = folder
            .join("dataset")
            .join(study.part.name())
            .join(patient)
            .join(study.name())
            .join(&name);
        let reconstruction = Reconstruction::draw(sharp, &mut draws);
        let mut voxels = reconstruction.apply(&grid, &mut draws);
        let fault = fault.filter(|_| index == 0);
        if let Some(fault) = fault {
            fault.change_voxels(&mut voxels);
        }
        let shape = [edge, edge, edge, 1];
        let written = write_volume(&path, bytemuck::cast_slice(&voxels), INT16, shape, &grid)
            .and_then(|()| fault.map_or(Ok(()), |fault| fault.change_file(&path)));
        written.map_err(|source| PhantomError::Write { path: path.clone(), source })?;
        let mask = folder.join("truth").join("masks").join(&name);
        write_volume(&mask, &grid.mask, UINT8, shape, &grid)
            .map_err(|source| PhantomError::Write { path: mask.clone(), source })?;
        volumes.push(MadeVolume { name, kernel: reconstruction.kernel, spacing, fault });
    }
    Ok(MadeStudy { study, report, volumes })
}

fn write_volume(
    path: &Path,
    bytes: &[u8],
    datatype: i16,
    shape: [usize; 4],
    grid: &Grid,
) -> io::Result<()> {
    std::fs::create_dir_all(path.parent().expect("a volume lies in a folder"))?;
    nifti::write(path, bytes, datatype, shape, grid.affine())
}
