//! Letters with a digit that name a vertebra, and the same ones that name a sequence or a stage.

use crate::report::text::{Class, Tokens, WordList};

/// `T2 hyperintense`, `stage T2`, `T1 weighted`: the first four thoracic vertebrae share their names with sequences and
/// stages, and count only after a place preposition or beside a word of the spine. `L4 5 mm` is no level but a size.
pub(crate) fn is_other_level(tokens: Tokens<'_>, first: usize, last: usize) -> bool {
    let word = tokens.word(first);
    let number = |at: usize| tokens.word(at).bytes().all(|byte| byte.is_ascii_digit());
    if last - first >= 2 && number(last - 1) {
        // The unit of a size follows.
        return tokens.is(last, WordList::LengthUnit);
    }
    let letter = |letter: char| last == first + 1 && word.len() == 2 && word.starts_with(letter);
    let sequence = letter('t') && word.ends_with(['1', '2', '3', '4']);
    // `S1` is a segment of the lung as well.
    let sacral = letter('s') && word.ends_with('1');
    if !sequence && !sacral {
        return false;
    }
    let beside = |at: usize| tokens.is(at, WordList::BesideVertebra);
    if beside(last) || beside(last + 1) || first.checked_sub(1).is_some_and(beside) {
        return false;
    }
    let before = first.checked_sub(1);
    let led = before.is_some_and(|before| tokens.class(before) == Some(Class::Preposition));
    let other = tokens.is(last, WordList::AfterSequence)
        || before.is_some_and(|before| tokens.is(before, WordList::BeforeSequence));
    other || !led
}
