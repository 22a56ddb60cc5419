//! The file format: preamble, meta group, and the elements of a data set over their bytes.

mod dataset;
mod name;
mod part10;

pub(crate) use dataset::{DataSet, ITEM, PIXEL_DATA, number};
pub(crate) use name::file_name;
pub(crate) use part10::{Opened, looks_like_dicom, open, whole};
