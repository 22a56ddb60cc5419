//! The shard room: bytes on disk.
//!
//! - [`VoxelWriter`] writes a shard of tensors as an Arrow IPC file whose message bodies start at
//!   multiples of 4096 bytes; [`VoxelReader`] maps one and hands out tensors without copying.
//! - [`TableWriter`] writes a table as Parquet with pinned properties, so that the same rows give the
//!   same bytes; [`read_table`] reads one whole and [`TableStream`] reads one batch by batch.

mod parquet;
mod tensor_message;
mod voxel_reader;
mod voxel_writer;

pub use parquet::{TableError, TableStream, TableWriter, read_table, write_table};
pub use voxel_reader::{Tensor, VoxelReader, VoxelReaderError};
pub use voxel_writer::{BODY_ALIGNMENT, Placement, SampleIds, VoxelWriter};

/// Number of this room's code. Raise it when the same tensors or rows give other bytes: it is part of
/// the fingerprint of every unit and the lock of every release.
pub const REVISION: u32 = 1;
