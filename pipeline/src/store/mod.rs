//! The store room: releases in object stores, read over ranges and kept in a cache on the local disk.
//!
//! - [`Mirror::open`] takes an address (`s3://`, `gs://`, `az://`, `http://`, `https://`) and makes a folder that reads
//!   like a release: lock, sums and tables are there, each compared with its sum; shards are not.
//! - [`Mirror::of`] finds the mirror that a missing shard belongs to, and [`Mirror::tensor`] fetches one tensor of it.
//! - The cache is addressed by content: a file in it is what its name says, or it is not there. Processes share it
//!   without locks. What was used least recently goes when it grows beyond its budget.
//!
//! Access keys and endpoints come from the environment, by the names that the stores' own tools use.

mod cache;
mod error;
mod mirror;
mod remote;

pub use error::StoreError;
pub use mirror::Mirror;
