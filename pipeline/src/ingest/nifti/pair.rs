//! A header and an image in two files, found from either.

use std::path::{Path, PathBuf};

use schemas::reason::Reason;

use crate::ingest::IngestError;

/// The extension in lower case, `.gz` left out.
pub(crate) fn extension(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map(|(_, extension)| extension.to_owned()).unwrap_or_default()
}

/// The other file of a header and image pair, whichever case and compression it has.
fn sibling(path: &Path, wanted: &str) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let plain = name.strip_suffix(".gz").unwrap_or(name);
    let stem = plain.rsplit_once('.')?.0;
    let upper = wanted.to_uppercase();
    [wanted, &upper]
        .iter()
        .flat_map(|extension| [format!("{stem}.{extension}"), format!("{stem}.{extension}.gz")])
        .map(|name| path.with_file_name(name))
        .find(|candidate| candidate.is_file())
}

/// The file that holds the header.
pub(crate) fn header_path(path: &Path) -> PathBuf {
    let image = extension(path) == "img";
    image.then(|| sibling(path, "hdr")).flatten().unwrap_or_else(|| path.to_owned())
}

/// The file that holds the voxels.
pub(crate) fn image_path(path: &Path) -> Result<PathBuf, IngestError> {
    if extension(path) == "img" {
        return Ok(path.to_owned());
    }
    sibling(path, "img").ok_or_else(|| {
        IngestError::new(
            Reason::VolumeTruncated,
            "the header says that voxels lie in an `.img` file beside it, and there is none",
        )
    })
}
