//! Cuts a sentence into clauses, the reach of most cues.
//!
//! A clause ends at a semicolon, at most colons, before words such as `but` and `except for`, and
//! between two finite verbs at the best boundary in between.

use super::entity::Hit;
use crate::report::lexicon::{CueCategory, Direction, Lexicon};
use crate::report::text::{Class, SPACED_DASH, Token, Tokens, WordList};

/// A run of tokens with at most one main statement.
#[derive(Debug, Clone)]
pub(crate) struct Clause {
    /// First token.
    pub(crate) first: usize,
    /// One past the last token.
    pub(crate) last: usize,
    /// It starts with `which`, `that` or the like and belongs to the clause before it.
    pub(crate) relative: bool,
    /// It names what is taken out of the statement next to it.
    pub(crate) exception: bool,
    /// Token ranges of its finite verb groups.
    pub(crate) verbs: Vec<(usize, usize)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Start {
    Plain,
    Relative,
    Exception,
}

/// The clause that holds the subject of a clause without one: in `Effusion, which was seen before, is
/// not seen` the last clause starts with its verb and speaks of the first.
pub(crate) fn subject_clause(clauses: &[Clause], tokens: &[Token], index: usize) -> Option<usize> {
    let clause = clauses.get(index)?;
    let verb = clause.verbs.first()?;
    let bare = tokens
        .get(clause.first..verb.0)?
        .iter()
        .all(|token| matches!(token.class, Class::Comma | Class::Conjunction));
    if clause.relative || !bare {
        return None;
    }
    let before = clauses.get(..index)?;
    before.last().filter(|last| last.relative)?;
    before.iter().rposition(|earlier| !earlier.relative)
}

/// First tokens of the clauses that can be left out together with all that follows them without
/// changing what stands before: not of those that restrict, except or complete an earlier one.
pub(crate) fn breaks<'a>(
    clauses: &'a [Clause],
    tokens: &'a [Token],
) -> impl Iterator<Item = usize> + 'a {
    (1..clauses.len())
        .filter(|&index| {
            let clause = &clauses[index];
            let bound = clause.relative || clause.exception;
            let main = clauses[..index].iter().any(|earlier| !earlier.exception);
            main && !bound && subject_clause(clauses, tokens, index).is_none()
        })
        .map(|index| clauses[index].first)
}

/// The clauses of a sentence, in order and without gaps.
pub(crate) fn split_clauses(lexicon: &Lexicon, tokens: Tokens<'_>, cues: &[Hit]) -> Vec<Clause> {
    let mut starts = Vec::with_capacity(8);
    starts.push((0, Start::Plain));
    for (position, token) in tokens.all.iter().enumerate() {
        match token.class {
            Class::Semicolon => starts.push((position + 1, Start::Plain)),
            Class::Colon
                if !answers(tokens, position + 1) && !leads_on(lexicon, cues, position) =>
            {
                starts.push((position + 1, Start::Plain));
            }
            // `Small effusion - no thickening`, but not `effusion - thickening was not seen`.
            Class::Conjunction if opens_after_dash(tokens, position) => {
                starts.push((position + 1, Start::Plain));
            }
            _ => {}
        }
    }
    for cue in cues {
        match lexicon.cues.get(cue.entry).map(|entry| entry.category) {
            // `Lytic or otherwise destructive` is one list.
            Some(CueCategory::Terminate) if is_alternative(tokens, cue.first) => {}
            Some(CueCategory::Terminate) => starts.push((cue.first, Start::Plain)),
            Some(CueCategory::Exception) => {
                starts.push((cue.first, Start::Exception));
                if let Some(end) = exception_end(tokens, cue) {
                    starts.push((end, Start::Plain));
                }
            }
            _ => {}
        }
    }
    starts.retain(|(position, _)| *position < tokens.len().max(1));
    // Of several reasons for one boundary the most telling is kept.
    starts.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    starts.dedup_by_key(|(position, _)| *position);
    let mut clauses = Vec::with_capacity(starts.len() + 2);
    for (index, &(first, start)) in starts.iter().enumerate() {
        let last = starts.get(index + 1).map_or(tokens.len(), |next| next.0);
        split_at_verbs(tokens, (first, last), start, &mut clauses);
    }
    clauses
}

/// `Grandfather: mesothelioma`, `FHx: carcinoma`: a cue that ends at the colon, or holds it, reaches what follows.
fn leads_on(lexicon: &Lexicon, cues: &[Hit], colon: usize) -> bool {
    cues.iter().any(|cue| {
        let entry = lexicon.cues.get(cue.entry);
        cue.first < colon
            && (cue.last == colon || cue.last == colon + 1)
            && entry.is_some_and(|entry| {
                entry.direction == Direction::Forward
                    && matches!(
                        entry.category,
                        CueCategory::Family | CueCategory::Possible | CueCategory::Hypothetical
                    )
            })
    })
}

/// Whether a dash between blanks stands at `position` and a statement of its own follows.
fn opens_after_dash(tokens: Tokens<'_>, position: usize) -> bool {
    tokens.word(position) == SPACED_DASH && tokens.is(position + 1, WordList::DashStatement)
}

fn is_alternative(tokens: Tokens<'_>, position: usize) -> bool {
    position.checked_sub(1).is_some_and(|before| tokens.is(before, WordList::Alternative))
}

/// `Effusion: none.`, `Adenopathy: not seen`: what follows the colon is about what precedes it.
fn answers(tokens: Tokens<'_>, position: usize) -> bool {
    let ends = |at: usize| {
        let class = tokens.class(at);
        class.is_none_or(|class| matches!(class, Class::Comma | Class::Semicolon | Class::Mark))
    };
    if tokens.is(position, WordList::Answer) {
        return ends(position + 1);
    }
    if tokens.is(position, WordList::Not) {
        return ends(position + 2) && position + 1 < tokens.len();
    }
    tokens.word(position) == "("
        && matches!(tokens.word(position + 1), SPACED_DASH | "+")
        && tokens.word(position + 2) == ")"
}

/// Where the main statement resumes after a leading `except for ...,`: after the comma before
/// `no` or a new subject, else after the first comma.
fn exception_end(tokens: Tokens<'_>, cue: &Hit) -> Option<usize> {
    let leading = tokens.all.get(..cue.first)?.iter().all(|t| t.class != Class::Word);
    if !leading {
        return None;
    }
    let commas: Vec<usize> =
        (cue.last..tokens.len()).filter(|&at| tokens.class(at) == Some(Class::Comma)).collect();
    commas
        .iter()
        .find(|&&comma| tokens.is(comma + 1, WordList::AfterException))
        .or(commas.first())
        .map(|comma| comma + 1)
}

fn split_at_verbs(
    tokens: Tokens<'_>,
    (first, last): (usize, usize),
    start: Start,
    clauses: &mut Vec<Clause>,
) {
    let verbs = verb_groups(tokens, first, last);
    let mut begin = first;
    let mut kind = start;
    let mut own: Vec<(usize, usize)> = Vec::new();
    for verb in verbs {
        let boundary = own.last().and_then(|previous| boundary_between(tokens, previous.1, verb.0));
        if let Some((at, next_kind)) = boundary {
            clauses.push(clause(begin, at, kind, std::mem::take(&mut own)));
            begin = at;
            kind = next_kind;
        } else if own.is_empty()
            && let Some(at) = (begin + 1..verb.0)
                .find(|&at| tokens.get(at).is_some_and(|t| t.class == Class::Relative))
        {
            // `A nodule which was not seen before`: the head noun is a clause of its own.
            clauses.push(clause(begin, at, kind, Vec::new()));
            begin = at;
            kind = Start::Relative;
        }
        own.push(verb);
    }
    clauses.push(clause(begin, last, kind, own));
}

fn clause(first: usize, last: usize, start: Start, verbs: Vec<(usize, usize)>) -> Clause {
    Clause {
        first,
        last,
        relative: start == Start::Relative,
        exception: start == Start::Exception,
        verbs,
    }
}

/// Runs of verb words that hold a finite verb, or `not` with a verb of seeing.
fn verb_groups(tokens: Tokens<'_>, first: usize, last: usize) -> Vec<(usize, usize)> {
    let mut groups = Vec::new();
    let mut at = first;
    while at < last {
        let Some(token) = tokens.get(at) else { break };
        let elliptic = token.is(WordList::Not)
            && tokens.get(at + 1).is_some_and(|next| next.class == Class::VerbPart);
        if token.class != Class::FiniteVerb && !elliptic {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        while end < last
            && tokens
                .get(end)
                .is_some_and(|t| matches!(t.class, Class::FiniteVerb | Class::VerbPart))
        {
            end += 1;
        }
        groups.push((at, end));
        at = end;
    }
    groups
}

/// The best place for a boundary between two verb groups, and what it starts.
fn boundary_between(tokens: Tokens<'_>, from: usize, to: usize) -> Option<(usize, Start)> {
    let subject = |at: usize| tokens.is(at, WordList::Subject);
    let (mut marked, mut relative, mut comma_and, mut and, mut comma) =
        (None, None, None, None, None);
    for at in from..to {
        match tokens.class(at) {
            Some(Class::Relative) => relative = Some(at),
            Some(Class::Comma) => {
                if subject(at + 1) {
                    marked = Some(at + 1);
                }
                comma = Some(at + 1);
            }
            Some(Class::Conjunction) if tokens.is(at, WordList::And) => {
                if subject(at + 1) {
                    marked = Some(at);
                }
                let after_comma = at > from && tokens.class(at - 1) == Some(Class::Comma);
                if after_comma {
                    comma_and = Some(at);
                }
                and = Some(at);
            }
            _ => {}
        }
    }
    if let Some(at) = relative
        && marked.is_none_or(|mark| mark < at)
    {
        return Some((at, Start::Relative));
    }
    marked.or(comma_and).or(and).or(comma).map(|at| (at, Start::Plain))
}
