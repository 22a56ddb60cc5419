//! Retrieval between two sets of vectors.

/// Rank from 1 of gallery row i for query row i, by dot product. Ties rank against the query, so a model that
/// gives everything one score does not retrieve.
pub fn ranks(queries: &[Vec<f64>], gallery: &[Vec<f64>]) -> Vec<usize> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    queries
        .iter()
        .enumerate()
        .map(|(index, query)| {
            let own = dot(query, &gallery[index]);
            gallery.iter().filter(|other| dot(query, other) >= own).count()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_count_what_scores_at_least_as_high() {
        let queries = vec![vec![1.0, 0.0], vec![0.0, 1.0], vec![1.0, 1.0]];
        let gallery = vec![vec![0.9, 0.0], vec![1.0, 0.2], vec![0.3, 0.3]];
        assert_eq!(ranks(&queries, &gallery), [2, 2, 3]);
        let same = vec![vec![1.0]; 4];
        assert_eq!(ranks(&same, &same), [4, 4, 4, 4]);
    }
}
