//! Matrices of rows: the shapes that every backend is fast at.
//!
//! Permutations of more than two axes walk element by element on the CPU backend, and a linear layer over a
//! tensor of rank 3 multiplies (and sums its weight gradient) matrix by matrix. Gathering whole rows and
//! multiplying one tall matrix give the same numbers several times faster.

use burn::nn::Linear;
use burn::tensor::{DType, Int, Tensor, TensorData, backend::Backend};

/// Row numbers as a tensor.
pub(crate) fn index<B: Backend>(rows: Vec<i32>, device: &B::Device) -> Tensor<B, 1, Int> {
    let count = rows.len();
    Tensor::from_data(TensorData::new(rows, [count]), (device, DType::I32))
}

/// Rows of a matrix in another order: `[R, C]` and `[K]` give `[K, C]`.
pub(crate) fn take_rows<B: Backend>(
    matrix: Tensor<B, 2>,
    rows: &Tensor<B, 1, Int>,
) -> Tensor<B, 2> {
    matrix.select(0, rows.clone())
}

/// Applies a linear layer to the last axis as one matrix product: `[..., in]` to `[..., out]`.
pub(crate) fn project<B: Backend, const D: usize>(
    layer: &Linear<B>,
    tokens: Tensor<B, D>,
) -> Tensor<B, D> {
    let mut shape = tokens.dims();
    let width = shape[D - 1];
    let count: usize = shape[..D - 1].iter().product();
    let rows: Tensor<B, 2> = layer.forward(tokens.reshape([count, width]));
    shape[D - 1] = rows.dims()[1];
    rows.reshape(shape)
}
