//! The HTML page of a release: pictures, marked reports, exclusions, the loss curve.

mod chart;
mod collect;
mod html;
pub(crate) mod montage;
mod training;

use std::path::Path;

use crate::failure::Failure;

pub(crate) use collect::Extras;

/// Series shown with pictures; a page of a thousand would help nobody.
const SHOWN: usize = 48;

/// Writes `index.html` and its pictures into `folder`.
pub(crate) fn write(release: &Path, extras: &Extras, folder: &Path) -> Result<(), Failure> {
    let page = collect::collect(release, SHOWN)?;
    std::fs::create_dir_all(folder).map_err(Failure::io(folder))?;
    for card in &page.cards {
        let picture = montage::render(release, card)?;
        let path = folder.join(&card.picture);
        pipeline::files::write_atomically(&path, &picture).map_err(Failure::io(path))?;
    }
    let path = folder.join("index.html");
    let text = html::render(&page, extras);
    pipeline::files::write_atomically(&path, text.as_bytes()).map_err(Failure::io(path))
}
