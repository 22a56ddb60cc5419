//! Rows of the lexicon in words.

use super::compiled::Lexicon;
use super::entries::{ChangeEntry, CueEntry, NeedsPrior};

impl Lexicon {
    /// A concept by its position.
    pub(crate) fn describe_concept(&self, at: usize) -> String {
        let concept = self.concepts.get(at);
        concept.map_or_else(String::new, |c| format!("concept {} ({})", c.id, c.kind))
    }

    /// A cue by its position.
    pub(crate) fn describe_cue(&self, at: usize) -> String {
        self.cues.get(at).map_or_else(String::new, CueEntry::describe)
    }

    /// A change phrase by its position.
    pub(crate) fn describe_change(&self, at: usize) -> String {
        self.changes.get(at).map_or_else(String::new, ChangeEntry::describe)
    }
}

impl CueEntry {
    /// What the row says.
    pub(crate) fn describe(&self) -> String {
        let mut text = match self.rule {
            Some(rule) => format!("cue {rule}"),
            None => format!("cue {}, which decides nothing", self.category.name()),
        };
        if self.max_tokens != usize::MAX {
            text += &format!(", over {} words at most", self.max_tokens);
        }
        if self.opens {
            text += ", where it opens its clause";
        }
        text
    }
}

impl ChangeEntry {
    /// What the row says.
    pub(crate) fn describe(&self) -> String {
        let Some(change) = self.change else {
            return "change none, though it looks like one".to_owned();
        };
        let when = match self.needs_prior {
            NeedsPrior::Never => "",
            NeedsPrior::Always => ", where an earlier examination is spoken of",
            NeedsPrior::AsPredicate => {
                ", as a predicate only where an earlier examination is spoken of"
            }
            NeedsPrior::AtEnd => ", where it ends its statement",
        };
        format!("change {change} {}{when}", self.direction.name())
    }
}
