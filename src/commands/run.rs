//! `radloom run`: everything the manifest asks for.

use std::time::Instant;

use model::device::DeviceChoice;
use serde_json::{Value, json};

use super::{curate, evaluate, show, train};
use crate::cli::{Common, CurateArgs};
use crate::failure::Failure;
use crate::progress::{Progress, print};
use crate::settings;
use crate::usage;

pub(super) fn run(args: &CurateArgs, common: &Common) -> Result<u8, Failure> {
    let start = Instant::now();
    let CurateArgs { manifest: args, reuse } = args;
    let manifest = settings::manifest(args, common)?;
    let device: DeviceChoice = args.device.parse()?;
    train::check(&manifest)?;
    evaluate::check(&manifest)?;
    let progress = Progress::new(common.quiet);
    let cancel = settings::cancel_on_signal();
    let curation = curate::release(&manifest, reuse, device, &progress, &cancel)?;
    let mut lines = curate::summary_lines(&curation);
    let mut summary = curate::summary_json(&curation, start);
    // What is downstream of the training is made again only when the training moved.
    let mut moved = !curation.unchanged;
    if manifest.train.is_some() {
        let trained = train::train(&manifest, device, &progress, &cancel, &mut |_| {})?;
        moved |= trained.step != trained.resumed_from;
        lines.push(trained.line());
        summary.insert("checkpoint".into(), json!(trained.checkpoint));
    }
    if manifest.evaluate.is_some() {
        if moved || !evaluate::file(&manifest).is_file() {
            let report = evaluate::evaluate(&manifest, device, &progress)?;
            lines.push(String::new());
            lines.extend(evaluate::table(&report));
            lines.push(String::new());
            moved = true;
        }
        lines.push(format!("metrics   `{}`", evaluate::file(&manifest).display()));
    }
    let gallery = manifest.release.out.join("gallery");
    let page = if moved || !gallery.join("index.html").is_file() {
        show::write(&curation.release, &manifest.release.out, &gallery)?
    } else {
        gallery.join("index.html")
    };
    lines.push(format!("page      `{}`", page.display()));
    let wall = start.elapsed().as_secs_f64();
    lines.push(format!(
        "took      {wall:.1} s, {:.0} MiB at most",
        usage::peak_memory() as f64 / f64::from(1 << 20)
    ));
    summary.insert("gallery".into(), json!(page));
    summary.insert("wall_s".into(), json!(wall));
    summary.insert("peak_rss_bytes".into(), json!(usage::peak_memory()));
    if common.json {
        print(&Value::Object(summary).to_string());
    } else if !common.quiet {
        for line in &lines {
            print(line);
        }
    }
    Ok(curate::exit_code(args, &curation))
}
