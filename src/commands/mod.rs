//! One file per verb.

mod completions;
mod curate;
mod doctor;
mod evaluate;
mod inspect;
mod list;
mod loader;
mod phantom;
mod release;
mod report;
mod run;
mod schema;
mod show;
mod train;
mod volume;

use crate::cli::{Cli, Verb};
use crate::failure::Failure;

/// Runs the verb and gives the exit code.
pub(crate) fn dispatch(cli: &Cli) -> Result<u8, Failure> {
    let common = &cli.common;
    match &cli.verb {
        Verb::Run(args) => run::run(args, common),
        Verb::Curate(args) => curate::run(args, common),
        Verb::Train(args) => train::run(args, common),
        Verb::Evaluate(args) => evaluate::run(args, common),
        Verb::Inspect(args) => inspect::run(args, common),
        Verb::Volume(args) => volume::run(args, common),
        Verb::Report(args) => report::run(args, common),
        Verb::Release(verb) => release::run(verb, common),
        Verb::Loader(verb) => loader::run(verb, common),
        Verb::Phantom(args) => phantom::run(args, common),
        Verb::Show(args) => show::run(args, common),
        Verb::List(args) => list::run(args, common),
        Verb::Schema => Ok(schema::run()),
        Verb::Completions { shell } => Ok(completions::run(*shell)),
        Verb::Doctor => Ok(doctor::run(common)),
    }
}
