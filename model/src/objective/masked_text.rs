//! Masked text reconstruction.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, backend::Backend};

/// Mean cross-entropy of the hidden tokens, `-mean_k log softmax(l_k)[y_k]` (BERT, arXiv 1810.04805).
///
/// # Shapes
/// - logits: `[K, V]`, one row a hidden token
/// - targets: `[K]`, its true id; K of at least 1
/// - output: `[1]`
pub fn masked_text<B: Backend>(logits: Tensor<B, 2>, targets: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    log_softmax(logits, 1).gather(1, targets.unsqueeze_dim(1)).mean().neg()
}
