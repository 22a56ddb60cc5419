//! `radloom show`: the HTML page of a release.

use std::path::{Path, PathBuf};

use pipeline::release::release_at;
use schemas::manifest::is_address;

use super::train;
use crate::cli::{Common, ShowArgs};
use crate::failure::{DONE, Failure};
use crate::gallery::{self, Extras};
use crate::progress::print;

pub(super) fn run(args: &ShowArgs, common: &Common) -> Result<u8, Failure> {
    let release = release_at(&args.dir)?;
    // A release below an output folder has its training beside it; one by itself has none.
    let (out, default) = if is_address(&args.dir) {
        (release.as_path(), PathBuf::from("gallery"))
    } else if release == args.dir {
        let out = release.parent().unwrap_or(&release);
        (out, out.join("gallery"))
    } else {
        (args.dir.as_path(), args.dir.join("gallery"))
    };
    let folder = args.out.clone().unwrap_or(default);
    let page = write(&release, out, &folder)?;
    if common.json {
        print(&serde_json::json!({"gallery": page}).to_string());
    } else if !common.quiet {
        print(&format!("page      `{}`", page.display()));
    }
    Ok(DONE)
}

/// Writes the page of `release`, with training and evaluation of the output folder `out`.
pub(super) fn write(release: &Path, out: &Path, folder: &Path) -> Result<PathBuf, Failure> {
    let extras = Extras {
        steps: train::logged_steps(&out.join("train")),
        evaluation: std::fs::read(out.join("evaluation.json"))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok()),
    };
    gallery::write(release, &extras, folder)?;
    Ok(folder.join("index.html"))
}
