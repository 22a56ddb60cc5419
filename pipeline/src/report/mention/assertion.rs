//! Decides whether a mention is present, absent or uncertain from the cues that reach it.
//!
//! The method is that of `NegEx` and `ConText` (Chapman et al. 2001, Harkema et al. 2009): cues with a
//! direction, phrases that only look like cues, and limits to their reach.

use super::cue_scope::{Context, Scope};
use crate::report::lexicon::CueCategory;
use crate::report::parsed::Assertion;
use crate::report::rule::Rule;
use crate::report::text::{Class, WordList};

/// How likely a mention is there that cannot be excluded.
const NOT_EXCLUDED: f32 = 0.4;
/// Above this a hedge counts as a statement (`consistent with`).
const STATED_FROM: f32 = 0.8;

/// The decision on one mention.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) assertion: Assertion,
    pub(crate) likelihood: f32,
    /// Limits in the folded text of the deciding words.
    pub(crate) cue: Option<(usize, usize)>,
    pub(crate) rule: Rule,
}

/// A mention and the cue that reaches it most strongly.
struct Reading<'a> {
    context: &'a Context<'a>,
    scopes: &'a [Scope],
    strongest: Option<&'a Scope>,
    first: usize,
    last: usize,
    exception: bool,
}

/// The rules in their order: the first that gives a verdict decides.
const VERDICT_RULES: [fn(&Reading<'_>) -> Option<Verdict>; 4] =
    [unreached, double_negation, denied_exclusion, cue];

/// Decides on the mention of tokens `first..last`.
pub(crate) fn decide(
    context: &Context<'_>,
    scopes: &[Scope],
    first: usize,
    last: usize,
    exception: bool,
) -> Verdict {
    let distance = |scope: &Scope| {
        if scope.cue_tokens.0 >= last {
            scope.cue_tokens.0 - last
        } else {
            first.saturating_sub(scope.cue_tokens.1)
        }
    };
    let strongest = scopes
        .iter()
        .filter(|scope| scope.covers(first, last))
        .filter(|scope| !is_presupposed(context, scope, first))
        .max_by_key(|scope| {
            // In `doubtful whether this represents A` the doubt decides, not the nearer statement.
            let stated = scope.category == CueCategory::Possible && scope.likelihood >= STATED_FROM;
            (scope.priority, !stated, std::cmp::Reverse(distance(scope)))
        });
    let reading = Reading { context, scopes, strongest, first, last, exception };
    let verdict = VERDICT_RULES.iter().find_map(|rule| rule(&reading));
    verdict.unwrap_or_else(|| Verdict::stated(Rule::Stated, None))
}

impl Verdict {
    fn stated(rule: Rule, cue: Option<&Scope>) -> Self {
        let cue = cue.map(|scope| scope.cue);
        Self { assertion: Assertion::Present, likelihood: 1.0, cue, rule }
    }
}

/// No cue reaches the mention.
fn unreached(reading: &Reading<'_>) -> Option<Verdict> {
    let rule = if reading.exception { Rule::Exception } else { Rule::Stated };
    reading.strongest.is_none().then(|| Verdict::stated(rule, None))
}

fn double_negation(reading: &Reading<'_>) -> Option<Verdict> {
    let &Reading { context, scopes, first, last, .. } = reading;
    let scope = reading.strongest?;
    denies_denial(context, scopes, scope, first, last)
        .then(|| Verdict::stated(Rule::DoubleNegation, Some(scope)))
}

fn denied_exclusion(reading: &Reading<'_>) -> Option<Verdict> {
    let &Reading { context, scopes, first, last, .. } = reading;
    let scope = reading.strongest?;
    denies_exclusion(context, scopes, first, last).then_some(Verdict {
        assertion: Assertion::Uncertain,
        likelihood: NOT_EXCLUDED,
        cue: Some(scope.cue),
        rule: Rule::DeniedExclusion,
    })
}

/// The strongest cue decides by its category.
fn cue(reading: &Reading<'_>) -> Option<Verdict> {
    let scope = reading.strongest?;
    let assertion = match scope.category {
        CueCategory::Negated => Assertion::Absent,
        CueCategory::Stated => Assertion::Present,
        CueCategory::Possible if scope.likelihood >= STATED_FROM => Assertion::Present,
        _ => Assertion::Uncertain,
    };
    let likelihood = scope.likelihood;
    Some(Verdict { assertion, likelihood, cue: Some(scope.cue), rule: scope.rule })
}

/// `Neither A nor B can be ruled out`: what is denied is that it can be excluded.
fn denies_exclusion(context: &Context<'_>, scopes: &[Scope], first: usize, last: usize) -> bool {
    let mut denials = scopes
        .iter()
        .filter(|scope| scope.category == CueCategory::Negated && scope.covers(first, last));
    let excludes = |scope: &Scope| {
        context.is(scope.cue_tokens.1.wrapping_sub(1), WordList::Excluding)
            && scope.cue_tokens.0 >= last
    };
    let no = |scope: &Scope| {
        context.is(scope.cue_tokens.0, WordList::DenialOpener) && scope.cue_tokens.1 <= first
    };
    denials.clone().any(excludes) && denials.any(no)
}

/// `No lobe is without emphysema`: a denial in reach of another one, in one phrase.
fn denies_denial(
    context: &Context<'_>,
    scopes: &[Scope],
    inner: &Scope,
    first: usize,
    last: usize,
) -> bool {
    let lacking = context.is(inner.cue_tokens.0, WordList::Lacking);
    if !lacking || inner.category != CueCategory::Negated || inner.cue_tokens.1 > first {
        return false;
    }
    scopes.iter().any(|outer| {
        let between = outer.cue_tokens.1..inner.cue_tokens.0;
        outer.category == CueCategory::Negated
            && context.is(outer.cue_tokens.0, WordList::No)
            && outer.cue_tokens.1 < inner.cue_tokens.0
            && outer.covers(first, last)
            && between.clone().all(|at| {
                matches!(
                    context.class(at),
                    Some(Class::Word | Class::FiniteVerb | Class::VerbPart | Class::Determiner)
                )
            })
            && between.clone().any(|at| context.class(at) == Some(Class::Word))
    })
}

/// `No calcification is seen in the nodule`: a denial does not reach what is spoken of as known.
fn is_presupposed(context: &Context<'_>, scope: &Scope, first: usize) -> bool {
    const REACH_TOKENS: usize = 5;
    // `Not certain whether the nodule represents a metastasis.`
    if scope.category == CueCategory::Possible
        && context.is(scope.cue_tokens.1.wrapping_sub(1), WordList::Whether)
        && context.is(scope.cue_tokens.1, WordList::Definite)
    {
        let from = scope.cue_tokens.1;
        return first < from + REACH_TOKENS
            && (from + 1..first).all(|at| context.class(at) == Some(Class::Word));
    }
    if scope.category != CueCategory::Negated || scope.first > first || scope.cue_tokens.0 > first {
        return false;
    }
    let floor = scope.first.max(first.saturating_sub(REACH_TOKENS));
    for at in (floor..first).rev() {
        match context.class(at) {
            // `No pneumothorax after biopsy`.
            Some(Class::Word) if at > scope.first && context.is(at, WordList::AfterEvent) => {
                return true;
            }
            Some(Class::Word | Class::Number) => {}
            Some(Class::Determiner) => {
                let definite = context.is(at, WordList::Definite);
                let place = at > scope.first && context.is(at - 1, WordList::PlacePreposition);
                return definite && place;
            }
            _ => return false,
        }
    }
    false
}
