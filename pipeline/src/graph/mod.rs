//! The graph room: equal sentences become one sentence type, and sentence types of different
//! patients are related.
//!
//! - [`SentenceTypes`] counts sentences that are equal after normalisation; half of all sentences of
//!   a corpus are repeats, so what follows is done once a type.
//! - [`similar_types`] relates types: a cosine of the texts, gated by what they assert.
//! - [`SentenceVectors`] are what that cosine is of where a [`SentenceEncoder`] is at hand.

mod encoder;
mod sentence_types;
mod similarity;

pub use encoder::{EncodeError, SentenceEncoder, SentenceVectors};
pub use sentence_types::SentenceTypes;
pub use similarity::{AGREEMENT, gate, similar_types};

// Re-exported for the callers that gather rows and types together.
pub use crate::report::{ReportOrigin, ReportRows};

/// Number of this room's code. Raise it when the same reports give other sentence types or similarities: it is part of
/// the lock of every release.
pub const REVISION: u32 = 2;
