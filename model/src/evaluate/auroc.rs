//! Area under the receiver operating characteristic.

/// AUROC of one set of scores, prepared for many weightings.
///
/// The area is the chance that a positive scores above a negative, ties counting half (Hanley and `McNeil`,
/// 1982): the Mann-Whitney statistic over the number of pairs.
#[derive(Debug, Clone)]
pub struct Auroc {
    /// Item and whether it is positive, by ascending score.
    order: Vec<(usize, bool)>,
    /// Length of each run of equal scores, in order.
    ties: Vec<usize>,
}

impl Auroc {
    /// Sorts items by score. `positive` is `None` where the truth is unknown; such items take no part.
    pub fn new(scores: &[f64], positive: &[Option<bool>]) -> Self {
        let mut known: Vec<(f64, usize, bool)> = scores
            .iter()
            .zip(positive)
            .enumerate()
            .filter_map(|(item, (&score, positive))| {
                positive.map(|positive| (score, item, positive))
            })
            .collect();
        known.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let ties = known
            .chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq())
            .map(<[(f64, usize, bool)]>::len)
            .collect();
        Self {
            order: known.into_iter().map(|(_, item, positive)| (item, positive)).collect(),
            ties,
        }
    }

    /// Items that take part.
    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// The area with every item weighted, or `None` when one class has no weight.
    pub fn weighted(&self, weights: &[f64]) -> Option<f64> {
        let (mut positives, mut negatives, mut pairs) = (0.0, 0.0, 0.0);
        let mut rest = self.order.as_slice();
        for &length in &self.ties {
            let (group, after) = rest.split_at(length);
            rest = after;
            let (mut positive, mut negative) = (0.0, 0.0);
            for &(item, is_positive) in group {
                *(if is_positive { &mut positive } else { &mut negative }) += weights[item];
            }
            pairs += positive * (negatives + 0.5 * negative);
            positives += positive;
            negatives += negative;
        }
        (positives > 0.0 && negatives > 0.0).then(|| pairs / (positives * negatives))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// The definition, pair by pair.
    fn plain(scores: &[f64], positive: &[Option<bool>], weights: &[f64]) -> Option<f64> {
        let (mut wins, mut pairs) = (0.0, 0.0);
        for i in (0..scores.len()).filter(|&i| positive[i] == Some(true)) {
            for j in (0..scores.len()).filter(|&j| positive[j] == Some(false)) {
                let win = match scores[i].total_cmp(&scores[j]) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
                wins += win * weights[i] * weights[j];
                pairs += weights[i] * weights[j];
            }
        }
        (pairs > 0.0).then(|| wins / pairs)
    }

    #[test]
    fn equals_the_mann_whitney_definition_with_ties_and_weights() {
        for index in 0..50 {
            let mut stream = Stream::new(2, "auroc", index);
            let scores: Vec<f64> = (0..30).map(|_| stream.below(8) as f64 - 4.0).collect();
            let positive: Vec<Option<bool>> =
                (0..30).map(|_| [None, Some(true), Some(false)][stream.below(3)]).collect();
            let weights: Vec<f64> = (0..30).map(|_| stream.below(4) as f64).collect();
            let found = Auroc::new(&scores, &positive).weighted(&weights);
            let expected = plain(&scores, &positive, &weights);
            match (found, expected) {
                (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-12),
                other => assert_eq!(other, (None, None)),
            }
        }
    }

    #[test]
    fn one_class_has_no_area() {
        let auroc = Auroc::new(&[0.1, 0.2], &[Some(true), None]);
        assert_eq!(auroc.weighted(&[1.0, 1.0]), None);
        assert_eq!(auroc.count(), 1);
    }
}
