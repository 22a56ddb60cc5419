//! Headers in text of images whose voxels may lie in a file of their own: NRRD and `MetaImage`.

use std::path::{Path, PathBuf};

use nifti::Endianness;
use schemas::reason::Reason;

use crate::ingest::IngestError;

/// Longest header in text that is read.
pub(crate) const MAX_TEXT_BYTES: usize = 1 << 16;

/// What a header in text says of the voxels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TextHeader {
    pub(crate) dims: [usize; 3],
    /// NIfTI's code of the datatype.
    pub(crate) datatype: i16,
    pub(crate) little: bool,
    pub(crate) packing: Packing,
    /// The file that the voxels lie in; none where they follow the header.
    pub(crate) data_file: Option<PathBuf>,
    /// Bytes before the voxels in that file; after the header where they follow it.
    pub(crate) skip: u64,
    /// Where the image lies; none where the header names no space.
    pub(crate) placed: Option<Placed>,
    /// Steps along the axes, in mm, where the header has them.
    pub(crate) spacing: Option<[f64; 3]>,
}

/// Directions of the axes times their steps, and the place of the first voxel, in LPS and mm.
pub(crate) type Placed = ([[f64; 3]; 3], [f64; 3]);

/// How the voxels are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    None,
    /// Gzip or zlib, told by the first bytes.
    Deflated,
}

impl TextHeader {
    pub(crate) fn endianness(&self) -> Endianness {
        if self.little { Endianness::Little } else { Endianness::Big }
    }
}

/// A refusal that names the field of a header.
pub(crate) fn refuse(reason: Reason, field: &str, problem: &str) -> IngestError {
    IngestError::new(reason, format!("`{field}` {problem}"))
}

/// The numbers in a text, whatever stands between them; none where a part is no finite number.
pub(crate) fn numbers(text: &str) -> Option<Vec<f64>> {
    text.split(|letter: char| letter.is_whitespace() || "(),;".contains(letter))
        .filter(|part| !part.is_empty())
        .map(|part| part.parse::<f64>().ok().filter(|number| number.is_finite()))
        .collect()
}

/// Three numbers in a text.
pub(crate) fn three(text: &str) -> Option<[f64; 3]> {
    numbers(text)?.try_into().ok()
}

/// Sizes of three axes.
pub(crate) fn sizes(field: &str, text: &str) -> Result<[usize; 3], IngestError> {
    let sizes = numbers(text).filter(|sizes| {
        sizes.iter().all(|size| (1.0..=f64::from(1 << 20)).contains(size) && size.fract() == 0.0)
    });
    let Some(sizes) = sizes else {
        return Err(refuse(Reason::VolumeCorrupt, field, &format!("is `{text}`, no sizes")));
    };
    let sizes: Vec<usize> = sizes.into_iter().map(|size| size as usize).collect();
    match sizes[..] {
        [x, y, z] if ![x, y, z].contains(&1) => Ok([x, y, z]),
        _ => {
            let problem = format!("is {sizes:?}, not those of one 3D image");
            Err(refuse(Reason::NotAVolume, field, &problem))
        }
    }
}

/// A file that a header at `header` names beside it. A name that leads out of its folder is refused.
pub(crate) fn beside(header: &Path, field: &str, name: &str) -> Result<PathBuf, IngestError> {
    let name = Path::new(name);
    let plain = name
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir));
    if !plain || name.as_os_str().is_empty() {
        let problem = format!("is `{}`, no file in the header's folder", name.display());
        return Err(refuse(Reason::VolumeUnsupported, field, &problem));
    }
    Ok(header.with_file_name(name))
}
