//! Layouts: what the files of a corpus are.
//!
//! # Adding a layout
//!
//! 1. Write a file (or a folder) beside `ct_rate.rs` with a unit type that implements [`Layout`]: a name, a line of
//!    documentation, and `find`, which lists series with their study and patient; the rest has defaults.
//! 2. Add it to `layouts!` below: one line.
//!
//! Manifests then take its name in `[corpus] layout`, the JSON Schema knows it (`just schemas` writes it), and
//! `radloom list layouts` shows it.

mod found;
mod registry;
mod traits;

pub(super) use found::stem;
pub use found::{Alternative, Found, FoundSeries};
pub use traits::Layout;

registry::layouts! {
    bids::Bids,
    ct_rate::CtRate,
    dicom_tree::DicomTree,
    table::Table,
}
