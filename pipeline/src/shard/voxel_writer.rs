//! A shard of tensors as an Arrow IPC file with page-aligned bodies.
//!
//! The IPC format lets the metadata of a message be padded at will, so a body can be made to start at
//! any multiple of 4096: stock readers see an ordinary file, ours can map a tensor's pages whole. The
//! library's own writer pads to 64 at most, hence this one.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::Schema;
use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteOptions};
use arrow_ipc::{Block, FooterBuilder, MetadataVersion};
use flatbuffers::FlatBufferBuilder;
use schemas::ids::{PatientKey, SampleId, SeriesId, StudyId};
use schemas::manifest::Recipe;
use schemas::tables::Column;

use super::tensor_message::{BUFFER_ALIGNMENT, TensorColumn, TensorMessage};
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

/// Identifiers of the sample that a tensor belongs to.
#[derive(Debug, Clone, Copy)]
pub struct SampleIds<'a> {
    /// The sample.
    pub sample: &'a SampleId,
    /// The series.
    pub series: &'a SeriesId,
    /// The study.
    pub study: &'a StudyId,
    /// The patient.
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
    /// The I/O error of the system.
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

    /// Adds a tensor with its hash as a record batch of its own. The tensor's bytes are written from where they
    /// lie.
    ///
    /// # Errors
    ///
    /// The I/O error of the system.
    pub fn push(
        &mut self,
        ids: SampleIds<'_>,
        tensor: &ViewTensor,
        xxh3: u64,
    ) -> io::Result<Placement> {
        let length = tensor.bytes.len() as u64;
        let column = match self.fixed_shape {
            Some(_) => TensorColumn::Fixed { voxels: tensor.bytes.len() / tensor.dtype.size() },
            None => TensorColumn::Variable,
        };
        let others = self.other_columns(ids, tensor, xxh3);
        let message =
            TensorMessage::new(column, length, &others, &self.options).map_err(io::Error::other)?;
        let start = self.position;
        let metadata_length = self.put_metadata(&message.metadata, BODY_ALIGNMENT)?;
        self.put(&message.before)?;
        let offset = self.position;
        self.put(&tensor.bytes)?;
        let padding = length.next_multiple_of(BUFFER_ALIGNMENT) - length;
        self.put(&[0; BUFFER_ALIGNMENT as usize][..padding as usize])?;
        self.put(&message.after)?;
        self.blocks.push(Block::new(
            start as i64,
            metadata_length as i32,
            message.body_bytes as i64,
        ));
        Ok(Placement { batch: self.blocks.len() as u32 - 1, offset, length })
    }

    /// Every column but the tensor's.
    fn other_columns(&self, ids: SampleIds<'_>, tensor: &ViewTensor, xxh3: u64) -> RecordBatch {
        let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
        let shape = tensor.shape.map(|size| size as u32);
        let spacing = tensor.affine.spacing();
        let columns: Vec<ArrayRef> = vec![
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
        let fields = self.schema.fields().iter().skip(1).cloned().collect::<Vec<_>>();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .expect("every column has one row of the schema's type")
    }

    /// Writes the footer; gives SHA-256 and size of the file.
    ///
    /// # Errors
    ///
    /// The I/O error of the system.
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
