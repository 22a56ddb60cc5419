//! Intervals by resampling patients.
//!
//! Studies of one patient are not independent, so patients are drawn with replacement and all their studies
//! come along (Efron and Tibshirani, 1993, percentile intervals).

use std::collections::BTreeMap;

use crate::random::Stream;

/// Weights of studies for every resample.
#[derive(Debug, Clone)]
pub struct Resamples {
    weights: Vec<Vec<f64>>,
    studies: usize,
}

impl Resamples {
    /// Draws `count` resamples of the patients of the studies.
    pub fn new(patients: &[String], count: usize, seed: u64) -> Self {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for patient in patients {
            let next = numbers.len();
            numbers.entry(patient).or_insert(next);
        }
        let weights = (0..count)
            .map(|index| {
                let mut stream = Stream::new(seed, "bootstrap", index as u64);
                let mut drawn = vec![0.0; numbers.len()];
                for _ in 0..numbers.len() {
                    drawn[stream.below(numbers.len())] += 1.0;
                }
                patients.iter().map(|patient| drawn[numbers[patient.as_str()]]).collect()
            })
            .collect();
        Self { weights, studies: patients.len() }
    }

    /// Value on all studies, and the 2.5 % and 97.5 % points over the resamples where `metric` is defined; both
    /// equal the value when there is no resample. `None` when the value itself is undefined.
    pub fn interval(&self, metric: impl Fn(&[f64]) -> Option<f64>) -> Option<(f64, f64, f64)> {
        let value = metric(&vec![1.0; self.studies])?;
        let mut values: Vec<f64> =
            self.weights.iter().filter_map(|weights| metric(weights)).collect();
        values.sort_by(f64::total_cmp);
        let point = |share: f64| {
            let place = share * values.len().saturating_sub(1) as f64;
            let (below, above) = (place.floor() as usize, place.ceil() as usize);
            match (values.get(below), values.get(above)) {
                (Some(low), Some(high)) => low + (high - low) * (place - place.floor()),
                _ => value,
            }
        };
        Some((value, point(0.025), point(0.975)))
    }
}

/// Weighted mean of what is given, or `None` without weight.
pub(super) fn weighted_mean(values: &[f64], weights: &[f64]) -> Option<f64> {
    let total: f64 = weights.iter().sum();
    let sum: f64 = values.iter().zip(weights).map(|(value, weight)| value * weight).sum();
    (total > 0.0).then(|| sum / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_is_that_of_theory() {
        let values: Vec<f64> = (0..400).map(|index| f64::from(index % 20)).collect();
        let patients: Vec<String> = (0..400).map(|index| format!("p{index}")).collect();
        let resamples = Resamples::new(&patients, 2000, 1);
        let (value, low, high) =
            resamples.interval(|weights| weighted_mean(&values, weights)).expect("defined");
        // Uniform on 0..=19: variance (20^2 - 1) / 12.
        let half = 1.96 * (399.0f64 / 12.0 / 400.0).sqrt();
        assert!((value - 9.5).abs() < 1e-12);
        assert!((value - low - half).abs() < 0.06 && (high - value - half).abs() < 0.06);
    }

    #[test]
    fn studies_of_a_patient_are_drawn_together() {
        let patients: Vec<String> = (0..40).map(|index| format!("p{}", index / 4)).collect();
        let values: Vec<f64> = (0..40).map(|index| f64::from(index / 4)).collect();
        let resamples = Resamples::new(&patients, 500, 1);
        for weights in &resamples.weights {
            assert_eq!(weights.iter().sum::<f64>() as usize, 40);
            assert!(
                weights
                    .chunks(4)
                    .all(|patient| patient.iter().all(|w| w.total_cmp(&patient[0]).is_eq()))
            );
        }
        let (_, low, high) =
            resamples.interval(|weights| weighted_mean(&values, weights)).expect("defined");
        assert!(high - low > 2.5, "ten patients, not forty studies, set the width");
    }
}
