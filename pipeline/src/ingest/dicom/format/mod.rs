//! The file format: preamble, meta group, and the elements of a data set over their bytes.

mod character_set;
mod dataset;
mod decimal;
mod name;
mod part10;

pub(crate) use dataset::{DataSet, ITEM, PIXEL_DATA, number};
pub(crate) use decimal::Decimal;
pub(crate) use name::{file_name, pair_of_names};
pub(crate) use part10::{Opened, looks_like_dicom, open, whole};
