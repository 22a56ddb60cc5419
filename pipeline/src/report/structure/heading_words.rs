//! The words of headings, and the words beside which the same word is no heading.

use crate::report::lexicon::{Heading, within_one_edit};
use crate::report::parsed::SectionKind;
use crate::report::text::fold_phrase;

/// A heading of at least this many bytes may be misspelt by one letter.
const FUZZY_FROM: usize = 7;

pub(crate) fn is_markup(character: char) -> bool {
    character.is_whitespace() || matches!(character, '*' | '#' | '_' | '>' | '[' | '\u{2022}')
}

/// The kind of a heading; with `fuzzy`, one letter of it may be wrong.
pub(crate) fn look_up(phrase: &str, headings: &[Heading], fuzzy: bool) -> Option<SectionKind> {
    let bare = phrase.trim_end_matches(|c: char| is_markup(c) || matches!(c, '-' | ']' | '.'));
    if bare.is_empty() {
        return None;
    }
    let folded = fold_phrase(bare);
    if let Ok(position) =
        headings.binary_search_by(|heading| heading.phrase.as_str().cmp(folded.as_str()))
    {
        return headings.get(position).map(|heading| heading.kind);
    }
    if !fuzzy || folded.len() < FUZZY_FROM {
        return None;
    }
    headings
        .iter()
        .find(|heading| {
            heading.phrase.len() >= FUZZY_FROM
                && within_one_edit(heading.phrase.as_bytes(), folded.as_bytes())
        })
        .map(|heading| heading.kind)
}

/// Whether a word is one that stands in a report as a heading rather than in a sentence.
pub(crate) fn is_telling(word: &str) -> bool {
    let last = word.rsplit(['/', '&', '-']).next().unwrap_or(word);
    matches!(
        last.to_ascii_lowercase().as_str(),
        "findings"
            | "impression"
            | "impressions"
            | "conclusion"
            | "conclusions"
            | "opinion"
            | "indication"
            | "indications"
            | "history"
            | "information"
            | "technique"
            | "comparison"
            | "recommendation"
            | "recommendations"
    )
}

/// Whether it is a heading of what closes a report.
pub(crate) fn is_closing(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "impression" | "impressions" | "conclusion" | "conclusions" | "opinion"
    )
}

/// Whether the word before ties what follows into its sentence: `no findings: ...`.
pub(crate) fn binds(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric()).to_ascii_lowercase();
    word.ends_with(['-', '/', '"', '\''])
        || matches!(
            bare.as_str(),
            "a" | "an"
                | "the"
                | "this"
                | "these"
                | "those"
                | "no"
                | "not"
                | "any"
                | "all"
                | "and"
                | "or"
                | "of"
                | "in"
                | "on"
                | "for"
                | "to"
                | "with"
                | "without"
                | "by"
                | "from"
                | "under"
                | "see"
                | "per"
                | "as"
                | "my"
                | "our"
                | "his"
                | "her"
                | "their"
                | "its"
                | "following"
                | "above"
                | "below"
                | "other"
                | "further"
                | "additional"
                | "significant"
                | "relevant"
                | "important"
                | "main"
                | "key"
                | "overall"
                | "initial"
                | "final"
                | "first"
                | "clinical"
                | "diagnostic"
                | "differential"
                | "provisional"
                | "incidental"
                | "associated"
                | "abnormal"
                | "positive"
                | "negative"
                | "pathological"
                | "acute"
                | "previous"
                | "prior"
                | "same"
                | "similar"
                | "basilar"
                | "visual"
                | "examination"
                | "medical"
                | "surgical"
                | "family"
                | "smoking"
                | "social"
                | "past"
                | "known"
                | "patient"
                | "direct"
                | "imaging"
                | "radiological"
                | "general"
                | "useful"
        )
}

/// Whether the word after goes on with a sentence: `impression of the calcaneus`.
pub(crate) fn continues(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    bare.ends_with("ing")
        || matches!(
            bare,
            "of" | "is"
                | "may"
                | "might"
                | "could"
                | "would"
                | "can"
                | "does"
                | "do"
                | "will"
                | "not"
                | "include"
                | "includes"
                | "remain"
                | "remains"
                | "are"
                | "was"
                | "were"
                | "has"
                | "have"
                | "that"
                | "which"
                | "and"
                | "or"
                | "in"
                | "on"
                | "at"
                | "for"
                | "with"
                | "to"
                | "from"
                | "by"
                | "above"
                | "below"
                | "section"
                | "noted"
                | "seen"
                | "present"
                | "described"
                | "consistent"
                | "compatible"
                | "suggest"
                | "suggests"
                | "suggestive"
                | "given"
                | "as"
        )
}

/// `XXXX` and `___` stand for words taken out.
pub(crate) fn is_placeholder(word: &str) -> bool {
    word.len() > 1 && (word.chars().all(|c| c == 'X') || word.chars().all(|c| c == '_'))
}
