//! An epoch cut into batches of samples of similar length, so that little of a batch is padding.

use crate::draws::Draws;

/// Batches among which samples are sorted: a batch spans about this part of the range of lengths, and a sample still
/// meets others in each epoch.
const WINDOW_BATCHES: usize = 64;

/// Arranges `items`, which come in random order, in batches of `batch` places. Within a window of batches samples stand
/// by length; the batches of a window come in random order. Places of the last batch that no item takes are `None`.
pub(super) fn bucketed(
    items: &[u32],
    length_of: impl Fn(u32) -> u32,
    batch: usize,
    draws: &mut Draws,
) -> Vec<Option<u32>> {
    let mut arranged = Vec::with_capacity(items.len().next_multiple_of(batch));
    for window in items.chunks(batch * WINDOW_BATCHES) {
        let mut window = window.to_vec();
        // The sort is stable: samples of one length keep their random order.
        window.sort_by_key(|&item| std::cmp::Reverse(length_of(item)));
        let batches: Vec<&[u32]> = window.chunks(batch).collect();
        for number in draws.permutation(batches.len() as u32) {
            let chosen = batches[number as usize];
            arranged.extend(chosen.iter().copied().map(Some));
            arranged.extend(std::iter::repeat_n(None, batch - chosen.len()));
        }
    }
    arranged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_padding_and_batches_come_in_any_order() {
        // Depths of scans: 40 to 639 slices, any of them as likely.
        let mut draws = Draws::new("test", 1, 2);
        let lengths: Vec<u32> = (0..4000).map(|_| 40 + draws.below(600)).collect();
        let items: Vec<u32> = (0..4000).collect();
        let batch = 8;
        let padding = |order: &[Option<u32>]| {
            let (mut filled, mut all) = (0, 0);
            for batch in order.chunks(batch) {
                let of = |item: &u32| lengths[*item as usize];
                let batch: Vec<u32> = batch.iter().flatten().map(of).collect();
                filled += batch.iter().sum::<u32>();
                all += batch.iter().max().expect("not empty") * batch.len() as u32;
            }
            100.0 * f64::from(all - filled) / f64::from(all)
        };
        let plain: Vec<Option<u32>> = items.iter().copied().map(Some).collect();
        let order = bucketed(&items, |item| lengths[item as usize], batch, &mut draws);
        assert!(padding(&plain) > 30.0 && padding(&order) < 3.0, "{}", padding(&order));
        let mut seen: Vec<u32> = order.iter().flatten().copied().collect();
        seen.sort_unstable();
        assert_eq!(seen, items);
        let longest: Vec<u32> =
            order.chunks(batch).map(|b| lengths[b[0].expect("full") as usize]).collect();
        let falls = longest.windows(2).filter(|pair| pair[0] > pair[1]).count();
        assert!((150..350).contains(&falls), "{falls} of 499: long ones do not come first");
    }
}
