//! Bytes of files, also of files inside an archive and of files that are packed one by one.
//!
//! A file inside an archive is named by a path through it: `study.zip/series/1.dcm`. Nothing is unpacked to disk, and what
//! an entry inflates to is capped. Zip and tar archives are read where they lie; a packed tar, and an archive inside another
//! one, are held in memory while they are read, a few at a time.

mod files;
mod held;
mod index;
mod kind;

pub(crate) use files::Files;
pub(crate) use held::{ZSTD, unpacked};
pub(crate) use index::list_archive;
pub use kind::archive_of;
pub(crate) use kind::is_archive;
