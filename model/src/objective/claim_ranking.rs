//! Sentences nearer to the images they hold of than to those they are contradicted by.

use burn::tensor::activation::softplus;
use burn::tensor::{Int, Tensor, backend::Backend};

use super::unit_rows;

/// Pairs of cells of the matrix of sentences and images, of which the first should be the larger.
#[derive(Debug, Clone)]
pub struct RankedCells<B: Backend> {
    /// The larger, as rows of `[N * B]`.
    pub better: Tensor<B, 1, Int>,
    /// The smaller, as rows of `[N * B]`.
    pub worse: Tensor<B, 1, Int>,
    /// What each pair counts, `[pairs]`; they sum to 1.
    pub weight: Tensor<B, 1>,
}

/// Sum over pairs of cells (p, q) of `w_pq log(1 + exp((s_q - s_p) / t))`, with cosines s of sentences and images and the
/// temperature t: the logistic bound of ranking p above q (Burges et al., `RankNet`, 2005), which is what the area
/// under the curve of a zero-shot label counts. Not a part of MG-3D: its contrast takes a report as a whole, and
/// leaves "X" and "no X", which share their words, near each other.
///
/// # Shapes
/// - sentences: `[N, P]`
/// - images: `[B, P]`
/// - output: `[1]`
pub fn claim_ranking<B: Backend>(
    sentences: Tensor<B, 2>,
    images: Tensor<B, 2>,
    cells: &RankedCells<B>,
    temperature: f64,
) -> Tensor<B, 1> {
    let cosines = unit_rows(sentences).matmul(unit_rows(images).transpose());
    let [sentences, images] = cosines.dims();
    let cosines: Tensor<B, 1> = cosines.reshape([sentences * images]) / temperature;
    let apart =
        cosines.clone().select(0, cells.worse.clone()) - cosines.select(0, cells.better.clone());
    (softplus(apart, 1.0) * cells.weight.clone()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;

    #[test]
    fn the_loss_is_that_of_the_formula() {
        let device = FlexDevice;
        let matrix = |values: [[f32; 2]; 2]| Tensor::<Flex, 2>::from_data(values, &device);
        let cells = RankedCells {
            better: Tensor::from_data([0, 3], &device),
            worse: Tensor::from_data([1, 2], &device),
            weight: Tensor::from_data([0.25, 0.75], &device),
        };
        // Cosines: 1, 0.6; 0, 0.8.
        let loss = claim_ranking(
            matrix([[2.0, 0.0], [0.0, 3.0]]),
            matrix([[1.0, 0.0], [0.6, 0.8]]),
            &cells,
            0.1,
        );
        let softplus = |x: f64| x.exp().ln_1p();
        let wanted = 0.25 * softplus(-4.0) + 0.75 * softplus(-8.0);
        assert!((f64::from(loss.into_scalar()) - wanted).abs() < 1e-6);
    }
}
