//! Integration tests of the model crate.

mod goldens;
mod tokens;
