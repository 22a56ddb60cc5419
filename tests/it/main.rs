//! End-to-end tests of the binary on the sample corpus.

mod bad_input;
mod commands;
mod compliance;
mod curate;
mod dicom_tree;
mod encoder;
mod kill;
mod odd_inputs;
mod readme;
mod report;
mod reuse;
mod snapshots;
mod support;
mod train;
mod versions;
