//! A shard of tensors as an Arrow IPC file with page-aligned bodies.
//!
//! The IPC format lets the metadata of a message be padded at will, so a body can be made to start at
//! any multiple of 4096: stock readers see an ordinary file, ours can map a tensor's pages whole. The
//! library's own writer pads to 64 at most, hence this one.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeListArray, Float16Array, Int16Array, LargeBinaryArray, RecordBatch,
    StringArray, UInt8Array, UInt64Array,
};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::Schema;
use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use arrow_ipc::{Block, FooterBuilder, MetadataVersion};
use flatbuffers::FlatBufferBuilder;
use schemas::ids::{PatientKey, SampleId, SeriesId, StudyId};
use schemas::manifest::{Recipe, VoxelType};
use schemas::tables::Column;

use crate::files::{HashingWriter, TemporaryFile};
use crate::volume::ViewTensor;

/// Bodies of record batches start at multiples of this many bytes.
pub const BODY_ALIGNMENT: u64 = 4096;

const MAGIC: &[u8; 6] = b"ARROW1";
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Where a tensor was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Record batch in the file.
    pub batch: u32,
    /// First byte of the tensor in the file.
    pub offset: u64,
    /// Bytes of the tensor.
    pub length: u64,
}

/// Who a tensor is of.
#[derive(Debug, Clone, Copy)]
pub struct SampleIds<'a> {
    /// The sample.
    pub sample: &'a SampleId,
    /// The series.
    pub series: &'a SeriesId,
    /// The study.
    pub study: &'a StudyId,
    /// The person.
    pub patient: &'a PatientKey,
}

/// Writes one shard; the file appears under its name when finished.
pub struct VoxelWriter {
    schema: Arc<Schema>,
    fixed_shape: Option<[usize; 3]>,
    temporary: TemporaryFile,
    output: HashingWriter<BufWriter<std::fs::File>>,
    position: u64,
    blocks: Vec<Block>,
    options: IpcWriteOptions,
}

impl VoxelWriter {
    /// Opens the shard at `path` for tensors of `recipe`.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn create(path: &Path, view: &str, recipe: &Recipe) -> io::Result<Self> {
        let fixed_shape = recipe.output_shape();
        let schema = schemas::voxel::schema(view, recipe, fixed_shape);
        let mut temporary = TemporaryFile::create(path)?;
        let file = temporary.file().try_clone()?;
        let options = IpcWriteOptions::try_new(64, false, MetadataVersion::V5)
            .expect("64 is an alignment of the format");
        let mut writer = Self {
            schema,
            fixed_shape,
            temporary,
            output: HashingWriter::new(BufWriter::with_capacity(1 << 20, file)),
            position: 0,
            blocks: Vec::new(),
            options,
        };
        writer.put(MAGIC)?;
        writer.put(&[0; 2])?;
        let message = IpcDataGenerator::default()
            .schema_to_bytes_with_dictionary_tracker(
                &writer.schema,
                &mut DictionaryTracker::new(true),
                &writer.options,
            )
            .ipc_message;
        writer.put_metadata(&message, 64)?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.position += bytes.len() as u64;
        self.output.write_all(bytes)
    }

    /// Writes a message's metadata, padded so that what follows starts at a multiple of `alignment`;
    /// gives the padded length.
    fn put_metadata(&mut self, message: &[u8], alignment: u64) -> io::Result<u64> {
        let start = self.position;
        let end = (start + 8 + message.len() as u64).next_multiple_of(alignment);
        let length = end - start;
        self.put(&CONTINUATION)?;
        self.put(&((length - 8) as i32).to_le_bytes())?;
        self.put(message)?;
        self.put(&vec![0; (end - self.position) as usize])?;
        Ok(length)
    }

    /// Adds a tensor with its hash as a record batch of its own.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn push(
        &mut self,
        ids: SampleIds<'_>,
        tensor: &ViewTensor,
        xxh3: u64,
    ) -> io::Result<Placement> {
        let batch = self.batch(ids, tensor, xxh3);
        let (dictionaries, encoded) = IpcDataGenerator::default()
            .encode(
                &batch,
                &mut DictionaryTracker::new(true),
                &self.options,
                &mut IpcWriteContext::default(),
            )
            .map_err(io::Error::other)?;
        debug_assert!(dictionaries.is_empty(), "no column is a dictionary");
        let within_body = tensor_offset(&encoded.ipc_message, self.fixed_shape.is_some());
        let start = self.position;
        let metadata_length = self.put_metadata(&encoded.ipc_message, BODY_ALIGNMENT)?;
        let body = self.position;
        self.put(&encoded.arrow_data)?;
        self.blocks.push(Block::new(
            start as i64,
            metadata_length as i32,
            encoded.arrow_data.len() as i64,
        ));
        Ok(Placement {
            batch: self.blocks.len() as u32 - 1,
            offset: body + within_body,
            length: tensor.bytes.len() as u64,
        })
    }

    fn batch(&self, ids: SampleIds<'_>, tensor: &ViewTensor, xxh3: u64) -> RecordBatch {
        let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
        let voxels: ArrayRef = match self.fixed_shape {
            Some(_) => fixed_tensor(self.schema.field(0).data_type(), tensor),
            None => Arc::new(LargeBinaryArray::from(vec![tensor.bytes.as_slice()])),
        };
        let shape = tensor.shape.map(|size| size as u32);
        let spacing = tensor.affine.spacing();
        let columns: Vec<ArrayRef> = vec![
            voxels,
            text(ids.sample.as_str()),
            text(ids.series.as_str()),
            text(ids.study.as_str()),
            text(ids.patient.as_str()),
            Column::array([shape].iter()),
            Column::array([spacing].iter()),
            Column::array([tensor.affine.to_row_major()].iter()),
            Column::array([tensor.crop_starts.concat()].iter()),
            Arc::new(UInt64Array::from(vec![xxh3])),
        ];
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .expect("every column has one row of the schema's type")
    }

    /// Writes the footer; gives SHA-256 and size of the file.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn finish(mut self) -> io::Result<(String, u64)> {
        self.put(&CONTINUATION)?;
        self.put(&0_i32.to_le_bytes())?;
        let mut builder = FlatBufferBuilder::new();
        let batches = builder.create_vector(&self.blocks);
        let dictionaries = builder.create_vector::<Block>(&[]);
        let schema = arrow_ipc::convert::IpcSchemaEncoder::new()
            .schema_to_fb_offset(&mut builder, &self.schema);
        let mut footer = FooterBuilder::new(&mut builder);
        footer.add_version(MetadataVersion::V5);
        footer.add_schema(schema);
        footer.add_dictionaries(dictionaries);
        footer.add_recordBatches(batches);
        let root = footer.finish();
        builder.finish(root, None);
        let footer = builder.finished_data();
        self.put(footer)?;
        self.put(&(footer.len() as i32).to_le_bytes())?;
        self.put(MAGIC)?;
        let Self { temporary, output, .. } = self;
        let (buffer, sha256, size) = output.finish();
        buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
        temporary.commit()?;
        Ok((sha256, size))
    }
}

/// Offset of the tensor's values within the message body: the third buffer of a fixed-size list
/// (its validity, the items' validity, the items) or of a binary (validity, offsets, values).
fn tensor_offset(message: &[u8], fixed: bool) -> u64 {
    let offset = arrow_ipc::root_as_message(message)
        .ok()
        .and_then(|message| message.header_as_record_batch())
        .and_then(|batch| batch.buffers())
        .map(|buffers| buffers.get(2).offset() as u64)
        .expect("the message was just encoded from a batch whose first column has three buffers");
    debug_assert!(!fixed || offset == 0, "the tensor is the first buffer with bytes");
    offset
}

fn fixed_tensor(data_type: &arrow::datatypes::DataType, tensor: &ViewTensor) -> ArrayRef {
    let arrow::datatypes::DataType::FixedSizeList(item, size) = data_type else {
        unreachable!("the schema of a fixed shape has a fixed-size list first")
    };
    let buffer = Buffer::from_vec(aligned(&tensor.bytes));
    let length = *size as usize;
    let values: ArrayRef = match tensor.dtype {
        VoxelType::U8 => Arc::new(UInt8Array::new(ScalarBuffer::new(buffer, 0, length), None)),
        VoxelType::I16 => Arc::new(Int16Array::new(ScalarBuffer::new(buffer, 0, length), None)),
        VoxelType::F16 => Arc::new(Float16Array::new(ScalarBuffer::new(buffer, 0, length), None)),
    };
    Arc::new(
        FixedSizeListArray::try_new(Arc::clone(item), *size, values, None)
            .expect("the view's shape is the schema's"),
    )
}

/// The bytes at the alignment of the widest voxel.
fn aligned(bytes: &[u8]) -> Vec<u64> {
    let mut words = vec![0_u64; bytes.len().div_ceil(8)];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks(8)) {
        let mut eight = [0; 8];
        eight[..chunk.len()].copy_from_slice(chunk);
        *word = u64::from_ne_bytes(eight);
    }
    words
}
