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
mod identity;
mod revisions;
mod seal;
mod sealed;
mod summary;
mod sums;
mod verify;

pub use contents::{Contents, TableReader, release_at, release_below};
pub use error::ReleaseError;
pub use identity::release_id;
pub use revisions::VOXEL_STAGES;
pub(crate) use revisions::revisions;
pub use seal::seal;
pub use sealed::Sealed;
pub(crate) use summary::count_by_reason;
pub(crate) use sums::read_sums;
pub use verify::{Finding, Verification, verify};
