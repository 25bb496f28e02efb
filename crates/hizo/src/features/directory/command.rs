//! `hizo directory`

use super::{install, publish, show, update};
use crate::Setting;
use crate::failure::Outcome;

/// The directory of organisations: install it, look into it, publish one
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    Install(install::Arguments),
    Update(update::Arguments),
    Show(show::ShowArguments),
    Find(show::FindArguments),
    Publish(publish::Arguments),
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match &arguments.act {
        Act::Install(arguments) => install::run(setting, arguments),
        Act::Update(arguments) => update::run(setting, arguments),
        Act::Show(arguments) => show::show(setting, arguments),
        Act::Find(arguments) => show::find(setting, arguments),
        Act::Publish(arguments) => publish::run(setting, arguments),
    }
}
