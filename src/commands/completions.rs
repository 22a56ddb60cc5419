//! `radloom completions`.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::failure::DONE;
use crate::progress::print;

pub(super) fn run(shell: clap_complete::Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "radloom", &mut script);
    print(String::from_utf8_lossy(&script).trim_end());
    DONE
}
