//! End-to-end tests of the binary on the sample corpus.

mod bad_input;
mod commands;
mod curate;
mod dicom_tree;
mod encoder;
mod kill;
mod reuse;
mod support;
mod train;
