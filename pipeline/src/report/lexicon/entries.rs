//! What the rows of the lexicon's tables say.

use schemas::named_enum;

use crate::report::parsed::{Change, NodeKind, SectionKind, Side};
use crate::report::rule::Rule;

/// A thing reports speak of.
pub(crate) struct Concept {
    pub(crate) id: String,
    pub(crate) preferred: String,
    pub(crate) kind: NodeKind,
    /// The concept itself, its parents and its organ, as positions in [`Lexicon::concepts`].
    pub(crate) ancestors: Vec<usize>,
    /// Whether the concept names where it is by itself (`pleural effusion`).
    pub(crate) has_organ: bool,
}

named_enum! {
    /// What a cue does to the mentions in its reach.
    pub enum CueCategory {
        /// Denies them.
        Negated = "negated",
        /// Hedges them.
        Possible = "possible",
        /// The examination looks for them.
        Hypothetical = "hypothetical",
        /// They are of the patient's history.
        Historical = "historical",
        /// They are of a relative.
        Family = "family",
        /// They are there, whatever is said of what stands before (`on a background of emphysema`).
        Stated = "stated",
        /// Only looks like a cue.
        Pseudo = "pseudo",
        /// Ends the reach of others.
        Terminate = "terminate",
        /// Takes what follows out of the statement before.
        Exception = "exception",
    }
}

named_enum! {
    /// Where a cue reaches.
    pub enum Direction {
        /// To the end of the clause.
        Forward = "forward",
        /// To the next finite verb.
        ForwardPhrase = "forward_phrase",
        /// To what stands before.
        Backward = "backward",
        /// To what stands on either side.
        Both = "both",
        /// To nothing.
        Nowhere = "-",
    }
}

/// A phrase that decides assertions.
pub(crate) struct CueEntry {
    pub(crate) category: CueCategory,
    pub(crate) direction: Direction,
    /// Whether the phrase is a cue only where it opens its clause (`Question small effusion`).
    pub(crate) opens: bool,
    /// Longest reach in tokens; `usize::MAX` when the clause is the only limit.
    pub(crate) max_tokens: usize,
    /// How likely a mention in reach is there.
    pub(crate) likelihood: f32,
    /// A hedge that carries its own negation (`cannot be excluded`) beats plain negation.
    pub(crate) overrides_negation: bool,
    /// `None` for cues that decide nothing by themselves.
    pub(crate) rule: Option<Rule>,
    /// Name of the relation to the observation before the cue (`A compatible with B`).
    pub(crate) suggests: bool,
}

/// A phrase that tells how a finding changed.
pub(crate) struct ChangeEntry {
    /// `None` for phrases that only look like a change.
    pub(crate) change: Option<Change>,
    pub(crate) direction: Direction,
    /// Whether the sentence must speak of an earlier examination.
    pub(crate) needs_prior: NeedsPrior,
}

/// When a change phrase is valid only in a sentence that speaks of an earlier examination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NeedsPrior {
    Always,
    Never,
    /// `Decreased effusion` is a change, `the volume is decreased` only against an earlier one.
    AsPredicate,
    /// Never, but only where the phrase ends its statement: `the tube removed.`, not `infected and removed with it`.
    AtEnd,
}

/// A section title.
pub(crate) struct Heading {
    pub(crate) phrase: String,
    pub(crate) kind: SectionKind,
}

/// What one phrase means; a phrase may mean more than one thing (`no significant change`).
#[derive(Default)]
pub(crate) struct Meaning {
    /// Concept and the side that this wording adds.
    pub(crate) concept: Option<(usize, Option<Side>)>,
    pub(crate) cue: Option<usize>,
    pub(crate) change: Option<usize>,
}
