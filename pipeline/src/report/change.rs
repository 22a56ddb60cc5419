//! Gives findings their change against an earlier examination.

use super::clause::Clause;
use super::entity::Hit;
use super::lexicon::{ChangeEntry, Direction, Lexicon};
use super::token::{Class, Token};
use super::types::Change;

/// A mention that can change.
pub(super) struct Candidate {
    /// Position in the caller's list.
    pub(super) mention: usize,
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) clause: usize,
}

/// A change found for a mention, with the shadow limits of its words.
pub(super) struct Changed {
    pub(super) mention: usize,
    pub(super) change: Change,
    pub(super) cue: (usize, usize),
}

/// How far ahead of its noun an adjective such as `new` may stand, in tokens.
const ADJECTIVE_REACH: usize = 8;

/// The changes of a sentence, in text order of their phrases.
pub(super) fn find_changes(
    lexicon: &Lexicon,
    text: &str,
    tokens: &[Token],
    clauses: &[Clause],
    hits: &[Hit],
    candidates: &[Candidate],
) -> Vec<Changed> {
    let prior = tokens.iter().any(|token| {
        text.get(token.start..token.end).is_some_and(|word| {
            matches!(
                word,
                "previous"
                    | "previously"
                    | "prior"
                    | "compared"
                    | "comparison"
                    | "interval"
                    | "since"
                    | "former"
                    | "old"
                    | "earlier"
            )
        })
    });
    let mut found = Vec::new();
    for hit in hits {
        let Some(entry) = lexicon.changes.get(hit.entry) else { continue };
        if entry.needs_prior && !prior {
            continue;
        }
        let clause = clauses.partition_point(|clause| clause.last <= hit.first);
        for mention in targets(entry, hit, tokens, clauses, clause, candidates) {
            found.push(Changed { mention, change: entry.change, cue: (hit.start, hit.end) });
        }
    }
    found
}

fn targets(
    entry: &ChangeEntry,
    hit: &Hit,
    tokens: &[Token],
    clauses: &[Clause],
    clause: usize,
    candidates: &[Candidate],
) -> Vec<usize> {
    if matches!(entry.direction, Direction::Forward | Direction::Both)
        && let Some(next) = candidates.iter().find(|c| c.clause == clause && c.first >= hit.last)
    {
        let gap = tokens.get(hit.last..next.first).unwrap_or_default();
        let adjective = gap.len() <= ADJECTIVE_REACH
            && gap.iter().all(|t| !matches!(t.class, Class::FiniteVerb | Class::Semicolon));
        // `no change in the effusion`, unless a finding stands before as the subject.
        let subject = candidates.iter().any(|c| c.clause == clause && c.last <= hit.first);
        let prepositions = gap.iter().filter(|t| t.class == Class::Preposition).count();
        let first_preposition = gap.first().is_some_and(|t| t.class == Class::Preposition);
        let of_phrase = entry.direction == Direction::Forward
            || !subject && prepositions == 1 && first_preposition;
        let close = gap
            .iter()
            .all(|t| !matches!(t.class, Class::Preposition | Class::Comma | Class::Relative));
        if adjective && (of_phrase || close) {
            return vec![next.mention];
        }
    }
    if entry.direction == Direction::Forward {
        return Vec::new();
    }
    let before =
        |at: usize| candidates.iter().filter(move |c| c.clause == at && c.last <= hit.first);
    let mut subjects: Vec<&Candidate> = before(clause).collect();
    let relative = clauses.get(clause).is_some_and(|c| c.relative);
    if subjects.is_empty()
        && clause > 0
        && (relative || clauses.get(clause).is_some_and(|c| c.verbs.is_empty()))
    {
        subjects = before(clause - 1).collect();
        if relative {
            return subjects.last().map(|c| c.mention).into_iter().collect();
        }
    }
    // The first finding is the subject; findings listed with it share its fate.
    let mut taken: Vec<usize> = Vec::new();
    let mut end = None;
    for candidate in subjects {
        let joined = end.is_none_or(|end: usize| {
            tokens.get(end..candidate.first).unwrap_or_default().iter().all(|t| {
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
