//! `radloom phantom`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pipeline::execute::Observer;
use pipeline::phantom::{PhantomError, PhantomOptions, PhantomSummary, make};
use serde_json::json;

use crate::cli::{Common, PhantomArgs};
use crate::failure::{DONE, Failure};
use crate::progress::{Progress, print};
use crate::settings::use_threads;

/// Time between two looks at how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

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
    let done = AtomicU64::new(0);
    use_threads(common.threads.unwrap_or(0))?;
    let summary = std::thread::scope(|scope| -> Result<PhantomSummary, Failure> {
        let work = scope.spawn(|| {
            let count = || {
                done.fetch_add(1, Ordering::Relaxed);
            };
            make(&args.folder, &options, &count)
        });
        let mut shown = 0;
        while !work.is_finished() {
            std::thread::sleep(LOOK_EVERY);
            let now = done.load(Ordering::Relaxed);
            progress.advance(now - shown);
            shown = now;
        }
        Ok(work.join().expect("a panic of the painting ends the program before")?)
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

impl From<PhantomError> for Failure {
    fn from(error: PhantomError) -> Self {
        match error {
            PhantomError::Write { path, source } => Self::Io { path, source },
            error => Self::Usage(error.to_string()),
        }
    }
}
