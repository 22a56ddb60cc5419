//! Gives findings their change against an earlier examination.

use super::clause::{Clause, subject_clause};
use super::entity::Hit;
use crate::report::lexicon::{ChangeEntry, Direction, Lexicon, NeedsPrior};
use crate::report::parsed::Change;
use crate::report::text::{Class, SPACED_DASH, Token, Tokens, WordList};

/// A mention that can change.
pub(crate) struct Candidate {
    /// Position in the caller's list.
    pub(crate) mention: usize,
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) clause: usize,
}

/// A change found for a mention, with the limits in the folded text of its words.
pub(crate) struct Changed {
    pub(crate) mention: usize,
    pub(crate) change: Change,
    pub(crate) cue: (usize, usize),
}

/// How far ahead of its noun an adjective such as `new` may stand, in tokens.
const ADJECTIVE_REACH: usize = 8;

/// What `not seen in the previous examination` says of the finding before it.
const APPEARED: ChangeEntry = ChangeEntry {
    change: Some(Change::New),
    direction: Direction::Backward,
    needs_prior: NeedsPrior::Never,
};

/// The changes of a sentence: first those of `denied_before`, cues that deny a finding in an earlier
/// examination, then those of the change phrases, in text order.
pub(crate) fn find_changes(
    lexicon: &Lexicon,
    tokens: Tokens<'_>,
    clauses: &[Clause],
    (hits, denied_before): (&[Hit], &[Hit]),
    candidates: &[Candidate],
) -> Vec<Changed> {
    let prior = std::cell::LazyCell::new(|| speaks_of_earlier(tokens));
    let mut found = Vec::new();
    for hit in denied_before {
        let clause = clauses.partition_point(|clause| clause.last <= hit.first);
        for mention in targets(&APPEARED, hit, (tokens, clauses), clause, candidates, false) {
            found.push(Changed { mention, change: Change::New, cue: (hit.start, hit.end) });
        }
    }
    for hit in hits {
        let Some(entry) = lexicon.changes.get(hit.entry) else { continue };
        let Some(change) = entry.change else { continue };
        if compares_things(tokens, hit, *prior) {
            continue;
        }
        let alone = stands_alone(tokens, hit);
        let adjective_only = match entry.needs_prior {
            _ if alone => false,
            NeedsPrior::Always if !*prior => continue,
            NeedsPrior::AtEnd if !ends_statement(tokens, hit) => continue,
            NeedsPrior::AsPredicate => !*prior,
            NeedsPrior::Always | NeedsPrior::Never | NeedsPrior::AtEnd => false,
        };
        let clause = clauses.partition_point(|clause| clause.last <= hit.first);
        let entry = ChangeEntry { direction: direction_of(entry, alone), ..*entry };
        for mention in targets(&entry, hit, (tokens, clauses), clause, candidates, adjective_only) {
            found.push(Changed { mention, change, cue: (hit.start, hit.end) });
        }
    }
    found
}

/// Whether the sentence names an earlier examination or its date (`than in May`, `since 2019`).
fn speaks_of_earlier(tokens: Tokens<'_>) -> bool {
    (0..tokens.len()).any(|at| {
        let led = at.checked_sub(1).is_some_and(|before| {
            tokens.class(before) == Some(Class::Preposition)
                || tokens.is(before, WordList::Comparison)
        });
        tokens.is(at, WordList::Comparison)
            || led && !tokens.is(at, WordList::EarlierSize) && names_time(tokens, at)
    })
}

/// `Larger on the right`, `smaller than the left one`, `less than 5 mm`: compared with a place, a thing or a number
/// and not with an earlier examination.
fn compares_things(tokens: Tokens<'_>, hit: &Hit, prior: bool) -> bool {
    const REACH: usize = 5;
    if !tokens.is(hit.last.wrapping_sub(1), WordList::Comparative) {
        return false;
    }
    let near = || hit.last + 1..hit.last + REACH;
    if tokens.is(hit.last, WordList::Than) {
        return !near().any(|at| names_time(tokens, at));
    }
    let now = || near().any(|at| tokens.is(at, WordList::PresentSize));
    !prior && tokens.is(hit.last, WordList::PlaceOfComparison) && !now()
}

/// Whether the word speaks of an earlier examination or of a date.
fn names_time(tokens: Tokens<'_>, at: usize) -> bool {
    let word = tokens.word(at);
    let year = word.len() == 4 && (word.starts_with("19") || word.starts_with("20"));
    let led = || tokens.class(at.wrapping_sub(1)) == Some(Class::Preposition);
    tokens.is(at, WordList::Comparison)
        || tokens.is(at, WordList::EarlierSize)
        || tokens.is(at, WordList::EarlierAdverb)
        || tokens.is(at, WordList::Month) && led()
        || year && tokens.class(at) == Some(Class::Number)
}

/// Whether the phrase is the last of its statement and not joined to another by `and`.
fn ends_statement(tokens: Tokens<'_>, hit: &Hit) -> bool {
    let after = tokens.class(hit.last);
    let ends = after.is_none_or(|after| {
        matches!(after, Class::Comma | Class::Close | Class::Semicolon | Class::Mark)
    });
    ends && !hit.first.checked_sub(1).is_some_and(|before| tokens.is(before, WordList::And))
}

/// `Effusion, decreased.`, `effusion (new)`: nothing else stands between the marks around the phrase.
fn stands_alone(tokens: Tokens<'_>, hit: &Hit) -> bool {
    let first = (0..=hit.first).rev().find(|&at| at == 0 || !tokens.is(at - 1, WordList::Degree));
    let before = first.and_then(|first| first.checked_sub(1));
    let after = tokens.class(hit.last);
    let opens = before.is_some_and(|before| {
        matches!(
            tokens.class(before),
            Some(Class::Comma | Class::Open | Class::Semicolon | Class::Colon)
        ) || tokens.word(before) == SPACED_DASH
    });
    opens
        && after.is_none_or(|after| {
            matches!(after, Class::Comma | Class::Close | Class::Semicolon | Class::Mark)
        })
}

/// A phrase that stands alone is about what precedes it, whatever it is about elsewhere.
fn direction_of(entry: &ChangeEntry, alone: bool) -> Direction {
    if alone { Direction::Backward } else { entry.direction }
}

/// `Effusion is seen, and its amount has decreased`.
fn speaks_of_earlier_subject(tokens: Tokens<'_>, clause: &Clause) -> bool {
    let own = tokens.all.get(clause.first..clause.last).unwrap_or_default();
    own.iter()
        .find(|token| !matches!(token.class, Class::Comma | Class::Conjunction))
        .is_some_and(|token| token.is(WordList::Pronoun))
}

/// The findings that a change phrase is about; with `adjective_only`, one right after it or none.
fn targets(
    entry: &ChangeEntry,
    hit: &Hit,
    (tokens, clauses): (Tokens<'_>, &[Clause]),
    clause: usize,
    candidates: &[Candidate],
    adjective_only: bool,
) -> Vec<usize> {
    let is_forward = entry.direction == Direction::Forward;
    // `Similar to prior, there is an opacity.`
    if opens_with_comma(tokens, clauses.get(clause), hit) && entry.direction != Direction::Backward
    {
        let next = candidates.iter().find(|c| c.clause >= clause && c.first >= hit.last);
        return next.map(|next| next.mention).into_iter().collect();
    }
    if (is_forward || entry.direction == Direction::Both)
        && let Some(next) = candidates.iter().find(|c| c.clause == clause && c.first >= hit.last)
    {
        let gap = tokens.all.get(hit.last..next.first).unwrap_or_default();
        // `no change in the effusion`, unless a finding stands before as the subject.
        let subject = candidates.iter().any(|c| c.clause == clause && c.last <= hit.first);
        let of_phrase = is_forward || !subject && is_of_phrase(gap);
        let close = !gap
            .iter()
            .any(|t| matches!(t.class, Class::Preposition | Class::Comma | Class::Relative));
        if may_be_adjective(gap) && (of_phrase && !adjective_only || close) {
            // `Resolution of A and B`
            let leads =
                tokens.class(hit.last.wrapping_sub(1)) == Some(Class::Preposition) || !close;
            if !leads {
                return vec![next.mention];
            }
            let following: Vec<&Candidate> =
                candidates.iter().filter(|c| c.clause == clause && c.first >= hit.last).collect();
            return listed_with_first(tokens, &following);
        }
    }
    if is_forward || adjective_only {
        return Vec::new();
    }
    let before =
        |at: usize| candidates.iter().filter(move |c| c.clause == at && c.last <= hit.first);
    let mut subjects: Vec<&Candidate> = before(clause).collect();
    // `Consolidation resolved, effusion persists.`
    if let Some(own) = subjects.iter().rposition(|c| follows_comma(tokens, c.first))
        && own > 0
        && subjects.get(own - 1).is_some_and(|before| !listed(tokens, before.last, hit.first))
    {
        subjects.drain(..own);
    }
    if subjects.is_empty()
        && let Some(subject) = subject_clause(clauses, tokens.all, clause)
    {
        subjects = before(subject).collect();
    }
    if let Some(own) = clauses.get(clause)
        && subjects.is_empty()
        && clause > 0
        && (own.relative || speaks_of_earlier_subject(tokens, own) || own.verbs.is_empty())
    {
        subjects = before(clause - 1).collect();
        if own.relative {
            return subjects.last().map(|c| c.mention).into_iter().collect();
        }
    }
    listed_with_first(tokens, &subjects)
}

/// Whether nothing but attributes stands between a comma and the token.
fn follows_comma(tokens: Tokens<'_>, first: usize) -> bool {
    let before = (0..first).rev().find(|&at| {
        !matches!(tokens.class(at), Some(Class::Word | Class::Determiner | Class::Number))
    });
    before.is_some_and(|at| tokens.class(at) == Some(Class::Comma))
}

/// Whether a conjunction joins what stands between the tokens to a list.
fn listed(tokens: Tokens<'_>, from: usize, to: usize) -> bool {
    (from..to).any(|at| tokens.class(at) == Some(Class::Conjunction))
}

/// Whether the phrase opens its clause and a comma follows.
fn opens_with_comma(tokens: Tokens<'_>, clause: Option<&Clause>, hit: &Hit) -> bool {
    clause.is_some_and(|clause| clause.first == hit.first)
        && tokens.class(hit.last) == Some(Class::Comma)
}

/// Whether a change phrase before the words of `gap` may be an adjective of what follows them.
fn may_be_adjective(gap: &[Token]) -> bool {
    gap.len() <= ADJECTIVE_REACH
        && gap.iter().all(|t| !matches!(t.class, Class::FiniteVerb | Class::Semicolon))
}

/// `no change in the size of the nodule`, `stable appearance of the nodule`.
fn is_of_phrase(gap: &[Token]) -> bool {
    let prepositions = gap.iter().filter(|t| t.class == Class::Preposition).count();
    let early = gap.iter().take(3).any(|t| t.class == Class::Preposition);
    (1..=2).contains(&prepositions) && early && !gap.iter().any(|t| t.class == Class::Comma)
}

/// The first finding is the subject; findings listed with it share its fate.
fn listed_with_first(tokens: Tokens<'_>, subjects: &[&Candidate]) -> Vec<usize> {
    let mut taken: Vec<usize> = Vec::new();
    let mut end = None;
    for candidate in subjects {
        let joined = end.is_none_or(|end: usize| {
            tokens.all.get(end..candidate.first).unwrap_or_default().iter().all(|t| {
                matches!(
                    t.class,
                    Class::Comma | Class::Conjunction | Class::Determiner | Class::Word
                )
            })
        });
        if !joined {
            break;
        }
        end = Some(candidate.last);
        taken.push(candidate.mention);
    }
    taken
}
