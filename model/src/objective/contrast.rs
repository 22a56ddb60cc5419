//! Symmetric `InfoNCE`.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, Tensor, backend::Backend};

use super::unit_rows;

/// Aligns row i of `first` with row i of `second` against all other rows.
///
/// With cosines `s_ij` over the temperature t, the loss is the mean over rows of
/// `-log(exp(s_ii / t) / sum_{j in J(i)} exp(s_ij / t))`, averaged over both directions (CLIP, arXiv
/// 2103.00020). `J(i)` leaves out rows that are no true negatives: of the same patient, or with the same text.
///
/// # Shapes
/// - first, second: `[N, P]`
/// - same: `[N, N]`, symmetric, true where two rows are no negatives of each other; the diagonal may be either
/// - output: `[1]`
pub fn contrast<B: Backend>(
    first: Tensor<B, 2>,
    second: Tensor<B, 2>,
    same: Tensor<B, 2, Bool>,
    temperature: f64,
) -> Tensor<B, 1> {
    let logits = unit_rows(first).matmul(unit_rows(second).transpose()) / temperature;
    symmetric(logits, same)
}

/// [`contrast`] with a factor of the cosines that is learned, `[1]`: the inverse of the temperature.
pub fn contrast_scaled<B: Backend>(
    first: Tensor<B, 2>,
    second: Tensor<B, 2>,
    same: Tensor<B, 2, Bool>,
    scale: Tensor<B, 1>,
) -> Tensor<B, 1> {
    let logits = unit_rows(first).matmul(unit_rows(second).transpose()) * scale.unsqueeze();
    symmetric(logits, same)
}

/// Mean over both directions of the cross-entropy of the diagonal, without cells that are not true negatives.
fn symmetric<B: Backend>(logits: Tensor<B, 2>, same: Tensor<B, 2, Bool>) -> Tensor<B, 1> {
    let count = logits.dims()[0];
    let device = logits.device();
    let diagonal = Tensor::<B, 2>::eye(count, &device);
    let ignored = same.bool_and(diagonal.clone().equal_elem(0.0));
    let logits = logits.mask_fill(ignored, -1e9);
    let direction =
        |logits: Tensor<B, 2>| (log_softmax(logits, 1) * diagonal.clone()).sum() / -(count as f64);
    (direction(logits.clone()) + direction(logits.transpose())) / 2.0
}
