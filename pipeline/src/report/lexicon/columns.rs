//! What the words in the columns of the lexicon's tables mean.

use super::entries::{Direction, Heading};
use super::error::LexiconError;
use super::tsv::rows;
use crate::report::parsed::SectionKind;
use crate::report::text::fold_phrase;

/// `negated_forward` and the like, from the words of two checked columns.
pub(crate) fn rule_name(category: &str, direction: &str) -> &'static str {
    macro_rules! directions {
        ($category:literal) => {
            match direction {
                "forward" => concat!($category, "_forward"),
                "forward_phrase" => concat!($category, "_forward_phrase"),
                "backward" => concat!($category, "_backward"),
                "both" => concat!($category, "_both"),
                _ => concat!($category, "_-"),
            }
        };
    }
    match category {
        "negated" => directions!("negated"),
        "possible" => directions!("possible"),
        "suggests" => directions!("suggests"),
        "hypothetical" => directions!("hypothetical"),
        "historical" => directions!("historical"),
        "pseudo" => directions!("pseudo"),
        "terminate" => directions!("terminate"),
        _ => directions!("exception"),
    }
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
        let kind = SectionKind::parse(kind).ok_or_else(|| row.bad(file, "kind", kind))?;
        headings.push(Heading { phrase: fold_phrase(phrase), kind });
    }
    headings.sort_by(|a, b| a.phrase.cmp(&b.phrase));
    headings.dedup_by(|a, b| a.phrase == b.phrase);
    Ok(headings)
}
