//! `radloom`: volumes and reports into training releases, and models from releases.

mod cli;
mod commands;
mod failure;
mod gallery;
mod progress;
mod sentence_encoder;
mod settings;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use cli::Cli;
use failure::Failure;

fn main() -> ExitCode {
    // A panic is a defect of ours, and the user should read where to report it, not a backtrace.
    std::panic::set_hook(Box::new(|panic| {
        progress::say(&format!(
            "radloom has a defect ({panic}).\nPlease report it with the command you ran and the \
             version `radloom {}`; what was finished is kept, and the same command goes on.",
            env!("CARGO_PKG_VERSION")
        ));
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(failure::USAGE);
            // Help and version are asked for and go to stdout, mistakes to stderr.
            error.print().ok();
            return ExitCode::from(code);
        }
    };
    let result = std::panic::catch_unwind(|| commands::dispatch(&cli));
    match result {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(error)) => {
            progress::say(&format!("error: {error}"));
            ExitCode::from(error.code())
        }
        Err(_) => ExitCode::from(Failure::DEFECT),
    }
}
