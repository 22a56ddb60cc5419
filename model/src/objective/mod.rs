//! Objectives: pure functions from tensors to a loss, each with its formula and source.
//!
//! Every one is tested, value and gradients, against `PyTorch` or its formula in double precision: in
//! `tests/it/goldens.rs`, or beside it.

mod claim_ranking;
mod contrast;
mod masked_image;
mod masked_text;
mod sentence_alignment;
mod sentence_similarity;

pub use claim_ranking::{RankedCells, claim_ranking};
pub use contrast::{contrast, contrast_scaled};
pub use masked_image::masked_image;
pub use masked_text::masked_text;
pub use sentence_alignment::sentence_alignment;
pub use sentence_similarity::{SimilarityTarget, sentence_similarity};

use burn::tensor::{Tensor, backend::Backend};

/// Scales the rows of the last axis to length 1. The root is kept away from 0, where it has no gradient.
pub(crate) fn unit_rows<B: Backend, const D: usize>(rows: Tensor<B, D>) -> Tensor<B, D> {
    let norm = (rows.clone() * rows.clone()).sum_dim(D - 1).add_scalar(1e-12).sqrt();
    rows / norm
}
