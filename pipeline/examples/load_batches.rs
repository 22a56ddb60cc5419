//! Loads one epoch of a release: `cargo run -p radloom-pipeline --example load_batches -- out/quickstart/release mg3d`

#![expect(clippy::print_stdout, reason = "an example shows what it reads")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use radloom_pipeline::loader::{Dataset, Loader, LoaderConfig, OrderPlan, RankShare};
use schemas::manifest::train::{InputSection, OrderSection};
use schemas::split::Split;

/// Studies of a batch.
const BATCH: usize = 2;
/// Memory for batches that are loaded ahead.
const RING_BYTES: usize = 256 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (release, view) =
        arguments.next().zip(arguments.next()).ok_or("name a release and a view")?;
    let dataset = Arc::new(Dataset::open(Path::new(&release), &view, Split::Train)?);
    let batches = dataset.studies.len().div_ceil(BATCH) as u64;
    let config = LoaderConfig {
        plan: OrderPlan { seed: 0, batch: BATCH, rules: OrderSection::default() },
        input: InputSection::default(),
        share: RankShare { rank: 0, world_size: 1 },
        threads: 2,
        ring_bytes: RING_BYTES,
        position: 0,
        batches: Some(batches),
    };
    let mut loader = Loader::start(dataset, config)?;
    while let Some(batch) = loader.next_batch()? {
        let ids: Vec<_> =
            batch.studies.iter().map(|study| study.record.study_id.as_str()).collect();
        println!("{} bytes of {ids:?}", batch.slot.bytes().len());
    }
    Ok(())
}
