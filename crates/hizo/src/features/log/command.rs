//! `hizo log`

use super::{authorities, export, policy, renew, show};
use crate::Setting;
use crate::failure::Outcome;

/// Show the keeper's log: its keys, its witnesses, and what they have cosigned
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    Policy(policy::Arguments),
    Authorities(authorities::Arguments),
    Renew(renew::Arguments),
    Export(export::Arguments),
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match &arguments.act {
        None => show::run(setting),
        Some(Act::Policy(arguments)) => policy::run(setting, arguments),
        Some(Act::Authorities(arguments)) => authorities::run(setting, arguments),
        Some(Act::Renew(arguments)) => renew::run(setting, arguments),
        Some(Act::Export(arguments)) => export::run(setting, arguments),
    }
}
