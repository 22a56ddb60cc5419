//! A synthetic corpus of chest CT in the layout of CT-RATE: volumes whose findings are painted, reports that say
//! what was painted, and the truth beside them.
//!
//! The same options give the same bytes. See `docs/phantom.md` for what is painted, how it varies and how hard the
//! corpus is.

mod acquisition;
mod anatomy;
mod corpus;
mod fault;
mod finding;
mod grid;
mod made;
mod options;
mod paint;
mod patients;
mod report;
mod tables;

#[cfg(test)]
mod tests;

pub use corpus::make;
pub use options::{PhantomError, PhantomOptions, PhantomSummary};
