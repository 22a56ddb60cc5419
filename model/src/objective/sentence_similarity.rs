//! Sentence similarity matching across patients.

use burn::tensor::{DType, Tensor, TensorData, backend::Backend};

use super::unit_rows;

/// Which cells of the sentence matrix are used, and the cosine they should have.
#[derive(Debug, Clone, PartialEq)]
pub struct SimilarityTarget {
    /// Rows (and columns) of the matrix.
    pub sentences: usize,
    /// Wanted cosine of each cell, 0 where unused.
    pub target: Vec<f32>,
    /// 1 where a cell is used, else 0.
    pub used: Vec<f32>,
    /// Number of used cells.
    pub count: usize,
}

impl SimilarityTarget {
    /// Chooses cells: pairs of different patients whose similarity is surely at or above `positive` (wanted
    /// cosine: the least it can be) or surely at or below `negative` (wanted cosine: 0). The middle decides
    /// nothing.
    ///
    /// `similarity` is `[N, N]` row-major and holds the least and the most that each can be, `patients` has one
    /// entry per sentence.
    pub fn new(similarity: &[[f32; 2]], patients: &[usize], positive: f64, negative: f64) -> Self {
        let sentences = patients.len();
        let mut target = vec![0.0; sentences * sentences];
        let mut used = target.clone();
        let mut count = 0;
        for row in 0..sentences {
            for column in 0..sentences {
                let cell = row * sentences + column;
                let Some(&[least, most]) = similarity.get(cell) else { continue };
                if patients[row] == patients[column] {
                    continue;
                }
                // The two widths of float differ in the last bits of a round threshold.
                let is_positive = least >= positive as f32;
                if is_positive || most <= negative as f32 {
                    target[cell] = if is_positive { least } else { 0.0 };
                    used[cell] = 1.0;
                    count += 1;
                }
            }
        }
        Self { sentences, target, used, count }
    }
}

/// Mean over the used cells of `|p - g|`, where p is the cosine of two sentence-wise image features and g the
/// wanted one; `None` when no cell is used.
///
/// The `SSM` term of MG-3D (arXiv 2412.05876): `|P (A + N) - G A|` with positives A and negatives N. The
/// released code divides by all cells, so its weight falls with the share of undecided pairs.
///
/// # Shapes
/// - features: `[N, P]`, one row per sentence of the batch
/// - output: `[1]`
pub fn sentence_similarity<B: Backend>(
    features: Tensor<B, 2>,
    target: &SimilarityTarget,
) -> Option<Tensor<B, 1>> {
    if target.count == 0 {
        return None;
    }
    let device = features.device();
    let matrix = |values: &Vec<f32>| {
        let data = TensorData::new(values.clone(), [target.sentences, target.sentences]);
        Tensor::<B, 2>::from_data(data, (&device, DType::F32))
    };
    let rows = unit_rows(features);
    let cosine = rows.clone().matmul(rows.transpose());
    let difference = (cosine - matrix(&target.target)) * matrix(&target.used);
    Some(difference.abs().sum() / target.count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_decided_pairs_of_different_patients_are_used() {
        let known = |value: f32| [value, value];
        let similarity = [
            known(1.0),
            known(0.95),
            known(0.7),
            known(0.95),
            known(1.0),
            known(-0.8),
            [0.0, 0.7],
            [0.0, 1.0],
            known(1.0),
        ];
        let target = SimilarityTarget::new(&similarity, &[0, 1, 2], 0.9, 0.6);
        assert_eq!(target.used, [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(target.target, [0.0, 0.95, 0.0, 0.95, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(target.count, 3);
        // Crowded out of the table, yet sure: the same claim, and too little in common.
        let bounded = [known(1.0), [0.9, 1.0], [0.0, 0.6], known(1.0)];
        let target = SimilarityTarget::new(&bounded, &[0, 1], 0.9, 0.6);
        assert_eq!(
            (target.used, target.target),
            (vec![0.0, 1.0, 1.0, 0.0], vec![0.0, 0.9, 0.0, 0.0])
        );
        let one_patient = SimilarityTarget::new(&similarity, &[0, 0, 0], 0.9, 0.6);
        assert_eq!(one_patient.count, 0);
        assert_eq!(SimilarityTarget::new(&[], &[0, 1], 0.9, 0.6).count, 0);
    }
}
