//! Masks over a report, on the host: whole words, or whole entity mentions first.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tokenize::{EncodedReport, ReportTokenizer};
use crate::random::Stream;

/// What masked text reconstruction hides as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TextMaskPolicy {
    /// Words, drawn evenly, with all their tokens.
    #[default]
    Word,
    /// Mentions of findings, places, attributes and devices as the report's graph has them, with all
    /// their tokens, until they make up `text_mask_entity_share` of the budget; words outside of
    /// mentions fill the rest.
    Entity,
}

/// Which tokens of a report are masked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextMask {
    /// What is masked as a whole.
    pub policy: TextMaskPolicy,
    /// Share of the words (policy `word`) or tokens (policy `entity`) that are masked; at least one is
    /// where there is any, none when 0.
    pub ratio: f64,
    /// Share of the masked tokens that entity mentions make up.
    pub entity_share: f64,
}

/// A report with masked tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MaskedText {
    /// Token ids after masking, of the report's length.
    pub ids: Vec<u32>,
    /// Positions whose token must be reconstructed, ascending.
    pub positions: Vec<usize>,
}

impl TextMask {
    /// Draws the mask of a report in an `epoch`; a pure function of the seed, the `name` of the study and the epoch.
    ///
    /// What is chosen is hidden with all its tokens: of the words or mentions 80 % become `[MASK]`, 10 %
    /// random tokens, 10 % stay, as in BERT (arXiv 1810.04805). The policy `entity` is that of ERNIE
    /// (arXiv 1904.09223) with a budget: mentions are drawn in random order and taken while they fit
    /// their share of it, words outside of mentions fill the rest, and where those run out further
    /// mentions do. A mention that is longer than the budget is taken only when nothing else is there.
    pub fn draw(
        &self,
        report: &EncodedReport,
        tokenizer: &ReportTokenizer,
        seed: u64,
        name: &str,
        epoch: u64,
    ) -> MaskedText {
        let mut stream = Stream::new(seed, &format!("text-mask {name}"), epoch);
        let mut masked = MaskedText { ids: report.ids.clone(), positions: Vec::new() };
        if self.ratio <= 0.0 {
            return masked;
        }
        let mut chosen = match self.policy {
            TextMaskPolicy::Word => self.words(report, &mut stream),
            TextMaskPolicy::Entity => self.entities(report, &mut stream),
        };
        chosen.sort_unstable();
        let vocabulary = tokenizer.vocabulary_size();
        for tokens in chosen {
            let fate = stream.unit();
            for index in tokens {
                masked.positions.push(index);
                if fate < 0.8 {
                    masked.ids[index] = tokenizer.mask;
                } else if fate < 0.9 {
                    masked.ids[index] = stream.below(vocabulary) as u32;
                }
            }
        }
        masked.positions.sort_unstable();
        masked
    }

    /// Positions of the tokens of each chosen word.
    fn words(&self, report: &EncodedReport, stream: &mut Stream) -> Vec<Vec<usize>> {
        let words = groups(&report.word, |_| true);
        if words.is_empty() {
            return words;
        }
        let count = ((words.len() as f64 * self.ratio).round() as usize).clamp(1, words.len());
        stream.choose(words.len(), count).into_iter().map(|index| words[index].clone()).collect()
    }

    /// Positions of the tokens of each chosen mention and of each chosen word outside of mentions.
    fn entities(&self, report: &EncodedReport, stream: &mut Stream) -> Vec<Vec<usize>> {
        let entities = groups(&report.entity, |_| true);
        let words = groups(&report.word, |index| report.entity[index] < 0);
        let total: usize = entities.iter().chain(&words).map(Vec::len).sum();
        if total == 0 {
            return Vec::new();
        }
        let budget = ((total as f64 * self.ratio).round() as usize).clamp(1, total);
        let share = (budget as f64 * self.entity_share.clamp(0.0, 1.0)).round() as usize;
        let order = stream.draw(entities.len(), entities.len());
        let mut chosen: Vec<&Vec<usize>> = Vec::new();
        let mut used = 0;
        let mut left: Vec<&Vec<usize>> = Vec::new();
        for index in order {
            take(&entities[index], share, &mut used, &mut chosen, Some(&mut left));
        }
        for index in stream.draw(words.len(), words.len()) {
            take(&words[index], budget, &mut used, &mut chosen, None);
        }
        for &mention in &left {
            take(mention, budget, &mut used, &mut chosen, None);
        }
        if chosen.is_empty() {
            // Everything is longer than the budget; the shortest exceeds it least.
            chosen.extend(entities.iter().chain(&words).min_by_key(|tokens| tokens.len()));
        }
        chosen.into_iter().cloned().collect()
    }
}

/// Takes `tokens` when they fit `limit`, else puts them with what is `left`.
fn take<'a>(
    tokens: &'a Vec<usize>,
    limit: usize,
    used: &mut usize,
    chosen: &mut Vec<&'a Vec<usize>>,
    left: Option<&mut Vec<&'a Vec<usize>>>,
) {
    if *used + tokens.len() <= limit {
        *used += tokens.len();
        chosen.push(tokens);
    } else if let Some(left) = left {
        left.push(tokens);
    }
}

/// Positions of equal numbers from 0 on, by number; `keep` says which positions count.
fn groups(numbers: &[i32], keep: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
    for (index, &number) in numbers.iter().enumerate() {
        if number >= 0 && keep(index) {
            groups.entry(number).or_default().push(index);
        }
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
        let entity = vec![-1; 42];
        EncodedReport {
            ids: vec![7; 42],
            sentence: vec![0; 42],
            word,
            entity,
            ..EncodedReport::default()
        }
    }

    /// The same with mentions of one, two and three words and one that parts a word.
    fn with_entities() -> EncodedReport {
        let mut report = report();
        for (entity, tokens) in [(0, 1..3), (1, 7..11), (2, 13..19), (3, 24..26), (4, 31..35)] {
            report.entity[tokens].fill(entity);
        }
        report
    }

    fn words(ratio: f64) -> TextMask {
        TextMask { policy: TextMaskPolicy::Word, ratio, entity_share: 0.5 }
    }

    fn entities(ratio: f64, entity_share: f64) -> TextMask {
        TextMask { policy: TextMaskPolicy::Entity, ratio, entity_share }
    }

    #[test]
    fn whole_words_are_masked_at_the_asked_rate_and_special_tokens_never() {
        let mut fates = [0usize; 3];
        for step in 0..500 {
            let masked = words(0.15).draw(&report(), &tokenizer(), 1, "s", step);
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
        for mask in [words(0.3), entities(0.3, 0.5)] {
            let draw = |seed, step, position: u32| {
                mask.draw(&with_entities(), &tokenizer(), seed, &position.to_string(), step)
            };
            assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
            assert_ne!(draw(1, 2, 3), draw(2, 2, 3));
            assert_ne!(draw(1, 2, 3), draw(1, 3, 3));
            assert_ne!(draw(1, 2, 3), draw(1, 2, 4));
        }
    }

    #[test]
    fn an_entity_mask_is_whole_mentions_and_whole_words_outside_of_them_within_the_budget() {
        let report = with_entities();
        let mut met = BTreeSet::new();
        for (step, ratio, share) in
            (0..300).map(|step| (step, [0.15, 0.3, 0.6][step % 3], [0.0, 0.5, 1.0][step / 3 % 3]))
        {
            let masked = entities(ratio, share).draw(&report, &tokenizer(), 5, "s", step as u64);
            let hidden: BTreeSet<usize> = masked.positions.iter().copied().collect();
            assert_eq!(hidden.len(), masked.positions.len(), "no position twice");
            let budget = (40.0 * ratio).round() as usize;
            assert!(!hidden.is_empty() && hidden.len() <= budget, "{hidden:?}");
            let mut of_entities = 0;
            for position in &hidden {
                assert!(report.word[*position] >= 0, "special tokens stay");
                let whole: Vec<usize> = (0..42)
                    .filter(|&other| match report.entity[*position] {
                        -1 => {
                            report.word[other] == report.word[*position] && report.entity[other] < 0
                        }
                        entity => report.entity[other] == entity,
                    })
                    .collect();
                assert!(whole.iter().all(|token| hidden.contains(token)), "{whole:?}");
                if report.entity[*position] >= 0 {
                    of_entities += 1;
                    met.insert(report.entity[*position]);
                }
            }
            // 22 tokens stand outside of mentions; beyond those, mentions fill the budget.
            let of_share = (budget as f64 * share).round() as usize;
            assert!(of_entities <= of_share.max(budget.saturating_sub(22)), "{of_entities}");
            assert!(hidden.len() + 1 >= budget, "a word of two tokens may not fit: {hidden:?}");
        }
        assert_eq!(met.len(), 5, "every mention is masked at some step");
    }

    #[test]
    fn where_words_run_out_mentions_fill_the_budget_and_a_long_one_is_better_than_none() {
        let mut all = report();
        for (index, entity) in
            all.entity.iter_mut().enumerate().filter(|(at, _)| (1..41).contains(at))
        {
            *entity = (index as i32 - 1) / 4;
        }
        let masked = entities(0.4, 0.25).draw(&all, &tokenizer(), 1, "s", 0);
        assert_eq!(masked.positions.len(), 16, "four mentions of four tokens");
        let masked = entities(0.05, 0.5).draw(&all, &tokenizer(), 1, "s", 0);
        assert_eq!(masked.positions.len(), 4);
        let none = entities(0.0, 0.5).draw(&all, &tokenizer(), 1, "s", 0);
        assert!(none.positions.is_empty());
    }
}
