//! Finds phrases of the lexicon in a sentence: whole words only, leftmost and longest first.

use super::lexicon::{Lexicon, Meaning};
use super::shadow::Shadow;
use super::token::Token;
use super::types::Side;

/// A phrase found in a sentence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    /// First byte in the shadow.
    pub(super) start: usize,
    /// One past the last byte in the shadow.
    pub(super) end: usize,
    /// First token.
    pub(super) first: usize,
    /// One past the last token.
    pub(super) last: usize,
    /// Position in the table of concepts, cues or changes.
    pub(super) entry: usize,
    /// Side that a concept's wording adds.
    pub(super) side: Option<Side>,
}

/// Everything the lexicon finds in one sentence, each list in text order without overlaps.
pub(super) struct Hits {
    pub(super) concepts: Vec<Hit>,
    pub(super) cues: Vec<Hit>,
    pub(super) changes: Vec<Hit>,
}

/// Looks the sentence up in the lexicon.
pub(super) fn find_hits(lexicon: &Lexicon, shadow: &Shadow, tokens: &[Token]) -> Hits {
    let bytes = shadow.text.as_bytes();
    let mut matches: Vec<(usize, usize, &Meaning)> = Vec::new();
    for found in lexicon.automaton.find_overlapping_iter(&shadow.text) {
        let (start, end) = (found.start(), found.end());
        let splits_start = start > 0 && in_word(bytes, start - 1) && in_word(bytes, start);
        let splits_end = in_word(bytes, end.wrapping_sub(1)) && in_word(bytes, end);
        let whole = !splits_start && !splits_end;
        if whole && let Some(meaning) = lexicon.meanings.get(found.pattern().as_usize()) {
            matches.push((start, end, meaning));
        }
    }
    matches.sort_by_key(|&(start, end, _)| (start, std::cmp::Reverse(end)));
    Hits {
        concepts: select(&matches, tokens, |meaning| meaning.concept),
        cues: select(&matches, tokens, |meaning| meaning.cue.map(|entry| (entry, None))),
        changes: select(&matches, tokens, |meaning| meaning.change.map(|entry| (entry, None))),
    }
}

/// Whether the byte belongs to a letter or digit; bytes of other scripts count as letters.
fn in_word(bytes: &[u8], position: usize) -> bool {
    bytes.get(position).is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
}

/// The leftmost-longest matches of one table.
fn select(
    matches: &[(usize, usize, &Meaning)],
    tokens: &[Token],
    entry_of: impl Fn(&Meaning) -> Option<(usize, Option<Side>)>,
) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut free_from = 0;
    for &(start, end, meaning) in matches {
        if start < free_from {
            continue;
        }
        if let Some((entry, side)) = entry_of(meaning) {
            let first = tokens.partition_point(|token| token.end <= start);
            let last = tokens.partition_point(|token| token.start < end);
            hits.push(Hit { start, end, first, last, entry, side });
            free_from = end;
        }
    }
    hits
}
