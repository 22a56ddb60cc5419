//! The bytes of a sentence as words: a folded copy with the way back to the document, and tokens with the lists that
//! each word is in. The words of the lists come from the lexicon, of which nothing here knows.

mod folded;
mod token;
mod word_hash;
mod word_list;

pub(crate) use folded::{FoldedText, SPACED_DASH, fold_phrase};
pub(crate) use token::{Class, Token, Tokens, tokenise};
pub(crate) use word_hash::WordMap;
pub(crate) use word_list::{WordList, WordLists};
