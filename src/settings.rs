//! What several verbs need: the manifest with the command line applied, threads, and the signal.

use std::sync::atomic::{AtomicUsize, Ordering};

use pipeline::execute::Cancel;
use schemas::manifest::{self, Manifest, Overrides};

use crate::cli::{Common, ManifestArgs};
use crate::failure::{Failure, INTERRUPTED};
use crate::progress;

/// The manifest of `args`, with `--set`, `--out` and `--threads` applied.
pub(crate) fn manifest(args: &ManifestArgs, common: &Common) -> Result<Manifest, Failure> {
    let mut manifest = manifest::load(&args.manifest, &Overrides(args.set.clone()))?;
    if let Some(out) = &args.out {
        manifest.release.out.clone_from(out);
    }
    if let Some(threads) = common.threads {
        manifest.limits.threads = threads;
    }
    pipeline::plan::layout::of(&manifest)?;
    use_threads(manifest.limits.threads)?;
    Ok(manifest)
}

/// Sizes the pool of worker threads, once a process.
pub(crate) fn use_threads(threads: u32) -> Result<(), Failure> {
    pipeline::execute::use_threads(threads as usize)
        .map_err(|problem| Failure::Usage(format!("`--threads {threads}`: {problem}")))
}

/// A flag that Ctrl-C sets. The first one lets the work in hand be put down so that it can be
/// resumed; a second one ends the process at once.
pub(crate) fn cancel_on_signal() -> Cancel {
    let cancel = Cancel::default();
    let flag = cancel.flag();
    let count = AtomicUsize::new(0);
    // Only fails when a handler is there already, which is this one.
    ctrlc::set_handler(move || {
        flag.store(true, Ordering::Relaxed);
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            progress::say("stopping; press Ctrl-C again to stop at once");
        } else {
            #[expect(clippy::exit, reason = "the user asked twice; state on disk is always whole")]
            std::process::exit(i32::from(INTERRUPTED));
        }
    })
    .ok();
    cancel
}

/// Worker threads that a manifest's `[limits] threads` stands for.
pub(crate) fn thread_count(threads: u32) -> usize {
    match threads {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        threads => threads as usize,
    }
}
