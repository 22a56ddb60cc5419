//! Where units are run.

use std::io;
use std::path::Path;

use schemas::manifest::Manifest;
use schemas::outcome::UnitOutcome;

use super::observe::{Cancel, Observer};
use super::run_error::RunError;
use super::unit::run_unit;
use crate::plan::{Unit, View};

/// What every unit of a run needs besides itself.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The manifest, with its paths resolved.
    pub manifest: &'a Manifest,
    /// Its views.
    pub views: &'a [View],
    /// The folder below which `shards/` is written.
    pub release: &'a Path,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every unit has its outcome.
    Complete,
    /// The run was asked to stop.
    Interrupted,
}

/// Runs units: on this machine's threads, or wherever else an implementation sends them.
pub trait Executor: Sync {
    /// Runs `units` and calls `done` with each unit's place and outcome, in the order of the units, from the calling
    /// thread. The shards of an outcome are on disk below `context.release` before `done` is called.
    ///
    /// # Errors
    ///
    /// [`RunError`]; errors of `done` are those of writing.
    fn run(
        &self,
        units: &[&Unit],
        context: &Context<'_>,
        observer: &dyn Observer,
        cancel: &Cancel,
        done: &mut dyn FnMut(usize, UnitOutcome) -> io::Result<()>,
    ) -> Result<Ended, RunError>;
}

/// This machine's threads: one unit after the other, the series of a unit in parallel.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalThreads;

impl Executor for LocalThreads {
    fn run(
        &self,
        units: &[&Unit],
        context: &Context<'_>,
        observer: &dyn Observer,
        cancel: &Cancel,
        done: &mut dyn FnMut(usize, UnitOutcome) -> io::Result<()>,
    ) -> Result<Ended, RunError> {
        let Context { manifest, views, release } = *context;
        for (place, unit) in units.iter().enumerate() {
            match run_unit(unit, manifest, views, release, observer, cancel)? {
                Some(outcome) => done(place, outcome)?,
                None => return Ok(Ended::Interrupted),
            }
        }
        Ok(Ended::Complete)
    }
}
