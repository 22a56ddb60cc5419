//! Plans a corpus and makes its release: `cargo run -p radloom-pipeline --example curate -- manifests/quickstart.toml`

#![expect(clippy::print_stdout, reason = "an example shows what it reads")]

use std::error::Error;
use std::path::Path;

use radloom_pipeline::execute::{Cancel, NoObserver, Options, curate};
use radloom_pipeline::plan::survey;
use schemas::manifest::{Overrides, load};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("name a manifest")?;
    let manifest = load(Path::new(&path), &Overrides::default())?;
    let plan = survey(&manifest)?;
    println!("plan      {} studies, {} left out", plan.studies.len(), plan.excluded.len());
    let curation = curate(&manifest, &Options::default(), &NoObserver, &Cancel::default())?;
    println!("release   {}", curation.release.display());
    println!("included  {} of {} volumes", curation.included, curation.volumes);
    Ok(())
}
