//! The record batch of one tensor as an IPC message whose tensor stays where it is.
//!
//! The library's encoder copies every buffer of a batch into one body. A tensor is hundreds of megabytes at
//! times, so only the columns beside it go through the encoder; the message that describes the whole batch is
//! put together here, and the tensor's bytes go from where they were made straight into the file.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use arrow_ipc::{
    Buffer, FieldNode, MessageBuilder, MessageHeader, MetadataVersion, RecordBatchBuilder,
};
use flatbuffers::FlatBufferBuilder;

/// Buffers within a body start at multiples of this many bytes.
pub(super) const BUFFER_ALIGNMENT: u64 = 64;

/// How the tensor's column is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TensorColumn {
    /// A fixed-size list of this many voxels.
    Fixed {
        /// Voxels in the list.
        voxels: usize,
    },
    /// A binary of any length.
    Variable,
}

/// A message and its body: `before`, the tensor, zeros up to a multiple of [`BUFFER_ALIGNMENT`], `after`.
pub(super) struct TensorMessage {
    /// The flatbuffer.
    pub(super) metadata: Vec<u8>,
    /// What stands before the tensor in the body.
    pub(super) before: Vec<u8>,
    /// The other columns.
    pub(super) after: Vec<u8>,
    /// Bytes of the whole body.
    pub(super) body_bytes: u64,
}

impl TensorMessage {
    /// Describes a batch of one row: a tensor of `tensor_bytes` in a column of kind `column`, then the columns
    /// of `others`.
    ///
    /// # Errors
    ///
    /// What the library's encoder says of `others`.
    pub(super) fn new(
        column: TensorColumn,
        tensor_bytes: u64,
        others: &RecordBatch,
        options: &IpcWriteOptions,
    ) -> Result<Self, ArrowError> {
        let (dictionaries, encoded) = IpcDataGenerator::default().encode(
            others,
            &mut DictionaryTracker::new(true),
            options,
            &mut IpcWriteContext::default(),
        )?;
        debug_assert!(dictionaries.is_empty(), "no column is a dictionary");
        let message = arrow_ipc::root_as_message(&encoded.ipc_message)
            .map_err(|error| ArrowError::IpcError(error.to_string()))?;
        let batch = message
            .header_as_record_batch()
            .ok_or_else(|| ArrowError::IpcError("the message is not a record batch".into()))?;

        // Both kinds have a buffer of validity without bytes, since no tensor is missing.
        let (mut nodes, mut buffers, before) = match column {
            TensorColumn::Fixed { voxels } => {
                let nodes = vec![FieldNode::new(1, 0), FieldNode::new(voxels as i64, 0)];
                let tensor = Buffer::new(0, tensor_bytes as i64);
                (nodes, vec![Buffer::new(0, 0), Buffer::new(0, 0), tensor], Vec::new())
            }
            TensorColumn::Variable => {
                let mut offsets = vec![0_u8; BUFFER_ALIGNMENT as usize];
                offsets[8..16].copy_from_slice(&tensor_bytes.to_le_bytes());
                let tensor = Buffer::new(offsets.len() as i64, tensor_bytes as i64);
                (
                    vec![FieldNode::new(1, 0)],
                    vec![Buffer::new(0, 0), Buffer::new(0, 16), tensor],
                    offsets,
                )
            }
        };
        let moved = before.len() as u64 + tensor_bytes.next_multiple_of(BUFFER_ALIGNMENT);
        nodes.extend(batch.nodes().into_iter().flatten().copied());
        buffers.extend(
            batch
                .buffers()
                .into_iter()
                .flatten()
                .map(|buffer| Buffer::new(buffer.offset() + moved as i64, buffer.length())),
        );
        let body_bytes = moved + encoded.arrow_data.len() as u64;

        // The order of these calls is the encoder's, so that the bytes are those it would write.
        let mut builder = FlatBufferBuilder::new();
        let buffers = builder.create_vector(&buffers);
        let nodes = builder.create_vector(&nodes);
        let mut header = RecordBatchBuilder::new(&mut builder);
        header.add_length(1);
        header.add_nodes(nodes);
        header.add_buffers(buffers);
        let header = header.finish().as_union_value();
        let mut message = MessageBuilder::new(&mut builder);
        message.add_version(MetadataVersion::V5);
        message.add_header_type(MessageHeader::RecordBatch);
        message.add_bodyLength(body_bytes as i64);
        message.add_header(header);
        let root = message.finish();
        builder.finish(root, None);
        let metadata = builder.finished_data().to_vec();
        Ok(Self { metadata, before, after: encoded.arrow_data, body_bytes })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, FixedSizeListArray, Int16Array, LargeBinaryArray, StringArray, UInt64Array,
    };
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    /// The message and the body that the library makes of the same batch.
    fn encoded(batch: &RecordBatch, options: &IpcWriteOptions) -> (Vec<u8>, Vec<u8>) {
        let (_, encoded) = IpcDataGenerator::default()
            .encode(
                batch,
                &mut DictionaryTracker::new(true),
                options,
                &mut IpcWriteContext::default(),
            )
            .expect("encodes");
        (encoded.ipc_message, encoded.arrow_data)
    }

    fn others() -> Vec<(Field, ArrayRef)> {
        vec![
            (
                Field::new("id", DataType::Utf8, false),
                Arc::new(StringArray::from(vec!["sample"])) as ArrayRef,
            ),
            (
                Field::new("xxh3", DataType::UInt64, false),
                Arc::new(UInt64Array::from(vec![7])) as ArrayRef,
            ),
        ]
    }

    fn batch(columns: Vec<(Field, ArrayRef)>) -> RecordBatch {
        let (fields, columns): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("one row each")
    }

    #[test]
    fn message_and_body_are_those_of_the_library() {
        let options =
            IpcWriteOptions::try_new(64, false, MetadataVersion::V5).expect("a valid alignment");
        for count in [1_usize, 31, 32, 33, 1000] {
            let voxels: Vec<i16> = (0..count as i16).collect();
            let bytes: Vec<u8> = voxels.iter().flat_map(|voxel| voxel.to_le_bytes()).collect();
            let item = Arc::new(Field::new("item", DataType::Int16, false));
            let list = FixedSizeListArray::try_new(
                Arc::clone(&item),
                count as i32,
                Arc::new(Int16Array::from(voxels)),
                None,
            )
            .expect("one list");
            let fixed = Field::new("voxels", DataType::FixedSizeList(item, count as i32), false);
            let binary = LargeBinaryArray::from(vec![bytes.as_slice()]);
            let variable = Field::new("voxels", DataType::LargeBinary, false);
            let cases: [(TensorColumn, Field, ArrayRef); 2] = [
                (TensorColumn::Fixed { voxels: count }, fixed, Arc::new(list)),
                (TensorColumn::Variable, variable, Arc::new(binary)),
            ];
            for (column, field, array) in cases {
                let mut columns = vec![(field, array)];
                columns.extend(others());
                let (metadata, body) = encoded(&batch(columns), &options);
                let made =
                    TensorMessage::new(column, bytes.len() as u64, &batch(others()), &options)
                        .expect("encodes");
                assert_eq!(made.metadata, metadata, "{column:?} of {count}");
                let mut whole = made.before;
                whole.extend(&bytes);
                whole.resize(whole.len().next_multiple_of(64), 0);
                whole.extend(made.after);
                assert_eq!(whole, body, "{column:?} of {count}");
                assert_eq!(made.body_bytes, body.len() as u64);
            }
        }
    }
}
