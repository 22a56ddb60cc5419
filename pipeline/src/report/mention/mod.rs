//! One sentence into mentions: phrases of the lexicon, clauses, the scopes of cues, assertion and
//! change, and the numbers that are sizes, dates or references to images.

mod analysis;
mod assertion;
mod change;
mod clause;
mod cue_scope;
mod entity;
mod level;
mod measurement;
mod number;
mod prior_size;
mod reference;

pub(crate) use analysis::{Analysis, Mention, analyse};
pub(crate) use entity::find_hits;
pub(crate) use measurement::Size;
pub(crate) use reference::find_references;
