//! Voxels of a batch on their way to the device.
//!
//! Voxels travel in the type they are stored in and become `0..1` floats on the device, so a batch costs a
//! quarter of its float size on the way. The bytes are those of the loader's slot: none is copied on the host
//! before the backend takes them. `flex` reads them where they are; its tensor of integers *is* the slot, which
//! goes back to the ring when the float tensor is made. A backend that asks for mutable bytes or for a `Vec`
//! copies them, as burn's shared bytes are copied on write.

use std::ops::Range;

use burn::tensor::{
    AllocationProperty, Bool, Bytes, DType, Int, Tensor, TensorData, backend::Backend,
};
use schemas::manifest::VoxelType;
use schemas::study::{BatchStudy, Block, Validity, VoxelFormat};

use super::error::BatchError;

/// Raw voxels of all blocks of a batch, shared with whoever holds them. A clone copies no voxel.
#[derive(Debug, Clone, Default)]
pub struct Voxels(bytes::Bytes);

impl From<Vec<u8>> for Voxels {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl Voxels {
    /// The bytes of `owner`, which is dropped with the last tensor that refers to them.
    pub fn shared(owner: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self(bytes::Bytes::from_owner(owner))
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Blocks of one shape and format as one tensor `[N, C, D, H, W]` of floats, in the order of the studies: one
    /// upload of one buffer. N is the number of studies where each has one block.
    ///
    /// # Errors
    /// [`BatchError::Ragged`] where blocks differ; see [`Self::block`] and [`Self::padded`] for those.
    pub fn upload<B: Backend>(
        &self,
        studies: &[BatchStudy],
        device: &B::Device,
    ) -> Result<Tensor<B, 5>, BatchError> {
        let mut blocks = studies.iter().flat_map(BatchStudy::blocks);
        let Some((first, range)) = blocks.next() else { return Err(BatchError::Ragged) };
        let (start, mut end, mut count) = (range.start, range.end, 1);
        for (block, range) in blocks {
            if (block.shape, block.format) != (first.shape, first.format) || range.start != end {
                return Err(BatchError::Ragged);
            }
            (end, count) = (range.end, count + 1);
        }
        let [channels, depth, height, width] = first.shape;
        let shape = [count, channels, depth, height, width];
        Ok(normalised(self.slice(start..end)?, first.format, device).reshape(shape))
    }

    /// One block as floats, `[C, D, H, W]`; `range` is what [`BatchStudy::blocks`] gives with it.
    ///
    /// # Errors
    /// [`BatchError::VoxelBytes`] where the bytes end before.
    pub fn block<B: Backend>(
        &self,
        block: &Block,
        range: Range<usize>,
        device: &B::Device,
    ) -> Result<Tensor<B, 4>, BatchError> {
        Ok(normalised(self.slice(range)?, block.format, device).reshape(block.shape))
    }

    /// Blocks of any shapes, each at the near corner of one box that holds the largest, `[N, C, D, H, W]`, and
    /// which voxels of it are of an image, `[N, D, H, W]`. What is not is 0 in the first tensor.
    ///
    /// # Errors
    /// [`BatchError::Ragged`] where there is no block or the numbers of channels differ.
    pub fn padded<B: Backend>(
        &self,
        studies: &[BatchStudy],
        device: &B::Device,
    ) -> Result<(Tensor<B, 5>, Tensor<B, 4, Bool>), BatchError> {
        let all: Vec<_> = studies.iter().flat_map(BatchStudy::blocks).collect();
        let [channels, ..] = all.first().map(|(block, _)| block.shape).ok_or(BatchError::Ragged)?;
        if all.iter().any(|(block, _)| block.shape[0] != channels) {
            return Err(BatchError::Ragged);
        }
        let longest = |axis: usize| all.iter().map(|(block, _)| block.shape[axis]).max();
        let sizes: [usize; 3] = std::array::from_fn(|axis| longest(axis + 1).unwrap_or(0));
        let [depth, height, width] = sizes;
        let mut volumes = Vec::with_capacity(all.len());
        let mut valid = Vec::with_capacity(all.len() * depth * height * width);
        for (block, range) in all {
            let [channels, d, h, w] = block.shape;
            let values = self.block::<B>(block, range, device)?;
            let [zs, ys, xs] = valid_box(block);
            let space = Tensor::<B, 4>::zeros([channels, depth, height, width], device);
            let inside = [0..channels, 0..d, 0..h, 0..w];
            let kept = [0..channels, zs.clone(), ys.clone(), xs.clone()];
            let space = if kept == inside {
                space.slice_assign(inside, values)
            } else {
                space.slice_assign(kept.clone(), values.slice(kept))
            };
            volumes.push(space);
            for z in 0..depth {
                for y in 0..height {
                    let line = zs.contains(&z) && ys.contains(&y);
                    valid.extend((0..width).map(|x| line && xs.contains(&x)));
                }
            }
        }
        let shape = [volumes.len(), depth, height, width];
        let valid = Tensor::from_data(TensorData::new(valid, shape), device);
        Ok((Tensor::stack(volumes, 0), valid))
    }

    fn slice(&self, range: Range<usize>) -> Result<Bytes, BatchError> {
        if range.end > self.0.len() {
            return Err(BatchError::VoxelBytes { found: self.0.len(), expected: range.end });
        }
        Ok(Bytes::from_shared(self.0.slice(range), AllocationProperty::Native))
    }
}

fn valid_box(block: &Block) -> [Range<usize>; 3] {
    let [_, depth, height, width] = block.shape;
    match &block.validity {
        Validity::Whole => [0..depth, 0..height, 0..width],
        Validity::Within(inside) => inside.clone(),
    }
}

/// Uploads raw values and takes them to `0..1` on the device.
fn normalised<B: Backend>(bytes: Bytes, format: VoxelFormat, device: &B::Device) -> Tensor<B, 1> {
    let values = match format.dtype {
        VoxelType::U8 => stored_integers(bytes, DType::U8, device).float(),
        VoxelType::I16 => stored_integers(bytes, DType::I16, device).float(),
        VoxelType::F16 => {
            let data = stored(bytes, DType::F16);
            Tensor::<B, 1>::from_data(data, (device, DType::F16)).cast(DType::F32)
        }
    };
    values * format.scale + format.offset
}

fn stored_integers<B: Backend>(
    bytes: Bytes,
    dtype: DType,
    device: &B::Device,
) -> Tensor<B, 1, Int> {
    Tensor::from_data(stored(bytes, dtype), (device, dtype))
}

/// Raw values as a tensor of rank 1: a device may pitch the rows of higher ranks, which costs memory and a
/// strided copy.
fn stored(bytes: Bytes, dtype: DType) -> TensorData {
    let count = bytes.len() / dtype.size();
    TensorData::from_bytes(bytes, [count], dtype)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;
    use burn::tensor::f16;
    use schemas::ids::SampleId;
    use schemas::study::{BatchSeries, BlockPosition, SeriesRecord};

    use super::*;

    fn block(shape: [usize; 4], dtype: VoxelType) -> Block {
        Block {
            shape,
            format: VoxelFormat { dtype, scale: 0.5, offset: 1.0 },
            position: BlockPosition::new(&[0.0; 16], [0; 3]),
            validity: Validity::Whole,
        }
    }

    fn study(blocks: Vec<Block>, offset: usize) -> BatchStudy {
        let sample_id = SampleId::from("s/v");
        let record = Arc::new(SeriesRecord { sample_id, view: "v".into(), blocks });
        BatchStudy {
            epoch: 0,
            record: Arc::default(),
            series: vec![BatchSeries { record, blocks: None, offset }],
        }
    }

    #[test]
    fn every_storage_type_uploads_to_the_same_values() {
        let raw = [0i16, 1, 2, 100];
        let bytes: Vec<u8> = raw.iter().map(|&value| value as u8).collect();
        let shorts = raw.iter().flat_map(|value| value.to_le_bytes()).collect();
        let halves =
            raw.iter().flat_map(|&value| f16::from_f32(f32::from(value)).to_le_bytes()).collect();
        for (data, dtype) in
            [(bytes, VoxelType::U8), (shorts, VoxelType::I16), (halves, VoxelType::F16)]
        {
            let studies = [study(vec![block([1, 1, 2, 2], dtype)], 0)];
            let tensor = Voxels::from(data).upload::<Flex>(&studies, &FlexDevice).expect("uploads");
            assert_eq!(tensor.dims(), [1, 1, 1, 2, 2]);
            let values = tensor.into_data().to_vec::<f32>().expect("floats");
            assert_eq!(values, [1.0, 1.5, 2.0, 51.0], "{dtype:?}");
        }
    }

    #[test]
    fn blocks_of_one_shape_form_one_tensor_and_others_do_not() {
        let flat = || block([1, 1, 1, 2], VoxelType::U8);
        let two = [study(vec![flat(), flat()], 0), study(vec![flat()], 4)];
        let voxels = Voxels::from(vec![0, 2, 4, 6, 8, 10]);
        let tensor = voxels.upload::<Flex>(&two, &FlexDevice).expect("uploads");
        assert_eq!(tensor.dims(), [3, 1, 1, 1, 2]);
        let values = tensor.into_data().to_vec::<f32>().expect("floats");
        assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let ragged = [study(vec![flat(), block([1, 1, 2, 2], VoxelType::U8)], 0)];
        let refused = voxels.upload::<Flex>(&ragged, &FlexDevice).expect_err("ragged");
        assert_eq!(refused, BatchError::Ragged);
    }

    #[test]
    fn ragged_blocks_are_padded_to_one_box_with_a_mask() {
        let cut = Block {
            validity: Validity::Within([0..1, 0..1, 1..3]),
            ..block([1, 1, 1, 3], VoxelType::U8)
        };
        let studies = [study(vec![block([1, 1, 2, 2], VoxelType::U8), cut], 0)];
        let voxels = Voxels::from(vec![0, 2, 4, 6, 8, 10, 12]);
        let (volumes, valid) = voxels.padded::<Flex>(&studies, &FlexDevice).expect("pads");
        assert_eq!(volumes.dims(), [2, 1, 1, 2, 3]);
        let values = volumes.into_data().to_vec::<f32>().expect("floats");
        assert_eq!(values, [1.0, 2.0, 0.0, 3.0, 4.0, 0.0, 0.0, 6.0, 7.0, 0.0, 0.0, 0.0]);
        let valid = valid.into_data().to_vec::<bool>().expect("bools");
        let wanted = [1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0].map(|value| value == 1);
        assert_eq!(valid, wanted);
    }

    /// Memory that reports when it is given back, aligned as a slot is.
    struct Slot(Vec<u128>, Arc<AtomicBool>);

    impl AsRef<[u8]> for Slot {
        fn as_ref(&self) -> &[u8] {
            bytemuck::cast_slice(&self.0)
        }
    }

    impl Drop for Slot {
        fn drop(&mut self) {
            self.1.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_tensor_of_flex_is_the_slot_itself_which_comes_back_when_the_floats_are_made() {
        for dtype in [DType::U8, DType::I16] {
            let returned = Arc::new(AtomicBool::new(false));
            let slot = Slot(vec![7; 4], Arc::clone(&returned));
            let at = slot.as_ref().as_ptr();
            let voxels = Voxels::shared(slot);
            let bytes = voxels.slice(0..voxels.len()).expect("the whole");
            let tensor = stored_integers::<Flex>(bytes, dtype, &FlexDevice);
            drop(voxels);
            assert!(!returned.load(Ordering::Relaxed), "the tensor holds it");
            let floats = tensor.clone().float();
            assert_eq!(tensor.into_data().bytes.as_ptr(), at, "{dtype:?}: no voxel was copied");
            assert!(returned.load(Ordering::Relaxed), "{dtype:?}: the floats do not hold it");
            assert_eq!(floats.dims(), [64 / dtype.size()]);
        }
    }
}
