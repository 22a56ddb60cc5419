//! Where frames lie: files into series, a series into stacks, a stack onto the grid it is read on.

mod copies;
mod divide;
mod frame;
mod geometry;
mod grid;
mod group;
mod intensity;
mod lost;
mod measure;
mod series;
mod steps;
#[cfg(test)]
mod tests;

pub(crate) use divide::stacks;
pub use frame::Frame;
pub use geometry::Stack;
pub use group::group;
pub(crate) use group::group_from;
pub use series::{DicomFiles, DicomSeries, DicomVolume};
