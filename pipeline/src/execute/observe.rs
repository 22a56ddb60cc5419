//! Progress and cancellation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Parts of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Listing the corpus.
    Plan,
    /// Volumes into shards.
    Volumes,
    /// Reports into tables.
    Reports,
    /// Sentences into vectors, where the manifest names an encoder.
    Sentences,
    /// Hashing and sealing.
    Seal,
    /// Checking the sealed release.
    Verify,
}

impl Stage {
    /// What the stage does, for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Plan => "planning",
            Self::Volumes => "volumes into shards",
            Self::Reports => "reports into tables",
            Self::Sentences => "sentences into vectors",
            Self::Seal => "sealing the release",
            Self::Verify => "verifying the release",
        }
    }
}

/// Receives what a run does. Called from the thread that runs it.
pub trait Observer {
    /// A stage with `total` items begins.
    fn begin(&self, stage: Stage, total: u64);
    /// `count` more items of the stage are done.
    fn advance(&self, count: u64);
    /// The stage is over.
    fn end(&self);
    /// An input was left out.
    fn excluded(&self, source: &str, reason: &str, detail: &str);
    /// Something that the user should know and need not act on.
    fn notice(&self, text: &str);
}

/// Passes over everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn begin(&self, _stage: Stage, _total: u64) {}
    fn advance(&self, _count: u64) {}
    fn end(&self) {}
    fn excluded(&self, _source: &str, _reason: &str, _detail: &str) {}
    fn notice(&self, _text: &str) {}
}

/// A flag that asks a run to stop at the next point where it can be resumed.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// The flag itself, for a signal handler.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether stopping was asked for.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
