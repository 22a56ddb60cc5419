//! Whole-word masking of a report, on the host.

use super::tokenize::{EncodedReport, ReportTokenizer};
use crate::random::Stream;

/// A report with masked words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MaskedText {
    /// Token ids after masking, of the report's length.
    pub ids: Vec<u32>,
    /// Positions whose token must be reconstructed, ascending.
    pub positions: Vec<usize>,
}

/// Chooses `ratio` of the words (at least one when there is any) and hides all their tokens: 80 % of the
/// chosen words become `[MASK]`, 10 % random tokens, 10 % stay, as in BERT (arXiv 1810.04805).
pub fn mask_words(
    report: &EncodedReport,
    tokenizer: &ReportTokenizer,
    ratio: f64,
    seed: u64,
    step: u64,
    position: usize,
) -> MaskedText {
    let mut stream = Stream::new(seed, &format!("text-mask-{position}"), step);
    let mut words: Vec<i32> = report.word.iter().copied().filter(|&word| word >= 0).collect();
    words.dedup();
    if words.is_empty() || ratio <= 0.0 {
        return MaskedText { ids: report.ids.clone(), positions: Vec::new() };
    }
    let count = ((words.len() as f64 * ratio).round() as usize).clamp(1, words.len());
    let chosen: Vec<i32> =
        stream.choose(words.len(), count).into_iter().map(|index| words[index]).collect();
    let vocabulary = tokenizer.vocabulary_size();
    let mut masked = MaskedText { ids: report.ids.clone(), positions: Vec::new() };
    let mut current = (-1, 0.0);
    for (index, word) in report.word.iter().enumerate() {
        if *word < 0 || chosen.binary_search(word).is_err() {
            continue;
        }
        if current.0 != *word {
            current = (*word, stream.unit());
        }
        masked.positions.push(index);
        if current.1 < 0.8 {
            masked.ids[index] = tokenizer.mask;
        } else if current.1 < 0.9 {
            masked.ids[index] = stream.below(vocabulary) as u32;
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::build_vocabulary;

    fn tokenizer() -> ReportTokenizer {
        let json = build_vocabulary(["a b c d e f g h i j"], 100).expect("vocabulary");
        ReportTokenizer::from_json(&json).expect("tokenizer")
    }

    /// A report of 20 words with two tokens each.
    fn report() -> EncodedReport {
        let word: Vec<i32> =
            std::iter::once(-1).chain((0..40).map(|index| index / 2)).chain([-1]).collect();
        EncodedReport { ids: vec![7; 42], sentence: vec![0; 42], word, dropped: 0 }
    }

    #[test]
    fn whole_words_are_masked_at_the_asked_rate_and_special_tokens_never() {
        let mut fates = [0usize; 3];
        for step in 0..500 {
            let masked = mask_words(&report(), &tokenizer(), 0.15, 1, step, 0);
            assert_eq!(masked.positions.len(), 6, "3 of 20 words, two tokens each");
            for pair in masked.positions.chunks(2) {
                assert_eq!(report().word[pair[0]], report().word[pair[1]]);
                let mask = tokenizer().mask;
                match (masked.ids[pair[0]] == mask, masked.ids[pair[0]] == 7) {
                    (true, _) => fates[0] += 1,
                    (_, true) => fates[2] += 1,
                    _ => fates[1] += 1,
                }
            }
            assert!(!masked.positions.contains(&0) && !masked.positions.contains(&41));
            for (index, id) in masked.ids.iter().enumerate() {
                assert!(masked.positions.contains(&index) || *id == 7);
            }
        }
        // 1500 words; a random token is the old one or [MASK] in 2 of 15 draws.
        assert!((1150..1270).contains(&fates[0]), "{fates:?}");
        assert!((90..190).contains(&fates[1]), "{fates:?}");
    }

    #[test]
    fn masks_depend_on_seed_step_and_position_only() {
        let draw =
            |seed, step, position| mask_words(&report(), &tokenizer(), 0.3, seed, step, position);
        assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
        assert_ne!(draw(1, 2, 3), draw(2, 2, 3));
        assert_ne!(draw(1, 2, 3), draw(1, 3, 3));
        assert_ne!(draw(1, 2, 3), draw(1, 2, 4));
    }
}
