//! How far each cue of a sentence reaches.
//!
//! Reach ends with the clause, so that a list wrapped by `No ... is seen` is denied as a whole and
//! what follows is not.

use super::clause::{Clause, subject_clause};
use super::entity::Hit;
use crate::report::lexicon::{CueCategory, CueEntry, Direction, Lexicon};
use crate::report::rule::Rule;
use crate::report::text::{Class, Tokens, WordList};

/// How likely a mention after or before a question mark is there.
const QUESTION_LIKELIHOOD: f32 = 0.5;

/// The tokens one cue reaches.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// Limits in the folded text of the cue.
    pub(crate) cue: (usize, usize),
    pub(crate) cue_tokens: (usize, usize),
    pub(crate) category: CueCategory,
    pub(crate) likelihood: f32,
    /// Of two cues in reach the one of higher priority decides.
    pub(crate) priority: u8,
    pub(crate) rule: Rule,
    /// Whether the mentions in reach are suggested by an observation before the cue.
    pub(crate) suggests: bool,
}

impl Scope {
    /// Whether the mention of these tokens is in reach.
    pub(crate) fn covers(&self, first: usize, last: usize) -> bool {
        let overlaps_cue = first < self.cue_tokens.1 && last > self.cue_tokens.0;
        first >= self.first && last <= self.last && !overlaps_cue
    }

    /// First token of the cue.
    pub(crate) fn cue_first(&self) -> usize {
        self.cue_tokens.0
    }
}

/// The sentence as far as assertions need it.
pub(crate) struct Context<'a> {
    pub(crate) tokens: Tokens<'a>,
    pub(crate) clauses: &'a [Clause],
}

impl Context<'_> {
    pub(crate) fn word(&self, at: usize) -> &str {
        self.tokens.word(at)
    }

    pub(crate) fn class(&self, at: usize) -> Option<Class> {
        self.tokens.class(at)
    }

    /// Whether the word at a position is in the list.
    pub(crate) fn is(&self, at: usize, list: WordList) -> bool {
        self.tokens.is(at, list)
    }
}

/// The reach of every cue of the sentence.
pub(crate) fn scopes(lexicon: &Lexicon, context: &Context<'_>, cues: &[Hit]) -> Vec<Scope> {
    let mut found = Vec::new();
    for (index, clause) in context.clauses.iter().enumerate() {
        let begin = cues.partition_point(|cue| cue.first < clause.first);
        let end = cues.partition_point(|cue| cue.first < clause.last);
        let own = cues.get(begin..end).unwrap_or_default();
        for cue in own {
            if let Some(entry) = lexicon.cues.get(cue.entry) {
                let others = (lexicon, own);
                push_scopes(context, others, index, cue, entry, &mut found);
            }
        }
        for at in clause.first..clause.last {
            if context.class(at) == Some(Class::Question) {
                found.push(question_scope(context, clause, at));
            }
        }
    }
    found
}

fn push_scopes(
    context: &Context<'_>,
    (lexicon, cues): (&Lexicon, &[Hit]),
    index: usize,
    cue: &Hit,
    entry: &CueEntry,
    found: &mut Vec<Scope>,
) {
    let (Some(clause), Some(mut rule)) = (context.clauses.get(index), entry.rule) else { return };
    if entry.opens && !opens_clause(context, clause, cue.first) {
        return;
    }
    let priority = match entry.category {
        CueCategory::Historical if entry.direction == Direction::Backward => 7,
        CueCategory::Stated => 6,
        CueCategory::Family => 5,
        CueCategory::Possible if entry.overrides_negation => 4,
        CueCategory::Negated => 3,
        CueCategory::Possible => 2,
        CueCategory::Hypothetical => 1,
        CueCategory::Historical => 0,
        CueCategory::Pseudo | CueCategory::Terminate | CueCategory::Exception => return,
    };
    if denies_earlier(context, cue, entry) {
        return;
    }
    // `9 mm versus 7 mm` compares two sizes.
    let number = (cue.last..cue.last + 2).any(|at| context.class(at) == Some(Class::Number));
    if context.is(cue.first, WordList::Versus) && number {
        return;
    }
    let mut direction = entry.direction;
    if context.is(cue.first, WordList::No) && cue.last == cue.first + 1 {
        // `No. 3` is a number, `Effusion: no.` an answer.
        if context.word(cue.last) == "." && context.class(cue.last + 1) == Some(Class::Number) {
            return;
        }
        let asked = cue.first > 0 && context.class(cue.first - 1) == Some(Class::Colon);
        if asked && cue.first > clause.first {
            direction = Direction::Backward;
        }
    }
    // A cue may run into the next clause (`certain that there is no`).
    let ahead = context.clauses.partition_point(|clause| clause.last < cue.last);
    let clause = context.clauses.get(ahead).unwrap_or(clause);
    let mut reach = entry.max_tokens;
    if direction == Direction::Forward
        && let Some(turned) = turned(context, clause, cue, rule)
    {
        direction = Direction::Backward;
        reach = reach.min(TURNED_REACH);
        rule = turned;
    }
    let mut add = |first: usize, last: usize| {
        found.push(Scope {
            first,
            last,
            cue: (cue.start, cue.end),
            cue_tokens: (cue.first, cue.last),
            category: entry.category,
            likelihood: entry.likelihood,
            priority,
            rule,
            suggests: entry.suggests,
        });
    };
    if matches!(direction, Direction::Forward | Direction::ForwardPhrase | Direction::Both) {
        let limit = cue.last.saturating_add(reach).min(clause.last);
        let end = forward_end(context, (lexicon, cues), clause, cue, limit, direction, entry);
        add(cue.last, end);
    }
    if matches!(direction, Direction::Backward | Direction::Both) {
        let mut first = backward_start(context, index, cue);
        // In `opacity may represent A versus B` the opacity is no alternative.
        if context.is(cue.first, WordList::Versus) {
            let verb = clause.verbs.iter().rev().find(|verb| verb.1 <= cue.first);
            first = first.max(verb.map_or(first, |verb| verb.1));
        }
        if entry.category == CueCategory::Possible {
            first = first.max(own_statement(context, first, cue.first));
        }
        add(first.max(cue.first.saturating_sub(reach)), cue.first);
    }
}

/// The longest reach, in tokens, of a hedge that stands after its finding.
const TURNED_REACH: usize = 8;

/// Whether nothing but marks, conjunctions and list numbers stands before the token in its clause.
fn opens_clause(context: &Context<'_>, clause: &Clause, at: usize) -> bool {
    (clause.first..at).all(|at| {
        !matches!(
            context.class(at),
            Some(
                Class::Word
                    | Class::FiniteVerb
                    | Class::VerbPart
                    | Class::Preposition
                    | Class::Determiner
            )
        )
    })
}

/// `Embolism suspected.`, `Effusion nil`: a cue that leads to nothing is about what stands before it. The rule that it
/// decides by then.
fn turned(context: &Context<'_>, clause: &Clause, cue: &Hit, rule: Rule) -> Option<Rule> {
    let turned = match rule {
        Rule::PossibleForward | Rule::SuggestsForward => Rule::PossibleBackward,
        Rule::NegatedForward if context.is(cue.first, WordList::ItemAnswer) => {
            Rule::NegatedBackward
        }
        _ => return None,
    };
    let ends = cue.last >= clause.last
        || matches!(
            context.class(cue.last),
            Some(Class::Comma | Class::Semicolon | Class::Close | Class::Mark | Class::Colon)
        );
    let word = |at: usize| context.class(at) == Some(Class::Word);
    (ends && (clause.first..cue.first).any(word)).then_some(turned)
}

/// `Airspace disease, pneumonia not excluded`: where the statement of the hedge begins, after the last comma, if a noun
/// of its own stands there and no list goes on (`pneumonia, aspiration or atelectasis cannot be excluded`).
fn own_statement(context: &Context<'_>, first: usize, cue: usize) -> usize {
    let comma = (first..cue).rfind(|&at| context.class(at) == Some(Class::Comma));
    let Some(comma) = comma else { return first };
    let own = || comma + 1..cue;
    let noun = own().any(|at| context.class(at) == Some(Class::Word));
    let listed = own().any(|at| context.class(at) == Some(Class::Conjunction));
    if noun && !listed { comma + 1 } else { first }
}

/// `Not seen in the previous examination` denies the past only: what it speaks of is new.
pub(crate) fn denies_earlier(context: &Context<'_>, cue: &Hit, entry: &CueEntry) -> bool {
    if entry.category != CueCategory::Negated || entry.direction != Direction::Backward {
        return false;
    }
    if context.is(cue.last, WordList::EarlierAdverb) {
        return true;
    }
    let led = context.is(cue.last, WordList::TimePreposition);
    led && (cue.last + 1..cue.last + 5)
        .take_while(|&at| {
            matches!(
                context.class(at),
                Some(Class::Word | Class::Determiner | Class::Preposition | Class::Number)
            )
        })
        .any(|at| context.is(at, WordList::EarlierAdjective) || is_year(context.word(at)))
}

/// `Not seen in 2019`: the present examination is not named by its year.
fn is_year(word: &str) -> bool {
    word.len() == 4
        && (word.starts_with("19") || word.starts_with("20"))
        && word.bytes().all(|b| b.is_ascii_digit())
}

/// Where a forward cue's reach ends, at `limit` at the latest.
fn forward_end(
    context: &Context<'_>,
    (lexicon, cues): (&Lexicon, &[Hit]),
    clause: &Clause,
    cue: &Hit,
    limit: usize,
    direction: Direction,
    entry: &CueEntry,
) -> usize {
    let in_bracket = open_bracket_before(context, clause, cue.first).is_some();
    let phrase_end = if direction == Direction::ForwardPhrase {
        clause.verbs.iter().map(|verb| verb.0).find(|&verb| verb >= cue.last)
    } else {
        None
    };
    let mut end = phrase_end.unwrap_or(limit).min(limit);
    for at in cue.last..end {
        let stop = match context.class(at) {
            Some(Class::Close) => in_bracket,
            // `In the patient treated for pneumonia, ...`: the comma ends the history.
            Some(Class::Comma) if entry.category == CueCategory::Historical => {
                end = at;
                break;
            }
            // `Aunt with thyroid cancer, patient with a nodule`, `a background of emphysema, no mass`.
            Some(Class::Comma)
                if entry.category == CueCategory::Stated
                    || entry.category == CueCategory::Family
                        && (at + 1..clause.last).any(|at| context.is(at, WordList::Patient)) =>
            {
                end = at;
                break;
            }
            Some(Class::Comma) => {
                begins_statement(context, at + 1) || is_spliced(context, clause, cue, at)
            }
            Some(Class::Conjunction) => {
                context.is(at, WordList::And) && begins_statement(context, at + 1)
            }
            _ => false,
        };
        if stop && entry.category == CueCategory::Negated {
            end = at;
            break;
        }
        if stop && in_bracket && context.class(at) == Some(Class::Close) {
            end = at;
            break;
        }
    }
    // A later cue that denies or doubts on its own takes over from a plain denial.
    if entry.category == CueCategory::Negated {
        let takes_over = cues.iter().find(|other| {
            other.first >= cue.last
                && lexicon
                    .cues
                    .get(other.entry)
                    .is_some_and(|o| o.overrides_negation && o.direction != Direction::Backward)
        });
        if let Some(other) = takes_over {
            end = end.min(other.first);
        }
    }
    end
}

/// `No effusion on the left, consolidation in the right lung`: a comma in the place of a full stop, as in translated
/// reports. What follows is a statement of its own when no conjunction makes a list of it, and when it has a place or a
/// number of its own, or a verb while the denial before it is complete or another one follows.
fn is_spliced(context: &Context<'_>, clause: &Clause, cue: &Hit, comma: usize) -> bool {
    let class = |at: usize| context.class(at);
    let end =
        (comma + 1..clause.last).find(|&at| class(at) == Some(Class::Comma)).unwrap_or(clause.last);
    let own = comma + 1..end;
    if class(own.start) == Some(Class::Number) {
        return true;
    }
    let joined =
        |from: usize, to: usize| (from..to).any(|at| class(at) == Some(Class::Conjunction));
    let verb = own.clone().find(|&at| class(at) == Some(Class::FiniteVerb));
    let place = own.clone().find(|&at| class(at) == Some(Class::Preposition));
    let place = place.filter(|&at| context.is(at, WordList::SplicePlace));
    let head = verb.into_iter().chain(place).min().unwrap_or(end);
    let noun = (own.start..head).any(|at| class(at) == Some(Class::Word));
    if !noun || joined(cue.last, head) {
        return false;
    }
    // `Nodules in the lungs, masses in the mediastinum or effusion`.
    let goes_on = (end..clause.last).any(|at| context.is(at, WordList::Alternative));
    if let Some(verb) = verb.filter(|&verb| verb == head || place.is_none_or(|place| verb < place))
    {
        let denied = (verb..end).any(|at| context.is(at, WordList::Not));
        let complete = (cue.last..comma).any(|at| class(at) == Some(Class::Preposition));
        let chained = context.is(end + 1, WordList::No)
            || cue.first.checked_sub(1).is_some_and(|before| {
                class(before) == Some(Class::Comma)
                    && (0..before).any(|at| context.is(at, WordList::No))
            });
        return !denied && (complete || chained);
    }
    place.is_some() && !goes_on
}

/// After `No effusion` and a comma or `and`: words that start a statement of their own.
fn begins_statement(context: &Context<'_>, at: usize) -> bool {
    let at = if context.is(at, WordList::And) { at + 1 } else { at };
    if context.is(at, WordList::With) {
        return context.class(at.wrapping_sub(1)) == Some(Class::Comma)
            && !context.is(at + 1, WordList::Or);
    }
    let listed = context.is(at, WordList::Bilateral)
        && context.class(at.wrapping_sub(1)) == Some(Class::Comma);
    context.is(at, WordList::StatementOpener) && !listed
}

/// Where a backward cue's reach starts: at its clause, or, in a relative clause whose second verb
/// is denied (`the nodule that was seen before is not seen`), at the clause before it.
fn backward_start(context: &Context<'_>, index: usize, cue: &Hit) -> usize {
    let Some(clause) = context.clauses.get(index) else { return cue.first };
    if let Some(open) = open_bracket_before(context, clause, cue.first) {
        return open + 1;
    }
    let verb = clause.verbs.iter().position(|verb| verb.1 > cue.first);
    let main_verb = verb.is_none_or(|verb| verb > 0) && !clause.verbs.is_empty();
    if let Some(subject) = subject_clause(context.clauses, context.tokens.all, index) {
        return context.clauses.get(subject).map_or(clause.first, |before| before.first);
    }
    if clause.relative && main_verb && index > 0 {
        return context.clauses.get(index - 1).map_or(clause.first, |before| before.first);
    }
    // In `In the emphysematous lung, no ...` the place is given, not denied.
    if context.class(clause.first) == Some(Class::Preposition) {
        let comma = (clause.first..cue.first).find(|&at| context.class(at) == Some(Class::Comma));
        return comma.unwrap_or(clause.first);
    }
    // `Bullae present, honeycombing absent`: each item has its own answer.
    let answered = (clause.first + 1..cue.first)
        .rev()
        .find(|&at| context.class(at) == Some(Class::Comma) && is_answer(context, at - 1));
    answered.unwrap_or(clause.first)
}

/// Whether the word at `at` answers whether the item before it is there.
fn is_answer(context: &Context<'_>, at: usize) -> bool {
    (context.is(at, WordList::ItemAnswer) || context.word(at) == "+")
        && context.class(at.wrapping_sub(1)) == Some(Class::Word)
}

/// The bracket that is open at token `at`, if any.
fn open_bracket_before(context: &Context<'_>, clause: &Clause, at: usize) -> Option<usize> {
    const REACH_TOKENS: usize = 40;
    let from = clause.first.max(at.saturating_sub(REACH_TOKENS));
    let mut depth = 0_usize;
    for position in (from..at).rev() {
        match context.class(position) {
            Some(Class::Close) => depth += 1,
            Some(Class::Open) if depth == 0 => return Some(position),
            Some(Class::Open) => depth -= 1,
            _ => {}
        }
    }
    None
}

/// A question mark doubts the bracket it stands in, or the list item before it; one that opens a
/// statement (`? small effusion`) doubts what follows.
fn question_scope(context: &Context<'_>, clause: &Clause, at: usize) -> Scope {
    const REACH_TOKENS: usize = 8;
    let open = open_bracket_before(context, clause, at);
    let floor = clause.first.max(at.saturating_sub(REACH_TOKENS));
    let start_of = |class: Option<Class>| {
        matches!(class, Some(Class::Comma | Class::FiniteVerb | Class::Question))
    };
    let mut first = match open {
        Some(open) => open + 1,
        None => (floor..at)
            .rev()
            .find(|&position| start_of(context.class(position)))
            .map_or(floor, |position| position + 1),
    };
    let mut last = at;
    let opens = (at == clause.first
        || start_of(context.class(at - 1))
        || open == Some(at - 1)
        || stands_apart(context, at))
        && matches!(context.class(at + 1), Some(Class::Word | Class::Determiner));
    if opens {
        first = at + 1;
        last = (first..clause.last.min(first + REACH_TOKENS))
            .find(|&position| {
                matches!(
                    context.class(position),
                    Some(Class::Comma | Class::Close | Class::Question)
                )
            })
            .unwrap_or(clause.last.min(first + REACH_TOKENS));
    }
    let token = context.tokens.get(at);
    let (start, end) = token.map_or((0, 0), |token| (token.start, token.end));
    Scope {
        first,
        last,
        cue: (start, end),
        cue_tokens: (at, at + 1),
        category: CueCategory::Possible,
        likelihood: QUESTION_LIKELIHOOD,
        priority: 2,
        rule: Rule::QuestionMark,
        suggests: open.is_some(),
    }
}

/// `Density ? vessel ? granuloma`: a question mark between blanks belongs to what follows.
fn stands_apart(context: &Context<'_>, at: usize) -> bool {
    let (Some(mark), Some(next)) = (context.tokens.get(at), context.tokens.get(at + 1)) else {
        return false;
    };
    let blank_before =
        mark.start.checked_sub(1).and_then(|p| context.tokens.text.as_bytes().get(p));
    blank_before == Some(&b' ') && next.start > mark.end
}
