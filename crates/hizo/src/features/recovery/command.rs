//! `hizo recovery`

use super::{drill, machine, make, refuse, regain};
use crate::Setting;
use crate::failure::Outcome;

/// Make, try and use the paper cards that open a safe whose keys are lost
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    Make(make::Arguments),
    Drill(drill::Arguments),
    Refuse(refuse::Arguments),
    Use(regain::Arguments),
    Machine(machine::Arguments),
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match &arguments.act {
        Act::Make(arguments) => make::run(setting, arguments),
        Act::Drill(arguments) => drill::run(setting, arguments),
        Act::Refuse(arguments) => refuse::run(setting, arguments),
        Act::Use(arguments) => regain::run(setting, arguments),
        Act::Machine(arguments) => machine::run(setting, arguments),
    }
}
