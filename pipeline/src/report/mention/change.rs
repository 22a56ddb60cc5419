//! Gives findings their change against an earlier examination.

use super::clause::{Clause, subject_clause};
use super::entity::Hit;
use crate::report::lexicon::{ChangeEntry, Direction, Lexicon, NeedsPrior};
use crate::report::parsed::Change;
use crate::report::text::{Class, Token, Tokens, WordList};

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
    let prior =
        std::cell::LazyCell::new(|| tokens.all.iter().any(|token| token.is(WordList::Comparison)));
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
        let adjective_only = match entry.needs_prior {
            NeedsPrior::Always if !*prior => continue,
            NeedsPrior::AsPredicate => !*prior,
            NeedsPrior::Always | NeedsPrior::Never => false,
        };
        let clause = clauses.partition_point(|clause| clause.last <= hit.first);
        for mention in targets(entry, hit, (tokens, clauses), clause, candidates, adjective_only) {
            found.push(Changed { mention, change, cue: (hit.start, hit.end) });
        }
    }
    found
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
            return vec![next.mention];
        }
    }
    if is_forward || adjective_only {
        return Vec::new();
    }
    let before =
        |at: usize| candidates.iter().filter(move |c| c.clause == at && c.last <= hit.first);
    let mut subjects: Vec<&Candidate> = before(clause).collect();
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
