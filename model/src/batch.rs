//! What the loader hands to training: one batch of studies with their voxels, and where it came from.
//!
//! Voxels travel in the type they are stored in and become `0..1` floats on the device, so a batch costs a
//! quarter of its float size on the way.

use burn::tensor::{Bytes, DType, Int, Tensor, TensorData, backend::Backend};
use thiserror::Error;

/// One step's studies.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyBatch {
    /// Step the batch belongs to, counted from 0.
    pub step: u64,
    /// Studies in the order of the voxels.
    pub samples: Vec<StudySample>,
    /// Image tensor of all studies.
    pub voxels: VoxelBlock,
    /// The least and the most that the similarity of each pair of sentences can be, `[N, N]` row-major over all
    /// sentences of the batch in order; equal where it is known. Empty when no pair is known.
    pub similarity: Vec<[f32; 2]>,
    /// Time that training waited for this batch, in seconds.
    pub data_wait_s: f64,
}

/// One study as the trainer sees it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StudySample {
    /// Identifies this image (one reconstruction of a study).
    pub sample_id: String,
    /// Identifies the study; samples that share it share a report.
    pub study_id: String,
    /// Identifies the patient.
    pub patient_key: String,
    /// Sentences of the report in order.
    pub sentences: Vec<SentenceText>,
    /// One value a label: 1 present, 0 absent, -1 unknown.
    pub labels: Vec<i8>,
}

/// One sentence of a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SentenceText {
    /// Text as it stands in the report.
    pub text: String,
    /// Whether it belongs to the impression, which is kept first when a report is too long.
    pub impression: bool,
    /// Bytes of the text at which a clause starts that can be left out with all that follows it.
    pub breaks: Vec<usize>,
    /// Bytes that its entities span, in order and apart from each other.
    pub entities: Vec<std::ops::Range<usize>>,
}

/// Element type of stored voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoxelType {
    /// Unsigned byte.
    U8,
    /// Signed 16-bit integer, little endian.
    I16,
    /// IEEE 754 half precision, little endian.
    F16,
}

impl VoxelType {
    /// Size of one voxel in bytes.
    pub fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 | Self::F16 => 2,
        }
    }
}

/// Voxels of a batch in storage type.
#[derive(Debug, Clone, PartialEq)]
pub struct VoxelBlock {
    /// Raw little-endian values, C order.
    pub data: Vec<u8>,
    /// Type of a value.
    pub dtype: VoxelType,
    /// `[batch, channel, depth, height, width]`.
    pub shape: [usize; 5],
    /// Factor from raw value to `0..1`.
    pub scale: f32,
    /// Added after `scale`: value = raw * scale + offset.
    pub offset: f32,
}

/// Why a batch cannot be used.
#[derive(Debug, Error, PartialEq)]
pub enum BatchError {
    /// The bytes do not fill the shape.
    #[error("use batch: voxels hold {found} bytes, the shape {shape:?} needs {expected}")]
    VoxelBytes {
        /// Bytes in the block.
        found: usize,
        /// Bytes that the shape needs.
        expected: usize,
        /// Shape of the block.
        shape: [usize; 5],
    },
    /// Studies and voxels disagree.
    #[error("use batch: {samples} studies but voxels for {voxels}")]
    Samples {
        /// Number of studies.
        samples: usize,
        /// Batch axis of the voxels.
        voxels: usize,
    },
    /// The similarity matrix does not fit the sentences.
    #[error("use batch: similarity has {found} values, {sentences} sentences need {}", sentences * sentences)]
    Similarity {
        /// Values in the matrix.
        found: usize,
        /// Sentences of all studies.
        sentences: usize,
    },
    /// Voxels have another shape than the model.
    #[error(
        "use batch: a volume has the shape {found:?} (channel, depth, height, width), the model needs {expected:?}"
    )]
    VolumeShape {
        /// Shape of the voxels.
        found: [usize; 4],
        /// Shape the model was built for.
        expected: [usize; 4],
    },
}

/// Where batches come from.
pub trait BatchSource {
    /// Returns the next batch, or `None` when the source is exhausted.
    ///
    /// # Errors
    /// When the data cannot be read or do not match the position.
    fn next_batch(&mut self) -> Result<Option<StudyBatch>, SourceError>;

    /// Position the optimizer has consumed, from which a later run goes on.
    fn token(&self) -> serde_json::Value;

    /// Says that the optimizer consumed the last batch.
    fn commit(&mut self);
}

/// Why a source of batches failed.
#[derive(Debug, Error)]
#[error("read batch: {message}")]
pub struct SourceError {
    /// What happened and what to do.
    pub message: String,
}

/// Batches from memory.
#[derive(Debug, Clone, Default)]
pub struct ListSource {
    batches: Vec<StudyBatch>,
    next: usize,
    consumed: usize,
}

impl ListSource {
    /// Hands out `batches` in order.
    pub fn new(batches: Vec<StudyBatch>) -> Self {
        Self { batches, next: 0, consumed: 0 }
    }

    /// Moves to a position that [`BatchSource::token`] gave.
    #[must_use]
    pub fn seek(mut self, token: &serde_json::Value) -> Self {
        let position = token.get("position").and_then(serde_json::Value::as_u64).unwrap_or(0);
        self.next = (position as usize).min(self.batches.len());
        self.consumed = self.next;
        self
    }
}

impl BatchSource for ListSource {
    fn next_batch(&mut self) -> Result<Option<StudyBatch>, SourceError> {
        let batch = self.batches.get(self.next).cloned();
        self.next += usize::from(batch.is_some());
        Ok(batch)
    }

    fn token(&self) -> serde_json::Value {
        serde_json::json!({ "position": self.consumed })
    }

    fn commit(&mut self) {
        self.consumed = self.next;
    }
}

impl StudyBatch {
    /// Number of sentences of all studies.
    pub fn sentence_count(&self) -> usize {
        self.samples.iter().map(|sample| sample.sentences.len()).sum()
    }

    /// Checks that studies, voxels and similarity agree, and that the volumes have the model's shape.
    ///
    /// # Errors
    /// One [`BatchError`] for the first disagreement.
    pub fn validate(&self, volume: [usize; 4]) -> Result<(), BatchError> {
        let shape = self.voxels.shape;
        let expected = shape.iter().product::<usize>() * self.voxels.dtype.size();
        if self.voxels.data.len() != expected {
            return Err(BatchError::VoxelBytes { found: self.voxels.data.len(), expected, shape });
        }
        if self.samples.len() != shape[0] {
            return Err(BatchError::Samples { samples: self.samples.len(), voxels: shape[0] });
        }
        let found = [shape[1], shape[2], shape[3], shape[4]];
        if found != volume {
            return Err(BatchError::VolumeShape { found, expected: volume });
        }
        let sentences = self.sentence_count();
        if !self.similarity.is_empty() && self.similarity.len() != sentences * sentences {
            return Err(BatchError::Similarity { found: self.similarity.len(), sentences });
        }
        Ok(())
    }
}

impl VoxelBlock {
    /// Uploads the raw values as a rank-1 tensor and normalises them on the device to `[B, C, D, H, W]` floats.
    ///
    /// Rank 1 because a device may pitch the rows of higher ranks, which costs memory and a strided copy.
    pub fn upload<B: Backend>(self, device: &B::Device) -> Tensor<B, 5> {
        let count: usize = self.shape.iter().product();
        let bytes = Bytes::from_bytes_vec(self.data);
        let values: Tensor<B, 1> = match self.dtype {
            VoxelType::U8 => {
                let data = TensorData::from_bytes(bytes, [count], DType::U8);
                Tensor::<B, 1, Int>::from_data(data, (device, DType::U8)).float()
            }
            VoxelType::I16 => {
                let data = TensorData::from_bytes(bytes, [count], DType::I16);
                Tensor::<B, 1, Int>::from_data(data, (device, DType::I16)).float()
            }
            VoxelType::F16 => {
                let data = TensorData::from_bytes(bytes, [count], DType::F16);
                Tensor::<B, 1>::from_data(data, (device, DType::F16)).cast(DType::F32)
            }
        };
        (values * self.scale + self.offset).reshape(self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;
    use burn::tensor::f16;

    fn block(data: Vec<u8>, dtype: VoxelType) -> VoxelBlock {
        VoxelBlock { data, dtype, shape: [1, 1, 1, 2, 2], scale: 0.5, offset: 1.0 }
    }

    #[test]
    fn every_storage_type_uploads_to_the_same_values() {
        let raw = [0i16, 1, 2, 100];
        let bytes = raw.iter().map(|&value| value as u8).collect();
        let shorts = raw.iter().flat_map(|value| value.to_le_bytes()).collect();
        let halves =
            raw.iter().flat_map(|&value| f16::from_f32(f32::from(value)).to_le_bytes()).collect();
        for (data, dtype) in
            [(bytes, VoxelType::U8), (shorts, VoxelType::I16), (halves, VoxelType::F16)]
        {
            let tensor = block(data, dtype).upload::<Flex>(&FlexDevice);
            assert_eq!(tensor.dims(), [1, 1, 1, 2, 2]);
            let values = tensor.into_data().to_vec::<f32>().expect("floats");
            assert_eq!(values, [1.0, 1.5, 2.0, 51.0], "{dtype:?}");
        }
    }

    #[test]
    fn a_short_voxel_block_is_refused() {
        let batch = StudyBatch {
            step: 0,
            samples: vec![StudySample::default()],
            voxels: block(vec![0; 3], VoxelType::U8),
            similarity: Vec::new(),
            data_wait_s: 0.0,
        };
        assert_eq!(
            batch.validate([1, 1, 2, 2]),
            Err(BatchError::VoxelBytes { found: 3, expected: 4, shape: [1, 1, 1, 2, 2] })
        );
    }
}
