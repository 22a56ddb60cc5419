//! `radloom phantom`.

use std::sync::mpsc;
use std::time::Instant;

use pipeline::execute::Observer;
use pipeline::phantom::{PhantomOptions, PhantomSummary, make};
use serde_json::json;

use crate::cli::{Common, PhantomArgs};
use crate::failure::{DONE, Failure};
use crate::progress::{Progress, print};
use crate::settings::use_threads;

pub(super) fn run(args: &PhantomArgs, common: &Common) -> Result<u8, Failure> {
    let start = Instant::now();
    let options = PhantomOptions {
        studies: args.studies,
        seed: args.seed,
        size: args.size,
        faults: args.faults,
    };
    let progress = Progress::new(common.quiet);
    progress.begin_titled("painting", options.studies as u64);
    use_threads(common.threads.unwrap_or(0))?;
    let (sender, receiver) = mpsc::channel();
    let summary = std::thread::scope(|scope| {
        // The sender goes with the work, so that the loop ends when that does.
        let work =
            scope.spawn(move || make(&args.folder, &options, &|| sender.send(()).unwrap_or(())));
        for () in receiver {
            progress.advance(1);
        }
        work.join().expect("a panic of the painting ends the program before")
    })?;
    progress.end();
    let wall = start.elapsed().as_secs_f64();
    if common.json {
        let mut value = json!(summary);
        value["wall_s"] = json!(wall);
        print(&value.to_string());
    } else if !common.quiet {
        let PhantomSummary { folder, patients, studies, volumes, findings, faults } = summary;
        print(&format!(
            "phantom   {studies} studies of {patients} patients in `{}`: {volumes} volumes, {findings} findings, \
             {faults} faults",
            folder.display()
        ));
        print(&format!("took      {wall:.1} s"));
    }
    Ok(DONE)
}
