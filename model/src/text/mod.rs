//! Reports as tokens: the tokenizer with its maps to sentences and entities, and masks for
//! reconstruction. Sentences as vectors.

mod cache;
mod mask;
mod sentence;
mod tokenize;
mod vocabulary;

pub use cache::TokenCache;
pub use mask::{MaskedText, TextMask, TextMaskPolicy};
pub use sentence::{SentenceModel, SentenceModelError};
pub use tokenize::{EncodedReport, ReportTokenizer, TokenizeError};
pub use vocabulary::build_vocabulary;
