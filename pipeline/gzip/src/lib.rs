//! Whole gzip files decoded fast and exactly, by one thread or by several.
//!
//! - [`Members`] reads the members of a file as one stream, every checksum verified, and tells bytes that follow the last
//!   member apart from damage.
//! - [`Decoder`] decodes a file that is in memory and whose decoded length is known: the blocks of BGZF side by side, and
//!   a single member in parts that are cut where blocks of the stream begin.

mod bits;
mod deflate;
mod huffman;
mod member;
mod members;
mod parts;
mod splice;
mod whole;

pub use member::MAGIC;
pub use members::Members;
pub use whole::Decoder;

/// The example of the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
