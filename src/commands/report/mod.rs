//! `radloom report`: reports into graphs, one JSON object per line, and other views of them.
//!
//! Reports are read in windows. While one is parsed on all threads the next is read, and what comes
//! out is written in the order of the file: the same bytes at any thread count, in memory that does
//! not grow with the file.

mod audit;
mod coverage;
mod explain;
mod forms;
mod identifiers;
mod lint;
mod outline;
mod rules;
mod run;
mod source;
mod tables;

pub(super) use forms::FORMS;
pub(super) use run::run;
