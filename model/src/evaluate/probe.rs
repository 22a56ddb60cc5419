//! Logistic regression on frozen features.

/// A fitted linear probe.
///
/// Features are standardised with the training mean and deviation. The weights minimise
/// `sum log(1 + exp(-y z)) + ridge / 2 |w|^2` by Newton's method; the intercept is not penalised.
#[derive(Debug, Clone)]
pub struct LinearProbe {
    mean: Vec<f64>,
    deviation: Vec<f64>,
    /// One weight a feature, then the intercept.
    weights: Vec<f64>,
}

impl LinearProbe {
    /// Fits on rows of features, or `None` when a class is absent or the system cannot be solved.
    pub fn fit(features: &[&[f64]], positive: &[bool], ridge: f64) -> Option<Self> {
        let count = features.len() as f64;
        let dim = features.first()?.len();
        if positive.iter().all(|&positive| positive) || !positive.contains(&true) {
            return None;
        }
        let mean: Vec<f64> =
            (0..dim).map(|d| features.iter().map(|row| row[d]).sum::<f64>() / count).collect();
        let deviation = (0..dim)
            .map(|d| {
                let sum: f64 = features.iter().map(|row| (row[d] - mean[d]).powi(2)).sum();
                // A constant feature carries nothing and stays 0 after centring.
                (sum / count).sqrt().max(1e-9)
            })
            .collect();
        let mut probe = Self { mean, deviation, weights: vec![0.0; dim + 1] };
        let rows: Vec<Vec<f64>> = features.iter().map(|row| probe.standardise(row)).collect();
        for _ in 0..50 {
            let change = probe.newton_step(&rows, positive, ridge)?;
            let size = change.iter().fold(0.0f64, |size, value| size.max(value.abs()));
            for (weight, change) in probe.weights.iter_mut().zip(change) {
                *weight -= change;
            }
            if size < 1e-10 {
                break;
            }
        }
        probe.weights.iter().all(|weight| weight.is_finite()).then_some(probe)
    }

    /// Log odds of a row of features.
    pub fn score(&self, features: &[f64]) -> f64 {
        dot(&self.weights, &self.standardise(features))
    }

    fn standardise(&self, row: &[f64]) -> Vec<f64> {
        row.iter()
            .zip(&self.mean)
            .zip(&self.deviation)
            .map(|((value, mean), deviation)| (value - mean) / deviation)
            .chain([1.0])
            .collect()
    }

    /// Solves Hessian x change = gradient.
    fn newton_step(&self, rows: &[Vec<f64>], positive: &[bool], ridge: f64) -> Option<Vec<f64>> {
        let size = self.weights.len();
        let mut hessian = vec![vec![0.0; size]; size];
        let mut gradient = vec![0.0; size];
        for index in 0..size - 1 {
            hessian[index][index] = ridge;
            gradient[index] = ridge * self.weights[index];
        }
        // Keeps the intercept's row definite when the fit saturates.
        hessian[size - 1][size - 1] = 1e-9;
        for (row, &positive) in rows.iter().zip(positive) {
            let chance = 1.0 / (1.0 + (-dot(&self.weights, row)).exp());
            let slope = chance - f64::from(u8::from(positive));
            let curvature = chance * (1.0 - chance);
            for i in 0..size {
                gradient[i] += slope * row[i];
                let scaled = curvature * row[i];
                for j in 0..=i {
                    hessian[i][j] += scaled * row[j];
                }
            }
        }
        solve(hessian, gradient)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves a symmetric positive definite system, given by its lower triangle, by Cholesky's method.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for i in 0..size {
        for j in 0..=i {
            let sum = matrix[i][j] - dot(&matrix[i][..j], &matrix[j][..j]);
            if i == j {
                if sum <= 0.0 {
                    return None;
                }
                matrix[i][i] = sum.sqrt();
            } else {
                matrix[i][j] = sum / matrix[j][j];
            }
        }
    }
    for i in 0..size {
        right[i] = (right[i] - dot(&matrix[i][..i], &right[..i])) / matrix[i][i];
    }
    for i in (0..size).rev() {
        let sum: f64 = (i + 1..size).map(|j| matrix[j][i] * right[j]).sum();
        right[i] = (right[i] - sum) / matrix[i][i];
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn the_fit_is_stationary_and_separates() {
        let mut stream = Stream::new(1, "probe", 0);
        let rows: Vec<Vec<f64>> =
            (0..80).map(|_| (0..4).map(|_| stream.normal() * 3.0 + 1.0).collect()).collect();
        let positive: Vec<bool> =
            rows.iter().map(|row| row[1] - 0.5 * row[3] + stream.normal() > 0.5).collect();
        let slices: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        let probe = LinearProbe::fit(&slices, &positive, 1.0).expect("fit");
        // The gradient of the penalised likelihood vanishes.
        for feature in 0..5 {
            let slope: f64 = rows
                .iter()
                .zip(&positive)
                .map(|(row, &positive)| {
                    let chance = 1.0 / (1.0 + (-probe.score(row)).exp());
                    (chance - f64::from(u8::from(positive))) * probe.standardise(row)[feature]
                })
                .sum();
            let penalty = if feature < 4 { probe.weights[feature] } else { 0.0 };
            assert!((slope + penalty).abs() < 1e-6, "{feature}: {slope} {penalty}");
        }
        let right = rows
            .iter()
            .zip(&positive)
            .filter(|(row, positive)| (probe.score(row) > 0.0) == **positive);
        assert!(right.count() > 65);
    }

    #[test]
    fn one_class_cannot_be_fitted() {
        assert!(LinearProbe::fit(&[&[1.0], &[2.0]], &[true, true], 1.0).is_none());
        assert!(LinearProbe::fit(&[], &[], 1.0).is_none());
    }
}
