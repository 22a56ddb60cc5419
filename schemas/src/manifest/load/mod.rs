//! Reading a manifest: TOML to types, with file, line, key and what is allowed in every error.

mod check;
mod error;
mod origin;
mod overrides;
mod path;
mod read;
mod span;

pub use error::ManifestError;
pub use origin::ManifestOrigin;
pub use overrides::Overrides;
pub(super) use path::PATHS;
pub use read::{load, parse};
