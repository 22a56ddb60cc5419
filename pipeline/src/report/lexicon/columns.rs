//! What the words in the columns of the lexicon's tables mean.

use super::entries::Direction;
use crate::report::rule::Rule;

/// The rule of cues of this category and direction; `None` where there is none.
pub(crate) fn cue_rule(category: &str, direction: &str) -> Option<Rule> {
    Rule::from_name(&format!("{category}_{direction}"))
}

pub(crate) fn parse_direction(word: &str) -> Option<Direction> {
    match word {
        "forward" => Some(Direction::Forward),
        "forward_phrase" => Some(Direction::ForwardPhrase),
        "backward" => Some(Direction::Backward),
        "both" => Some(Direction::Both),
        "-" => Some(Direction::Nowhere),
        _ => None,
    }
}
