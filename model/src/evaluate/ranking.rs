//! Area under the receiver operating characteristic, and average precision.

/// One set of scores, prepared for many weightings.
///
/// The area is the chance that a positive scores above a negative, ties counting half (Hanley and `McNeil`,
/// 1982): the Mann-Whitney statistic over the number of pairs. The average precision is the sum over thresholds of the
/// precision times the rise of the recall, as scikit-learn has it.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// Item and whether it is positive, by ascending score.
    order: Vec<(usize, bool)>,
    /// Length of each run of equal scores, in order.
    ties: Vec<usize>,
}

impl Ranking {
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

    /// Weight of positives and negatives of each score, ascending.
    fn groups(&self, weights: &[f64]) -> impl DoubleEndedIterator<Item = [f64; 2]> {
        let mut rest = self.order.as_slice();
        let mut groups = Vec::with_capacity(self.ties.len());
        for &length in &self.ties {
            let (group, after) = rest.split_at(length);
            rest = after;
            let (mut positive, mut negative) = (0.0, 0.0);
            for &(item, is_positive) in group {
                *(if is_positive { &mut positive } else { &mut negative }) += weights[item];
            }
            groups.push([positive, negative]);
        }
        groups.into_iter()
    }

    /// Average precision with every item weighted, or `None` when one class has no weight.
    pub fn average_precision(&self, weights: &[f64]) -> Option<f64> {
        let (mut positives, mut negatives, mut sum) = (0.0, 0.0, 0.0);
        for [positive, negative] in self.groups(weights).rev() {
            positives += positive;
            negatives += negative;
            if positive > 0.0 {
                sum += positive * positives / (positives + negatives);
            }
        }
        (positives > 0.0 && negatives > 0.0).then(|| sum / positives)
    }

    /// The area with every item weighted, or `None` when one class has no weight.
    pub fn auroc(&self, weights: &[f64]) -> Option<f64> {
        let (mut positives, mut negatives, mut pairs) = (0.0, 0.0, 0.0);
        for [positive, negative] in self.groups(weights) {
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
            let found = Ranking::new(&scores, &positive).auroc(&weights);
            let expected = plain(&scores, &positive, &weights);
            match (found, expected) {
                (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-12),
                other => assert_eq!(other, (None, None)),
            }
        }
    }

    #[test]
    fn average_precision_is_that_of_scikit_learn() {
        let known = |positive: &[bool]| -> Vec<Option<bool>> {
            positive.iter().copied().map(Some).collect()
        };
        let of = |scores: &[f64], positive: &[bool], weights: &[f64]| {
            Ranking::new(scores, &known(positive)).average_precision(weights)
        };
        let close = |found: Option<f64>, wanted: f64| {
            assert!((found.expect("both classes") - wanted).abs() < 1e-12, "{found:?} {wanted}");
        };
        // The example of `average_precision_score`.
        let (scores, truth) = ([0.1, 0.4, 0.35, 0.8], [false, false, true, true]);
        close(of(&scores, &truth, &[1.0; 4]), 5.0 / 6.0);
        // Ties are one threshold: 2 of 3 at the first, then 3 of 5.
        let (scores, truth) = ([2.0, 2.0, 2.0, 1.0, 0.0], [true, false, true, false, true]);
        close(of(&scores, &truth, &[1.0; 5]), 2.0 / 3.0 * 2.0 / 3.0 + 1.0 / 3.0 * 3.0 / 5.0);
        // A weight of 2 is an item that stands twice.
        let twice = ([0.4, 0.4, 0.3, 0.2], [true, true, false, true]);
        let once = ([0.4, 0.3, 0.2], [true, false, true]);
        let found = of(&once.0, &once.1, &[2.0, 1.0, 1.0]);
        close(found, of(&twice.0, &twice.1, &[1.0; 4]).expect("both classes"));
        assert_eq!(of(&[1.0, 2.0], &[true, true], &[1.0, 1.0]), None);
    }

    #[test]
    fn one_class_has_no_area() {
        let ranking = Ranking::new(&[0.1, 0.2], &[Some(true), None]);
        assert_eq!(ranking.auroc(&[1.0, 1.0]), None);
        assert_eq!(ranking.count(), 1);
    }
}
