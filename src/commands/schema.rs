//! `radloom schema`.

use crate::failure::{DONE, Failure};
use crate::progress::print;

pub(super) fn run() -> Result<u8, Failure> {
    print(schemas::manifest::json_schema().trim_end());
    Ok(DONE)
}
