//! Masked image reconstruction.

use burn::tensor::{Tensor, backend::Backend};

/// Mean squared error over masked voxels only: `sum(m * (x' - x)^2) / sum(m)`.
///
/// As in MAE (arXiv 2111.06377) and `SimMIM` (arXiv 2111.09886); averaging over all voxels would make the loss
/// depend on the mask ratio. 0 when nothing is masked.
///
/// # Shapes
/// - reconstruction, target: `[B, N, V]`, N blocks of V values
/// - mask: `[B, N]`, 1 where a block was hidden, else 0; every sample has its own
/// - output: `[1]`
pub fn masked_image<B: Backend>(
    reconstruction: Tensor<B, 3>,
    target: Tensor<B, 3>,
    mask: Tensor<B, 2>,
) -> Tensor<B, 1> {
    let values = target.dims()[2] as f64;
    let error = reconstruction - target;
    let block: Tensor<B, 2> = (error.clone() * error).sum_dim(2).squeeze_dim(2);
    let masked = mask.clone().sum().clamp_min(1.0);
    (block * mask).sum() / (masked * values)
}
