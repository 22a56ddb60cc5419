//! Integration tests of the model crate.

mod goldens;
mod sentences;
mod tokens;
