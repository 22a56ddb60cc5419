//! From a tensor of any backend to one of the CPU backend, where it is one, and back.

use std::any::Any;

use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::ops::FloatTensor;
use burn::tensor::{DType, Tensor, TensorData, TensorPrimitive, backend::Backend};

/// The CPU backend with gradients.
pub(super) type Tracked = Autodiff<Flex>;

/// Its tensors.
pub(super) type TrackedTensor = FloatTensor<Tracked>;

/// `value` as a `T`, where it is one.
fn same<A: 'static, T: 'static>(value: A) -> Option<T> {
    let mut value = Some(value);
    (&mut value as &mut dyn Any).downcast_mut::<Option<T>>().and_then(Option::take)
}

/// The tensor of the CPU backend that `tensor` is, with single precision.
pub(super) fn on_cpu<B: Backend, const D: usize>(tensor: &Tensor<B, D>) -> Option<FlexTensor> {
    if tensor.dtype() != DType::F32 {
        return None;
    }
    let tensor: Tensor<Flex, D> = same(tensor.clone())?;
    Some(tensor.into_primitive().tensor().to_contiguous())
}

/// The tensor of the CPU backend with gradients that `tensor` is, with single precision.
pub(super) fn tracked<B: Backend, const D: usize>(tensor: &Tensor<B, D>) -> Option<TrackedTensor> {
    if tensor.dtype() != DType::F32 {
        return None;
    }
    let tensor: Tensor<Tracked, D> = same(tensor.clone())?;
    Some(tensor.into_primitive().tensor())
}

/// What [`tracked`] took.
pub(super) fn from_tracked<B: Backend, const D: usize>(tensor: TrackedTensor) -> Tensor<B, D> {
    let tensor = Tensor::<Tracked, D>::from_primitive(TensorPrimitive::Float(tensor));
    same(tensor).expect("the backend that `tracked` found")
}

/// What [`on_cpu`] took.
pub(super) fn from_cpu<B: Backend, const D: usize>(tensor: FlexTensor) -> Tensor<B, D> {
    let tensor = Tensor::<Flex, D>::from_primitive(TensorPrimitive::Float(tensor));
    same(tensor).expect("the backend that `on_cpu` found")
}

/// Numbers of a contiguous tensor.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("contiguous and of single precision")
}

/// A tensor of numbers.
pub(super) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}
