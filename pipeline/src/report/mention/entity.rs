//! Finds phrases of the lexicon in a sentence: whole words only, leftmost and longest first.

use super::level::is_other_level;
use crate::report::lexicon::{CueCategory, Lexicon, Meaning};
use crate::report::parsed::{NodeKind, Side};
use crate::report::text::{Class, Tokens, WordList};

/// A phrase found in a sentence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    /// First byte in the folded text.
    pub(crate) start: usize,
    /// One past the last byte in the folded text.
    pub(crate) end: usize,
    /// First token.
    pub(crate) first: usize,
    /// One past the last token.
    pub(crate) last: usize,
    /// Position in the table of concepts, cues or changes.
    pub(crate) entry: usize,
    /// Side that a concept's wording adds.
    pub(crate) side: Option<Side>,
}

/// Everything the lexicon finds in one sentence, each list in text order without overlaps.
pub(crate) struct Hits {
    pub(crate) concepts: Vec<Hit>,
    pub(crate) cues: Vec<Hit>,
    pub(crate) changes: Vec<Hit>,
}

/// Looks the sentence up in the lexicon.
pub(crate) fn find_hits(lexicon: &Lexicon, tokens: Tokens<'_>) -> Hits {
    let mut matches: Vec<Match<'_>> = Vec::with_capacity(tokens.len());
    lexicon.phrases.find(tokens.text, tokens.all, |first, last, phrase| {
        if let (Some(meaning), Some(from), Some(to)) =
            (lexicon.meanings.get(phrase), tokens.get(first), tokens.get(last - 1))
            && (to.end - from.start > 1 || !is_other_letter(tokens, first))
            && !is_other_level(tokens, first, last)
        {
            matches.push(Match { start: from.start, end: to.end, first, last, meaning });
        }
    });
    let concepts = select(&matches, |_, meaning| meaning.concept);
    let cues = select(&matches, |limits, meaning| {
        let entry = meaning.cue.filter(|&cue| !cuts_finding(lexicon, &concepts, limits, cue))?;
        Some((entry, None))
    });
    let changes = select(&matches, |_, meaning| Some((meaning.change?, None)));
    Hits { concepts, cues, changes }
}

/// `R effusion` and `R/L lung` name a side; `1.5 l`, `L spine`, `L 5`, `r/o`, `Dr R Jones`, `type L` and
/// `L-shaped` do not. `R and L effusions` are on both sides, which one letter alone would not say.
fn is_other_letter(tokens: Tokens<'_>, at: usize) -> bool {
    let side = |at: usize| tokens.is(at, WordList::SideLetter);
    if !side(at) {
        return false;
    }
    // Before the first token there is none.
    let back = |steps: usize| at.checked_sub(steps).unwrap_or(usize::MAX);
    if tokens.class(back(1)) == Some(Class::Number)
        || tokens.is(back(1), WordList::BeforeLetter)
        || tokens.is(at + 1, WordList::AfterLetter)
    {
        return true;
    }
    let joins = |at: usize| {
        tokens.is(at, WordList::JoinsSides)
            || matches!(tokens.word(at), "&" | "+" | "," | ">" | "<" | "=")
    };
    if joins(at + 1) && side(at + 2) || joins(back(1)) && side(back(2)) {
        return true;
    }
    let next = if tokens.word(at + 1) == "/" { at + 2 } else { at + 1 };
    let level = tokens.is(next, WordList::LevelNoun);
    let names = side(next) || !level && tokens.word(next).len() > 1;
    !names || tokens.class(next) != Some(Class::Word)
}

/// In `no increase in density` the phrase `no increase`, which looks like a denial of change only,
/// runs into a finding: there `no` alone is the cue.
fn cuts_finding(
    lexicon: &Lexicon,
    concepts: &[Hit],
    (start, end): (usize, usize),
    cue: usize,
) -> bool {
    let pseudo = lexicon.cues.get(cue).is_some_and(|cue| cue.category == CueCategory::Pseudo);
    let near = concepts.partition_point(|hit| hit.end <= start);
    pseudo
        && concepts.get(near..).unwrap_or_default().iter().take_while(|hit| hit.start < end).any(
            |hit| {
                let finding = matches!(
                    lexicon.kind(hit.entry),
                    NodeKind::Observation | NodeKind::Device | NodeKind::Procedure
                );
                finding && hit.start > start && hit.end > end
            },
        )
}

/// A phrase of any table in the sentence.
struct Match<'a> {
    start: usize,
    end: usize,
    first: usize,
    last: usize,
    meaning: &'a Meaning,
}

/// The leftmost-longest matches of one table; `matches` come in that order.
fn select(
    matches: &[Match<'_>],
    entry_of: impl Fn((usize, usize), &Meaning) -> Option<(usize, Option<Side>)>,
) -> Vec<Hit> {
    let mut hits = Vec::with_capacity(matches.len());
    let mut free_from = 0;
    for found in matches {
        if found.start < free_from {
            continue;
        }
        let &Match { start, end, first, last, meaning } = found;
        if let Some((entry, side)) = entry_of((start, end), meaning) {
            hits.push(Hit { start, end, first, last, entry, side });
            free_from = end;
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::{FoldedText, tokenise};

    #[test]
    fn single_letters_are_sides_only_before_a_name() {
        let lexicon = Lexicon::builtin().expect("the built-in lexicon loads");
        let sides = |text: &str| -> Vec<Option<Side>> {
            let folded = FoldedText::new(text, 0, text.len());
            let all = tokenise(&lexicon.words, &folded.text);
            let hits = find_hits(
                &lexicon,
                Tokens { text: &folded.text, all: &all, lists: &lexicon.words },
            )
            .concepts;
            hits.iter().filter(|hit| hit.end - hit.start == 1).map(|hit| hit.side).collect()
        };
        assert_eq!(sides("Small R effusion."), [Some(Side::Right)]);
        assert_eq!(sides("R/L lower lobes"), [Some(Side::Right), Some(Side::Left)]);
        for text in ["1.5 L of fluid", "L spine is normal", "r/o PE", "L 5 fracture", "L. Smith"] {
            assert_eq!(sides(text), [], "{text}");
        }
    }
}
