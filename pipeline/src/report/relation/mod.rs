//! Mentions into edges, by word order.

mod carried;
mod gap;
mod heads;
mod location;
mod modifier;
mod relate;
mod side;
mod size;
mod suggestion;

pub(crate) use carried::CarriedPlace;
pub(crate) use relate::{Relations, relate};
