//! Reads a series and says what it is: `cargo run -p radloom-pipeline --example read_series -- FILE.nii.gz`
//! A folder is read as one DICOM series.

#![expect(clippy::print_stdout, reason = "an example shows what it reads")]

use std::error::Error;
use std::path::PathBuf;

use radloom_pipeline::ingest::{Acquisition, ReadOptions, SeriesSource, files_below, read_series};
use schemas::manifest::LimitsSection;

fn main() -> Result<(), Box<dyn Error>> {
    let path =
        std::env::args_os().nth(1).map(PathBuf::from).ok_or("name a NIfTI file or a folder")?;
    let source = if path.is_dir() {
        SeriesSource::Dicom(files_below(&path)?)
    } else {
        SeriesSource::Nifti(path)
    };
    // What is known of the series besides its files: a slope and intercept from a table, say. Here: nothing.
    let acquisition = Acquisition::default();
    let options = ReadOptions::with_limits(&LimitsSection::default());
    let image = read_series(&source, &acquisition, &options)?;
    println!("format      {}", source.format());
    println!("size        {:?} (x, y, z)", image.volume.dims);
    println!("spacing     {:?} mm", image.volume.affine.spacing());
    println!("orientation {}", image.volume.affine.axis_codes());
    for warning in &image.facts.warnings {
        println!("warning     {warning}");
    }
    Ok(())
}
