//! Where frames lie: files into series, a series into stacks, a stack onto the grid it is read on.

mod divide;
mod frame;
mod geometry;
mod grid;
mod intensity;
mod measure;
mod series;
mod steps;
#[cfg(test)]
mod tests;

pub(crate) use divide::stacks;
pub use frame::Frame;
pub use geometry::Stack;
pub(crate) use series::group_from;
pub use series::{DicomFiles, DicomSeries, DicomVolume, group, is_dicom};
