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
mod size_date;

pub(crate) use analysis::{Analysis, Mention, analyse, is_finding};
pub(crate) use cue_scope::Scope;
pub(crate) use entity::{Hit, find_hits};
pub(crate) use measurement::Size;
pub(crate) use reference::find_references;
pub(crate) use size_date::date_of;
