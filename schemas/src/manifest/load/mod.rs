//! Reading a manifest: TOML to types, then its paths.

mod check;
mod curation;
mod overrides;
mod path;
mod read;

pub use path::is_address;
pub use read::{load, parse};
