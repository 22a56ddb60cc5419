//! Sentence alignment: reconstructed sentences point where complete sentences point.

use burn::tensor::{Tensor, backend::Backend};

use super::unit_rows;

/// Mean over sentences of `1 - cos(r_s, t_s)`, with the target detached.
///
/// The `SAL` term of MG-3D (arXiv 2412.05876). The released code lets gradients into the target, so that both
/// sides can shrink to one constant, and sums over sentences, so that long reports weigh more; here the target
/// is detached and the mean is taken.
///
/// # Shapes
/// - reconstructed, target: `[K, P]`, one row per sentence; K of at least 1
/// - output: `[1]`
pub fn sentence_alignment<B: Backend>(
    reconstructed: Tensor<B, 2>,
    target: Tensor<B, 2>,
) -> Tensor<B, 1> {
    let cosine = (unit_rows(reconstructed) * unit_rows(target.detach())).sum_dim(1);
    cosine.mean().neg() + 1.0
}
