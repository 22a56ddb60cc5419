//! The graph room: parsed reports become tables, equal sentences become one sentence type, and
//! sentence types of different patients are related.
//!
//! - [`ReportRows`] holds one report as rows of every report table.
//! - [`SentenceTypes`] counts sentences that are equal after normalisation; half of all sentences of
//!   a corpus are repeats, so what follows is done once a type.
//! - [`similar_types`] relates types: a cosine of the texts, gated by what they assert.
//! - [`SentenceVectors`] are what that cosine is of where a [`SentenceEncoder`] is at hand.

mod encoder;
mod rows;
mod sentence_types;
mod similarity;

pub use encoder::{EncodeError, SentenceEncoder, SentenceVectors};
pub use rows::{ReportOrigin, ReportRows};
pub use sentence_types::{SentenceTypes, sentence_type};
pub use similarity::{AGREEMENT, gate, similar_types};
