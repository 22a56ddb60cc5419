//! Where a manifest came from: the file and what the command line changed of it, for errors that name file, line, key
//! and what is allowed.

mod error;
mod expand;
mod overrides;
mod source;
mod span;

pub use error::ManifestError;
pub use overrides::Overrides;
pub use source::ManifestOrigin;
pub(super) use source::syntax_error;
