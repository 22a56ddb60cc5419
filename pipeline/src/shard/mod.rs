//! The shard room: bytes on disk.
//!
//! - [`write_atomically`] is how every small file is written: temporary name, flush, rename.
//! - [`VoxelWriter`] writes a shard of tensors as an Arrow IPC file whose message bodies start at
//!   multiples of 4096 bytes; [`VoxelReader`] maps one and hands out tensors without copying.
//! - [`TableWriter`] writes a table as Parquet with pinned properties, so that the same rows give the
//!   same bytes; [`read_table`] reads one whole and [`TableStream`] reads one batch by batch.

mod atomic;
mod digest;
mod parquet;
mod voxel_reader;
mod voxel_writer;

pub use atomic::{TemporaryFile, write_atomically};
pub use digest::{HashingWriter, sha256_bytes, sha256_file};
pub use parquet::{TableError, TableStream, TableWriter, read_table, write_table};
pub use voxel_reader::{VoxelReader, VoxelReaderError};
pub use voxel_writer::{BODY_ALIGNMENT, Placement, SampleIds, VoxelWriter};
