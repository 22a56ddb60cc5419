//! The loader room: batches of a release, in an order that is a pure function of a seed.
//!
//! - [`Dataset`] opens a release: its samples of one view, their reports, and how sentences relate.
//! - [`Order`] gives the sample at each position; no thread, rank or host enters into it.
//! - [`Loader`] fetches ahead with threads into a ring of slots and hands out [`Batch`]es in order; a slot goes
//!   back to the ring when it is dropped, be it by a device.
//! - [`Sequential`] hands out every sample once, in order.
//! - [`ResumeToken`] is the position the optimizer consumed, with what it must match to be used.

mod batch;
mod claims;
mod config;
mod data_order;
mod dataset;
mod mirror;
mod order;
mod prefetch;
mod ring;
mod sample;
mod sequential;
mod similarity;
#[cfg(test)]
mod tests;
mod texts;
mod token;

pub use batch::Batch;
pub use config::{LoaderConfig, LoaderError, Metrics};
pub use data_order::data_order;
pub use dataset::{Dataset, DatasetError, StoredSeries, StoredStudy};
pub use order::{Order, OrderPlan, OrderedStudy, Place, RankShare};
pub use prefetch::Loader;
pub use ring::Slot;
pub use sequential::Sequential;
pub use token::{ResumeToken, TokenError};
