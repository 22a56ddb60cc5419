//! The words of headings, and the words beside which the same word is no heading.

use crate::report::lexicon::{Lexicon, within_one_edit};
use crate::report::mention::find_hits;
use crate::report::parsed::{NodeKind, SectionKind};
use crate::report::text::{
    Class, FoldedText, Token, Tokens, WordList, WordLists, fold_phrase, tokenise,
};

/// A heading of at least this many bytes may be misspelt by one letter.
const FUZZY_FROM: usize = 7;

pub(crate) fn is_markup(character: char) -> bool {
    character.is_whitespace() || matches!(character, '*' | '#' | '_' | '>' | '[' | '\u{2022}')
}

/// The kind of a heading; with `fuzzy`, one letter of it may be wrong.
pub(crate) fn look_up(phrase: &str, lexicon: &Lexicon, fuzzy: bool) -> Option<SectionKind> {
    let bare = phrase.trim_end_matches(|c: char| is_markup(c) || matches!(c, '-' | ']' | '.'));
    if bare.is_empty() {
        return None;
    }
    let headings = lexicon.headings.as_slice();
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

/// Whether the phrase names organs, devices or lymph nodes and nothing else: `Lungs and pleura`.
pub(crate) fn names_organs(phrase: &str, lexicon: &Lexicon) -> bool {
    let folded = FoldedText::new(phrase, 0, phrase.len());
    let all = tokenise(&lexicon.words, &folded.text);
    let hits = find_hits(lexicon, Tokens { text: &folded.text, all: &all, lists: &lexicon.words });
    let abnormal = lexicon.by_id.get("abnormality").copied();
    let named = |at: usize| {
        hits.concepts.iter().any(|hit| {
            let normal = abnormal.is_none_or(|abnormal| !lexicon.is_a(hit.entry, abnormal));
            hit.first <= at && at < hit.last && normal
        })
    };
    let joins = |token: &Token| {
        matches!(token.class, Class::Conjunction | Class::Comma | Class::Determiner | Class::Mark)
    };
    let organ = hits.concepts.iter().any(|hit| lexicon.kind(hit.entry) != NodeKind::Modifier);
    organ && all.iter().enumerate().all(|(at, token)| named(at) || joins(token))
}

/// Whether a word is one that stands in a report as a heading rather than in a sentence.
pub(crate) fn is_telling(words: &WordLists, word: &str) -> bool {
    let last = word.rsplit(['/', '&', '-']).next().unwrap_or(word);
    words.has(WordList::Heading, last)
}

/// Whether it is a heading of what closes a report.
pub(crate) fn is_closing(words: &WordLists, word: &str) -> bool {
    words.has(WordList::ClosingHeading, word)
}

/// Whether the word before ties what follows into its sentence: `no findings: ...`.
pub(crate) fn binds(words: &WordLists, word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    word.ends_with(['-', '/', '"', '\'']) || words.has(WordList::BindsHeading, bare)
}

/// Whether the word after goes on with a sentence: `impression of the calcaneus`.
pub(crate) fn continues(words: &WordLists, word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    let endings = words.words(WordList::ContinuesHeadingEnding);
    words.of(bare).has(WordList::ContinuesHeading)
        || endings.iter().any(|ending| bare.ends_with(ending.as_str()))
}

/// `XXXX` and `___` stand for words taken out.
pub(crate) fn is_placeholder(word: &str) -> bool {
    word.len() > 1 && (word.chars().all(|c| c == 'X') || word.chars().all(|c| c == '_'))
}
