//! The loader room: batches of a release, in an order that is a pure function of a seed.
//!
//! - [`Dataset`] opens a release: its samples of one view, their reports, and how sentences relate.
//! - [`Order`] says which sample stands at which position; no thread, rank or host enters into it.
//! - [`Loader`] fetches ahead with threads into a fixed ring of slots and hands out [`Batch`]es in
//!   order; a slot goes back to the ring when its batch is dropped.
//! - [`ResumeToken`] is the position the optimizer consumed, with what it must match to be used.

mod dataset;
mod order;
mod ring;
mod similarity;
mod token;

pub use dataset::{Dataset, DatasetError, EntityRef, Sample, SentenceRef, StudyText};
pub use order::{Order, Shard};
pub use ring::{Batch, Loader, LoaderConfig, LoaderError, Metrics, Slot};
pub use token::{ResumeToken, TokenError};
