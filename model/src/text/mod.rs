//! Reports as tokens: the tokenizer with its sentence map, and masks for reconstruction.

mod mask;
mod tokenize;
mod vocabulary;

pub use mask::{MaskedText, mask_words};
pub use tokenize::{EncodedReport, ReportTokenizer, TokenizeError};
pub use vocabulary::build_vocabulary;
