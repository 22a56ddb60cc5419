//! What the words in the columns of the lexicon's tables mean.

use super::entries::{Direction, Heading};
use super::error::LexiconError;
use super::tsv::rows;
use crate::report::parsed::SectionKind;
use crate::report::rule::Rule;
use crate::report::text::fold_phrase;

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

/// Columns: heading, section kind.
pub(crate) fn heading_rows(file: &str, text: &str) -> Result<Vec<Heading>, LexiconError> {
    let mut headings = Vec::new();
    for row in rows(text) {
        let [phrase, kind] = row.columns(file)?;
        let kind = SectionKind::from_name(kind).ok_or_else(|| row.bad(file, "kind", kind))?;
        headings.push(Heading { phrase: fold_phrase(phrase), kind });
    }
    headings.sort_by(|a, b| a.phrase.cmp(&b.phrase));
    headings.dedup_by(|a, b| a.phrase == b.phrase);
    Ok(headings)
}
