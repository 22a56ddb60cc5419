//! Cuts a sentence into clauses, the reach of most cues.
//!
//! A clause ends at a semicolon, at most colons, before words such as `but` and `except for`, and
//! between two finite verbs at the best boundary in between.

use super::entity::Hit;
use crate::report::lexicon::{CueCategory, Lexicon};
use crate::report::text::{Class, SPACED_DASH, Token};

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
pub(crate) fn split_clauses(
    lexicon: &Lexicon,
    text: &str,
    tokens: &[Token],
    cues: &[Hit],
) -> Vec<Clause> {
    let mut starts = Vec::with_capacity(8);
    starts.push((0, Start::Plain));
    for (position, token) in tokens.iter().enumerate() {
        match token.class {
            Class::Semicolon => starts.push((position + 1, Start::Plain)),
            Class::Colon if !answers(text, tokens, position + 1) => {
                starts.push((position + 1, Start::Plain));
            }
            // `Small effusion - no thickening`, but not `effusion - thickening was not seen`.
            Class::Conjunction if opens_after_dash(text, tokens, position) => {
                starts.push((position + 1, Start::Plain));
            }
            _ => {}
        }
    }
    for cue in cues {
        match lexicon.cues.get(cue.entry).map(|entry| entry.category) {
            // `Lytic or otherwise destructive` is one list.
            Some(CueCategory::Terminate) if joined_by_or(text, tokens, cue.first) => {}
            Some(CueCategory::Terminate) => starts.push((cue.first, Start::Plain)),
            Some(CueCategory::Exception) => {
                starts.push((cue.first, Start::Exception));
                if let Some(end) = exception_end(text, tokens, cue) {
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
        split_at_verbs(text, tokens, (first, last), start, &mut clauses);
    }
    clauses
}

/// Whether a dash between blanks stands at `position` and a statement of its own follows.
fn opens_after_dash(text: &str, tokens: &[Token], position: usize) -> bool {
    let word = |at: usize| tokens.get(at).and_then(|t| text.get(t.start..t.end)).unwrap_or("");
    word(position) == SPACED_DASH
        && matches!(word(position + 1), "no" | "without" | "not" | "there" | "neither" | "negative")
}

fn joined_by_or(text: &str, tokens: &[Token], position: usize) -> bool {
    position
        .checked_sub(1)
        .and_then(|at| tokens.get(at))
        .and_then(|t| text.get(t.start..t.end))
        .is_some_and(|word| matches!(word, "or" | "nor"))
}

/// `Effusion: none.`, `Adenopathy: not seen`: what follows the colon is about what precedes it.
fn answers(text: &str, tokens: &[Token], position: usize) -> bool {
    let word = |at: usize| tokens.get(at).and_then(|t| text.get(t.start..t.end)).unwrap_or("");
    let ends = |at: usize| {
        tokens
            .get(at)
            .is_none_or(|t| matches!(t.class, Class::Comma | Class::Semicolon | Class::Mark))
    };
    match word(position) {
        "absent" | "none" | "no" | "negative" | "present" | "nil" | "yes" | "normal" => {
            ends(position + 1)
        }
        "not" => ends(position + 2) && position + 1 < tokens.len(),
        "(" => matches!(word(position + 1), SPACED_DASH | "+") && word(position + 2) == ")",
        _ => false,
    }
}

/// Where the main statement resumes after a leading `except for ...,`: after the comma before
/// `no` or a new subject, else after the first comma.
fn exception_end(text: &str, tokens: &[Token], cue: &Hit) -> Option<usize> {
    let leading = tokens.get(..cue.first)?.iter().all(|t| t.class != Class::Word);
    if !leading {
        return None;
    }
    let commas: Vec<usize> = (cue.last..tokens.len())
        .filter(|&at| tokens.get(at).is_some_and(|t| t.class == Class::Comma))
        .collect();
    commas
        .iter()
        .find(|&&comma| {
            tokens
                .get(comma + 1)
                .and_then(|t| text.get(t.start..t.end))
                .is_some_and(|word| matches!(word, "no" | "there" | "the" | "both"))
        })
        .or(commas.first())
        .map(|comma| comma + 1)
}

fn split_at_verbs(
    text: &str,
    tokens: &[Token],
    (first, last): (usize, usize),
    start: Start,
    clauses: &mut Vec<Clause>,
) {
    let verbs = verb_groups(text, tokens, first, last);
    let mut begin = first;
    let mut kind = start;
    let mut own: Vec<(usize, usize)> = Vec::new();
    for verb in verbs {
        let boundary =
            own.last().and_then(|previous| boundary_between(text, tokens, previous.1, verb.0));
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
fn verb_groups(text: &str, tokens: &[Token], first: usize, last: usize) -> Vec<(usize, usize)> {
    let mut groups = Vec::new();
    let mut at = first;
    while at < last {
        let Some(token) = tokens.get(at) else { break };
        let elliptic = text.get(token.start..token.end) == Some("not")
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
fn boundary_between(
    text: &str,
    tokens: &[Token],
    from: usize,
    to: usize,
) -> Option<(usize, Start)> {
    let class = |at: usize| tokens.get(at).map(|token| token.class);
    let word = |at: usize| tokens.get(at).and_then(|t| text.get(t.start..t.end)).unwrap_or("");
    let subject = |at: usize| {
        matches!(
            word(at),
            "no" | "there"
                | "the"
                | "a"
                | "an"
                | "it"
                | "neither"
                | "both"
                | "few"
                | "several"
                | "these"
                | "they"
        )
    };
    let (mut marked, mut relative, mut comma_and, mut and, mut comma) =
        (None, None, None, None, None);
    for at in from..to {
        match class(at) {
            Some(Class::Relative) => relative = Some(at),
            Some(Class::Comma) => {
                if subject(at + 1) {
                    marked = Some(at + 1);
                }
                comma = Some(at + 1);
            }
            Some(Class::Conjunction) if word(at) == "and" => {
                if subject(at + 1) {
                    marked = Some(at);
                }
                let after_comma = at > from && class(at - 1) == Some(Class::Comma);
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
