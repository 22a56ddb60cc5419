//! `radloom schema`.

use crate::failure::DONE;
use crate::progress::print;

pub(super) fn run() -> u8 {
    print(model::system::json_schema().trim_end());
    DONE
}
