//! `radloom release`.

use pipeline::release::{release_at, verify};
use schemas::manifest::is_address;

use crate::cli::{Common, ReleaseVerb};
use crate::failure::{DONE, FAILED, Failure};
use crate::progress::print;
use crate::settings::use_threads;

pub(super) fn run(verb: &ReleaseVerb, common: &Common) -> Result<u8, Failure> {
    use_threads(common.threads.unwrap_or(0))?;
    match verb {
        ReleaseVerb::Verify { dir } => {
            let release = release_at(dir)?;
            let result = verify(&release)?;
            if common.json {
                print(&serde_json::to_string(&result).unwrap_or_default());
            } else if result.ok {
                let shown = if is_address(dir) { dir } else { &release };
                print(&format!("`{}` is whole", shown.display()));
            } else {
                for error in &result.errors {
                    print(&format!("`{}` {}", error.file, error.what));
                }
            }
            Ok(if result.ok { DONE } else { FAILED })
        }
    }
}
