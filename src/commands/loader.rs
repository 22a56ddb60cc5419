//! `radloom loader bench`: throughput, stalls and the hash of the order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline::loader::{Dataset, Loader, LoaderConfig, Metrics, OrderPlan, RankShare, data_order};
use pipeline::release::{TableReader, release_at};
use schemas::manifest::train::{CropDraw, InputSection, OrderSection};
use schemas::split::Split;
use schemas::study::BatchStudy;
use serde_json::json;

use crate::cli::{BenchArgs, Common, LoaderVerb};
use crate::failure::{DONE, Failure};
use crate::progress::print;
use crate::settings::use_threads;
use crate::usage;

pub(super) fn run(verb: &LoaderVerb, common: &Common) -> Result<u8, Failure> {
    let LoaderVerb::Bench(args) = verb;
    use_threads(common.threads.unwrap_or(0))?;
    bench(args, common)
}

fn bench(args: &BenchArgs, common: &Common) -> Result<u8, Failure> {
    let release = release_at(&args.dir)?;
    let view = match &args.view {
        Some(view) => view.clone(),
        None => TableReader::open(&release, "index")?
            .texts("view")?
            .into_iter()
            .next()
            .unwrap_or_default(),
    };
    let split = Split::from_name(&args.split).ok_or_else(|| {
        Failure::Usage(format!("`--split {}`: use `train`, `val` or `test`", args.split))
    })?;
    let threads = match common.threads {
        Some(threads) if threads > 0 => threads as usize,
        _ => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    let dataset = Arc::new(Dataset::open(&release, &view, split)?);
    let BenchArgs { distinct, tail, series, bucket, .. } = *args;
    let rules = OrderSection { distinct, tail, series, bucket };
    let BenchArgs { verify, damaged, .. } = *args;
    let input = InputSection { crops: crops(args)?, verify, damaged, ..InputSection::default() };
    let plan = OrderPlan { seed: args.seed, batch: args.batch, rules };
    let batch = args.batch.max(1);
    let positions = data_order(&dataset, OrderPlan { batch, ..plan })?.epoch_positions();
    let batches = (args.epochs * positions).div_ceil(batch as u64);
    let (start, cpu) = (Instant::now(), usage::cpu_seconds());
    let (mut total, mut sum) = (Metrics::default(), 0_u64);
    let mut hashes = Vec::new();
    for rank in 0..args.ranks {
        let config = LoaderConfig {
            plan,
            input,
            share: RankShare { rank, world_size: args.ranks },
            threads,
            ring_bytes: args.ring_mib << 20,
            position: 0,
            batches: Some(batches),
        };
        let mut loader = Loader::start(Arc::clone(&dataset), config)?;
        let mut ids = Vec::new();
        while let Some(batch) = loader.next_batch()? {
            // Touches what a consumer would touch: one byte of every page.
            sum +=
                batch.slot.bytes().iter().step_by(4096).map(|&byte| u64::from(byte)).sum::<u64>();
            std::thread::sleep(Duration::from_millis(args.step_ms));
            ids.push(batch.studies);
        }
        total.add(&loader.metrics());
        hashes.push(ids);
    }
    let wall = start.elapsed().as_secs_f64();
    let gigabytes = total.bytes as f64 / 1e9;
    let per_gigabyte = |seconds: f64| seconds / gigabytes.max(1e-9);
    let value = json!({
        "samples_per_s": total.samples as f64 / wall,
        "gb_per_s": gigabytes / wall,
        "cpu_s_per_gb": per_gigabyte(usage::cpu_seconds() - cpu),
        "hash_s_per_gb": per_gigabyte(total.hashing.as_secs_f64()),
        "copy_s_per_gb": per_gigabyte(total.copying.as_secs_f64()),
        "stall_percent": 100.0 * total.waited.as_secs_f64() / wall,
        "amplification": total.bytes_read as f64 / total.bytes.max(1) as f64,
        "padding_percent": total.padding_percent(),
        "damaged": total.damaged,
        "shards_per_batch": total.shards as f64 / total.batches.max(1) as f64,
        "peak_rss_bytes": usage::peak_memory(),
        "order_hash": order_hash(&hashes),
        "epochs": args.epochs,
        "ranks": args.ranks,
        "threads": threads,
        "batch": args.batch,
    });
    std::hint::black_box(sum);
    if common.json {
        print(&value.to_string());
    } else {
        for (key, item) in value.as_object().into_iter().flatten() {
            print(&format!("{key:16} {item}"));
        }
    }
    Ok(DONE)
}

/// The boxes that the options ask for.
fn crops(args: &BenchArgs) -> Result<Option<CropDraw>, Failure> {
    let Some(count) = args.crops else { return Ok(None) };
    let size = <[u32; 3]>::try_from(args.crop_size.as_slice()).map_err(|_| {
        Failure::Usage("`--crop-size` takes three numbers, such as `96,96,96`".into())
    })?;
    Ok(Some(CropDraw { count, size, place: args.crop_place }))
}

/// Hash of the sample ids, global batch by global batch and in rank order within each, so that it is
/// the same for any number of ranks and threads.
fn order_hash(ranks: &[Vec<Vec<BatchStudy>>]) -> String {
    let batches = ranks.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for batch in 0..batches {
        let studies = ranks.iter().filter_map(|rank| rank.get(batch)).flatten();
        for series in studies.flat_map(|study| &study.series) {
            text += series.record.sample_id.as_str();
            text.push('\n');
        }
    }
    pipeline::files::sha256_bytes(text.as_bytes())[..16].to_owned()
}
