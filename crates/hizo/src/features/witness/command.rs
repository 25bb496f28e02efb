//! `hizo witness`

use super::{add, init, run};
use crate::Setting;
use crate::failure::Outcome;

/// Be a witness: cosign the logs of others as long as they go on
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    Init(init::Arguments),
    Add(add::Arguments),
    Run(run::Arguments),
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match &arguments.act {
        Act::Init(arguments) => init::run(setting, arguments),
        Act::Add(arguments) => add::run(setting, arguments),
        Act::Run(arguments) => run::run(setting, arguments),
    }
}
