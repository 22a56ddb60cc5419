//! The bytes of a sentence as words: a folded copy with the way back to the document, and tokens
//! with the few closed word classes that rules need. Nothing here knows the lexicon.

mod folded;
mod token;

pub(crate) use folded::{FoldedText, SPACED_DASH, fold_phrase};
pub(crate) use token::{Class, Token, tokenise};
