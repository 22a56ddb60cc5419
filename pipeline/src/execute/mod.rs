//! The execute room: units are run on this machine's threads, outcomes committed, the release sealed.
//!
//! - [`curate`] does the whole of it and resumes what is unfinished.
//! - [`ReportTables`] writes every table made from reports, of a corpus or of a file.
//! - [`make_views`] takes one series from its files to tensors.
//! - An [`Executor`] runs units; [`LocalThreads`] is the one on this machine.
//! - [`Observer`] is told what is going on; [`Cancel`] stops it between two studies.
//! - [`schemas::outcome::UnitOutcome`] is what a unit leaves behind; it is committed last, so that a unit without one is
//!   run again.

mod curate;
mod error;
mod executor;
mod in_order;
mod observe;
mod outcome;
mod output;
mod report_tables;
mod reports;
mod reuse;
mod run_error;
mod unit;
mod views;

pub use curate::{Curation, Options, curate};
pub use error::CurateError;
pub use executor::{Context, Ended, Executor, LocalThreads};
pub use observe::{Cancel, NoObserver, Observer, Stage};
pub use report_tables::{ReportCounts, ReportTables, ReportTablesError};
pub use run_error::RunError;
pub use views::{ViewedSeries, make_views};

/// Sizes the pool of worker threads that every room shares; 0 means one for each processor.
///
/// # Errors
///
/// The pool's own words when it was sized differently before in this process.
pub fn use_threads(threads: usize) -> Result<(), String> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().or_else(|error| {
        let same = threads == 0 || rayon::current_num_threads() == threads;
        if same { Ok(()) } else { Err(error.to_string()) }
    })
}
