//! The release room: what makes a folder of shards and tables a release that can be checked, cited
//! and rebuilt.
//!
//! - [`seal`] writes the remaining tables, the lock, the card, Croissant metadata and the sums.
//! - [`verify`] checks every file against the sums, and every tensor against its own hash.
//! - [`Contents`] reads a sealed release back.

mod card;
mod contents;
mod croissant;
mod error;
mod revisions;
mod seal;
mod sums;
mod verify;

pub use contents::{Contents, TableReader};
pub use error::ReleaseError;
pub use revisions::VOXEL_STAGES;
pub(crate) use revisions::revisions;
pub use seal::{Sealed, release_id, seal};
pub(crate) use sums::read_sums;
pub use verify::{Finding, Verification, verify};
