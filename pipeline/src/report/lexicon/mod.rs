//! Words and what they mean: tables of concepts, cues, change phrases and headings, compiled into
//! one trie of phrases, and the lists of words that rules ask for.

mod build;
mod compiled;
mod describe;
mod entries;
mod error;
mod inflection;
mod organ;
mod spelling;
mod template;
mod trie;
mod tsv;
mod units;

pub(crate) use build::{GivenPhrase, PhraseKind, USER_FILE};
pub(crate) use compiled::Lexicon;
pub(crate) use entries::{ChangeEntry, CueCategory, CueEntry, Direction, Meaning, NeedsPrior};
pub use error::LexiconError;
pub(crate) use organ::ORGANS;
pub(crate) use spelling::within_one_edit;
pub(crate) use units::Units;
